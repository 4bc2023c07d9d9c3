package broker

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
	"vedette/internal/ingest/mqtt"
)

// User is somebody who may connect, and what they may publish and subscribe to:
// filters of topics, in which {user} is their name.
type User struct {
	Name      string   `yaml:"name"`
	Password  string   `yaml:"password"` // as mosquitto_passwd writes it: $7$ITERATIONS$SALT$HASH
	Publish   []string `yaml:"publish"`
	Subscribe []string `yaml:"subscribe"`

	hash hash
}

// The bounds of a file of users.
const (
	maxUsersFile  = 16 << 20
	maxIterations = 1_000_000
)

// ReadUsers reads a YAML file with a list of users.
func ReadUsers(in io.Reader) ([]User, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxUsersFile+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the users of a broker")
	}
	if len(b) > maxUsersFile {
		return nil, fault.New(fault.Limited, "a file of users of more than %d MiB", maxUsersFile>>20)
	}
	var file struct {
		Users []User `yaml:"users"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, err, "reading the users of a broker: %v", err).WithHint("see docs/sources.md for its form")
	}
	if len(file.Users) == 0 {
		return nil, fault.New(fault.Invalid, "the file of users of a broker names none")
	}
	return file.Users, checkUsers(file.Users)
}

// checkUsers makes users ready, with {user} put in.
func checkUsers(users []User) error {
	known := map[string]bool{}
	for i := range users {
		u := &users[i]
		if u.Name == "" || strings.ContainsAny(u.Name, "/+#\x00") || known[u.Name] {
			return fault.New(fault.Invalid, "user %d of a broker: the name %.80q is empty, there twice or has /, + or #", i+1, u.Name)
		}
		known[u.Name] = true
		var ok bool
		if u.hash, ok = parseHash(u.Password); !ok {
			return fault.New(fault.Invalid, "the password of the user %.80q of a broker is not hashed as it must be", u.Name).WithHint("mosquitto_passwd -c FILE %s writes $7$... into FILE", u.Name)
		}
		for _, list := range [][]string{u.Publish, u.Subscribe} {
			for j, f := range list {
				list[j] = strings.ReplaceAll(f, "{user}", u.Name)
				if err := mqtt.CheckFilter(list[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// SetUsers says who may connect from now on; none is anybody, on loopback only. Whoever
// is connected as somebody who is gone, or who has another password or other bounds, is let go with
// their session; the others do not notice.
func (s *Source) SetUsers(list []User) error {
	list = slices.Clone(list)
	for i := range list {
		list[i].Publish, list[i].Subscribe = slices.Clone(list[i].Publish), slices.Clone(list[i].Subscribe)
	}
	if err := checkUsers(list); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(s.cfg.Listen); len(list) == 0 && !onLoopback(host) {
		return exposed(s.cfg.Name, s.cfg.Listen)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next, before := make(map[string]*User, len(list)), s.users.Load()
	for i := range list {
		u := &list[i]
		if was := s.user(u.Name); was != nil && was.Password == u.Password && slices.Equal(was.Publish, u.Publish) && slices.Equal(was.Subscribe, u.Subscribe) {
			u = was
		}
		next[u.Name] = u
	}
	s.users.Store(&next)
	if s.guard != nil {
		s.guard.sweep(*before)
	}
	return nil
}

// user finds one by name; nil: there is none.
func (s *Source) user(name string) *User {
	users := s.users.Load()
	if users == nil {
		return nil
	}
	return (*users)[name]
}

// meet tells of the guard of a run; nil: the run has ended.
func (s *Source) meet(g *guard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guard = g
}

// sweep lets those go who are not let in as they were. A session whose client is away
// goes too: its subscriptions would be taken over unasked.
func (g *guard) sweep(before map[string]*User) {
	for id, cl := range g.server.Clients.GetAll() {
		if cl.Closed() { // a session whose client is away
			name := string(cl.Properties.Username)
			if now := g.s.user(name); now != before[name] || now == nil && len(*g.s.users.Load()) > 0 {
				g.letGo(cl)
				g.server.Clients.Delete(id)
			}
			continue
		}
		if _, ok := g.stands(cl); !ok {
			g.letGo(cl)
		}
	}
}

// CheckUser refuses a user that no file could have.
func CheckUser(u User) error {
	u.Publish, u.Subscribe = slices.Clone(u.Publish), slices.Clone(u.Subscribe)
	return checkUsers([]User{u})
}

// iterations of passwords that are hashed here: some milliseconds each.
const iterations = 10_000

// HashPassword hashes a password as a file of users has it.
func HashPassword(password string) (string, error) {
	salt := make([]byte, 12)
	if _, err := rand.Read(salt); err != nil {
		return "", fault.Wrap(fault.Internal, err, "hashing a password")
	}
	sum, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "hashing a password")
	}
	return "$7$" + strconv.Itoa(iterations) + "$" + base64.StdEncoding.EncodeToString(salt) + "$" + base64.StdEncoding.EncodeToString(sum), nil
}

// NoPassword is a hash that no password has: its sum is random. A user with it is not
// let in, and the broker is not one without users.
func NoPassword() string {
	random := make([]byte, 12+sha512.Size)
	_, _ = rand.Read(random) // it never fails
	return "$7$1$" + base64.StdEncoding.EncodeToString(random[:12]) + "$" + base64.StdEncoding.EncodeToString(random[12:])
}

// hash is that of a password: PBKDF2 with SHA-512.
type hash struct {
	iterations int
	salt, sum  []byte
}

func parseHash(text string) (h hash, ok bool) {
	part := strings.Split(text, "$")
	if len(part) != 5 || part[0] != "" || part[1] != "7" {
		return h, false
	}
	n, err := strconv.Atoi(part[2])
	salt, err2 := base64.StdEncoding.DecodeString(part[3])
	sum, err3 := base64.StdEncoding.DecodeString(part[4])
	if errors.Join(err, err2, err3) != nil || n < 1 || n > maxIterations || len(salt) < 8 || len(salt) > 64 || len(sum) != sha512.Size {
		return h, false
	}
	return hash{n, salt, sum}, true
}

// is reports whether a password has this hash.
func (h hash) is(password []byte) bool {
	sum, err := pbkdf2.Key(sha512.New, string(password), h.salt, h.iterations, sha512.Size)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// covers reports whether all topics of a filter are among those of another; a
// topic is a filter of itself.
func covers(allowed, asked string) bool {
	if strings.HasPrefix(asked, "$") && !strings.HasPrefix(allowed, "$") {
		return false
	}
	a, b := strings.Split(allowed, "/"), strings.Split(asked, "/")
	for i, l := range a {
		switch {
		case l == "#":
			return true
		case i >= len(b), b[i] == "#", l != "+" && l != b[i]:
			return false
		}
	}
	return len(a) == len(b)
}
