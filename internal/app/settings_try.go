package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest/mqtt"
)

// secretsName is the folder of the data directory that sources which are set here
// may read passwords and certificates from.
const secretsName = "secrets"

// reachTime is how long a broker has to answer.
const reachTime = 3 * time.Second

// mayRead refuses a source that is set here and names files outside of the
// directories that the configuration allows: whoever administers the product is not
// therefore to read all that its process can.
func (a *App) mayRead(s config.Source) error {
	secrets := append([]string{filepath.Join(a.cfg.Dir, secretsName)}, a.cfg.Settings.Secrets...)
	for _, f := range [][2]string{{"cert_file", s.CertFile}, {"key_file", s.KeyFile}, {"password_file", s.PasswordFile}, {"ca_file", s.CAFile}, {"users_file", s.UsersFile}} {
		if f[1] != "" && !below(f[1], secrets) {
			return fault.New(fault.Denied, "%s %.200q is in none of the directories that sources which are set here may read secrets from", f[0], f[1]).
				WithHint("put it into %s, or name its directory under settings.secrets in the configuration", secrets[0])
		}
	}
	for _, p := range s.Paths {
		if !below(p, a.cfg.Settings.Follow) || below(p, []string{a.cfg.Dir}) {
			return fault.New(fault.Denied, "the path %.200q is in none of the directories whose files a source that is set here may follow", p).
				WithHint("name its directory under settings.follow in the configuration; now: %s", strings.Join(a.cfg.Settings.Follow, ", "))
		}
	}
	return nil
}

// below reports whether a path, or a pattern of paths, stays within one of some
// directories, links followed as far as they are there by now.
func below(path string, dirs []string) bool {
	if path != filepath.Clean(path) || !filepath.IsAbs(path) {
		return false
	}
	fixed := path
	if at := strings.IndexAny(path, `*?[\`); at >= 0 {
		fixed = filepath.Dir(path[:at] + "x")
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		dir, err := filepath.Abs(dir)
		if err != nil || !within(fixed, dir) {
			return false
		}
		return within(followed(fixed), followed(dir))
	})
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// followed is a path with the links of what there is of it followed.
func followed(path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real
	}
	if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
		return filepath.Join(followed(parent), filepath.Base(path))
	}
	return path
}

// tryAll tells what would happen if a source were set.
func (a *App) tryAll(ctx context.Context, s config.Source) []api.SourceCheck {
	switch s.Kind {
	case "syslog", "netflow", "broker":
		return a.tryListen(ctx, s)
	case "mqtt":
		return []api.SourceCheck{tryBroker(ctx, s.Broker)}
	case "tail", "captures":
		return tryPaths(s.Paths)
	case "capture":
		if _, err := net.InterfaceByName(s.Interface); err != nil {
			return []api.SourceCheck{{State: "problem", Text: fmt.Sprintf("there is no interface %.40q on this machine", s.Interface)}}
		}
		return []api.SourceCheck{{State: "ok", Text: "the interface is there; whether the program may read from it shows when it runs"}}
	}
	return nil
}

func networksOf(s config.Source) []string {
	switch {
	case s.Kind == "netflow" || s.Transport == "udp":
		return []string{"udp"}
	case s.Kind == "broker" || s.Transport == "tcp":
		return []string{"tcp"}
	}
	return []string{"udp", "tcp"}
}

// tryListen opens the address for a moment, unless the source has it already.
func (a *App) tryListen(ctx context.Context, s config.Source) []api.SourceCheck {
	var out []api.SourceCheck
	own := a.listensAlready(s.Name)
	for _, network := range networksOf(s) {
		if own != nil && own.Listen == s.Listen && slices.Contains(networksOf(*own), network) {
			out = append(out, api.SourceCheck{State: "ok", Text: fmt.Sprintf("it has the address %s/%s already", s.Listen, network)})
			continue
		}
		var lc net.ListenConfig
		var err error
		if network == "udp" {
			var c net.PacketConn
			if c, err = lc.ListenPacket(ctx, network, s.Listen); err == nil {
				err = c.Close()
			}
		} else {
			var l net.Listener
			if l, err = lc.Listen(ctx, network, s.Listen); err == nil {
				err = l.Close()
			}
		}
		if err != nil {
			out = append(out, api.SourceCheck{State: "problem", Text: fmt.Sprintf("it cannot listen on %s/%s: %s", s.Listen, network, causeOf(err))})
			continue
		}
		out = append(out, api.SourceCheck{State: "ok", Text: fmt.Sprintf("the address %s/%s is free", s.Listen, network)})
	}
	return out
}

// causeOf is the cause at the end of an error of the network.
func causeOf(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// listensAlready is the source of a name as it is set and not stopped; nil: none.
func (a *App) listensAlready(name string) *config.Source {
	doc, _ := a.set.Now()
	at := doc.Source(name)
	if _, stopped := doc.Stopped[name]; stopped || at < 0 || a.live.Load() == nil {
		return nil
	}
	s, problems := config.ReadSource(doc.Sources[at].Config)
	if len(problems) > 0 {
		return nil
	}
	return &s
}

// tryBroker opens a connection to a broker and says nothing by it.
func tryBroker(ctx context.Context, broker string) api.SourceCheck {
	u, err := url.Parse(broker)
	if err != nil {
		return api.SourceCheck{State: "problem", Text: "the address of the broker cannot be read"}
	}
	at := mqtt.Address(u)
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return api.SourceCheck{State: "warning", Text: fmt.Sprintf("the broker %s is not reached within %s: %s; the source goes on trying", at, reachTime, causeOf(err))}
	}
	_ = c.Close()
	return api.SourceCheck{State: "ok", Text: fmt.Sprintf("something listens at %s; whether it takes user and topics shows when the source runs", at)}
}

// tryPaths tells what the paths mean by now.
func tryPaths(paths []string) []api.SourceCheck {
	var out []api.SourceCheck
	for _, p := range paths {
		found, err := filepath.Glob(strings.ReplaceAll(p, "/**/", "/*/"))
		readable := 0
		for _, f := range found {
			if file, err := os.Open(f); err == nil { //nolint:gosec // G304: below what the configuration allows
				readable++
				_ = file.Close()
			}
		}
		c := api.SourceCheck{State: "ok", Text: fmt.Sprintf("%s fits %d files and directories, all readable", p, len(found))}
		dir := filepath.Dir(p)
		if at := strings.IndexAny(p, "*?["); at >= 0 {
			dir = filepath.Dir(p[:at] + "x")
		}
		switch _, missing := os.Stat(dir); {
		case err != nil:
			c = api.SourceCheck{State: "problem", Text: p + " is no pattern"}
		case missing != nil:
			c = api.SourceCheck{State: "warning", Text: "there is no directory " + dir + "; files that appear later count"}
		case len(found) == 0:
			c = api.SourceCheck{State: "warning", Text: p + " fits nothing by now; files that appear later count"}
		case readable < len(found):
			c = api.SourceCheck{State: "problem", Text: fmt.Sprintf("%s fits %d files and directories, of which %d cannot be read", p, len(found), len(found)-readable)}
		}
		out = append(out, c)
	}
	return out
}
