package app

import (
	"io"
	"log/slog"
	"time"

	"vedette/internal/api/certs"
	"vedette/internal/asset"
	"vedette/internal/config"
	"vedette/internal/store/duckdb"
)

// Sources are where the settings come from: a file ("" for none), the
// environment, and flags as dotted keys with values.
type Sources struct {
	File  string
	Env   []string
	Flags map[string]string
}

func (s Sources) load() (config.Config, config.Origins, error) {
	src := config.Sources{File: s.File, Env: s.Env}
	for key, value := range s.Flags {
		src.Flags = append(src.Flags, config.Setting{Origin: "flag", Key: key, Value: value})
	}
	return config.LoadTold(src)
}

// LoadConfig reads the settings into what Open takes.
func LoadConfig(s Sources, log *slog.Logger) (Config, error) {
	c, from, err := s.load()
	if err != nil {
		return Config{}, err
	}
	out := Config{
		From: from, Settings: c.Settings,
		Dir: c.Data, Now: time.Now, Log: log,
		Assets:    asset.Config{Site: c.Site, MaxDevices: c.Limits.Devices, AdoptNeighbours: c.Adopt},
		Detect:    Detect{BuiltIn: c.Detect.BuiltIn, Rules: c.Detect.Rules, Behaviour: c.Detect.Behaviour, Learn: c.Detect.Learn.Std(), Anomalies: c.Detect.Anomalies, Policy: c.Detect.Policy},
		Endpoints: endpointsOf(c), Mind: mindOf(c),
		Sources: c.Sources, Pulls: pullsOf(c), Spool: int64(c.Limits.SpoolBytes),
		Server:    Server{Listen: c.Listen, Hosts: c.Server.Hosts, TLS: c.Server.TLS, CertFile: c.Server.CertFile, KeyFile: c.Server.KeyFile, Origins: c.Server.Origins, NeedPasskey: c.Server.NeedKey, ACME: orderOf(c.Server.ACME), ACMEHTTP: c.Server.ACME.HTTP, OIDC: outsideOf(c.Server.OIDC)},
		Traces:    Traces{URL: c.Traces.URL, KeyFile: c.Traces.KeyFile, Share: float64(c.Traces.Percent) / 100, Site: c.Site},
		Sharing:   sharingOf(c),
		Retention: Retention{Events: c.Retention.Events.Std(), Disk: int64(c.Retention.Disk)},
		Store:     duckdb.Options{MemoryLimit: c.Limits.Memory.String(), Threads: c.Limits.Threads, QueryTimeout: c.Limits.QueryTime.Std(), Now: time.Now},
	}
	for _, p := range c.Own {
		out.Assets.Own = append(out.Assets.Own, p.Prefix)
	}
	for _, z := range c.Zones {
		out.Assets.Zones = append(out.Assets.Zones, zoneOf(z))
	}
	return out, nil
}

// CheckConfig tells all problems of the settings, one a line; the error is the
// one that Open would meet.
func CheckConfig(s Sources) ([]string, error) {
	_, _, err := s.load()
	var lines []string
	for _, p := range config.ProblemsOf(err) {
		lines = append(lines, p.String())
	}
	return lines, err
}

// PrintConfig writes the settings in force as YAML.
func PrintConfig(s Sources, out io.Writer) error {
	c, _, err := s.load()
	if err != nil {
		return err
	}
	return c.Print(out)
}

// orderOf reads where certificates are ordered.
func orderOf(c config.ACME) certs.ACME {
	return certs.ACME{Email: c.Email, Directory: c.Directory, Terms: c.Terms, CAFile: c.CAFile, HTTP: c.HTTP != ""}
}
