// Package config reads the settings: defaults, then one YAML file, then
// VEDETTE_* variables of the environment, then flags; each wins over the one
// before. Reading is strict - an unknown key is an error with the nearest real
// one - and all problems are told at once, with line, key and hint.
//
// The sections are plain structs with a default and a check of their own. Only
// packages app and edge may read configuration; every other package is handed
// what it needs. Secrets are named by file, never written into the
// configuration.
package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
)

// Config is the whole configuration.
type Config struct {
	Data      string    `yaml:"data"   doc:"directory of everything that is kept"`
	Site      string    `yaml:"site"   doc:"name of this site; addresses are unique within it"`
	Listen    string    `yaml:"listen" doc:"address of console and API, host:port"`
	Server    Server    `yaml:"server"`
	Zones     []Zone    `yaml:"zones"  doc:"parts of the network, by subnet"`
	Own       []Prefix  `yaml:"own_subnets" doc:"subnets of ours outside any zone; needed for public addresses only"`
	Adopt     bool      `yaml:"adopt_neighbours" doc:"take two public addresses of one subnet that talk to each other for ours"`
	Sources   []Source  `yaml:"sources" doc:"what serve takes in by itself"`
	Pulls     []Pull    `yaml:"pulls" doc:"feeds of vulnerabilities and indicators that serve gets over HTTP; none unless named"`
	Sharing   Sharing   `yaml:"sharing" doc:"what of our own sightings others may read over TAXII"`
	Retention Retention `yaml:"retention"`
	Detect    Detect    `yaml:"detect"`
	Limits    Limits    `yaml:"limits"`
	Model     Model     `yaml:"model"`
	Models    Models    `yaml:"models"`
	Log       Log       `yaml:"log"`
	Traces    Traces    `yaml:"traces"`
	Settings  Settings  `yaml:"settings"`
}

// Zone is a part of the network with a Purdue level.
type Zone struct {
	Name            string   `yaml:"name"`
	Level           string   `yaml:"level"           doc:"Purdue level: 0, 1, 2, 3, 3.5, 4 or 5"`
	Subnets         []Prefix `yaml:"subnets"`
	Criticality     string   `yaml:"criticality"     doc:"low, medium, high or critical; of devices that have none of their own"`
	Confidentiality string   `yaml:"confidentiality" doc:"public, internal, confidential or restricted: where its data may go"`
}

// Retention says how long events are kept. Whichever bound is met first counts.
type Retention struct {
	Events Duration `yaml:"events" doc:"age at which events are dropped, such as 90d"`
	Disk   Bytes    `yaml:"disk"   doc:"size of the data directory at which the oldest days are dropped"`
}

// Detect says what events are judged by.
type Detect struct {
	BuiltIn   bool     `yaml:"built_in"  doc:"use the rules that come with the program"`
	Rules     []string `yaml:"rules"     doc:"more Sigma rules: files and directories; those in the folder rules of the data directory are used anyway"`
	Behaviour bool     `yaml:"behaviour" doc:"learn what devices usually do and tell what is unusual"`
	Learn     Duration `yaml:"learn"     doc:"how long a device is learnt before what it does is called new"`
	Anomalies int      `yaml:"anomalies" doc:"findings of unusual behaviour that are wanted at most, per 1000 devices a day"`
	Policy    string   `yaml:"policy"    doc:"file of zone and conduit rules and of the MUD files of devices; empty: none"`
}

// Limits bound what one source or question can cost.
type Limits struct {
	Memory     Bytes    `yaml:"memory"         doc:"memory of the event store"`
	Threads    int      `yaml:"threads"        doc:"threads of the event store; 0: one for each core"`
	SpoolBytes Bytes    `yaml:"spool"          doc:"disk for what waits to be stored"`
	Devices    int      `yaml:"devices"        doc:"most devices that are kept"`
	QueryTime  Duration `yaml:"query_time"     doc:"longest time of one query"`
}

// Model names the language model, if any. Without one the built-in engines
// work alone.
type Model struct {
	URL      string `yaml:"url"      doc:"OpenAI-compatible base URL; empty: none"`
	Name     string `yaml:"name"`
	Location string `yaml:"location" doc:"on-premises or cloud"`
	KeyFile  string `yaml:"key_file" doc:"file that holds the key"`

	// FromEnv says that URL and name were both set by variables: whoever started
	// this command chose that model for it. It is no setting.
	FromEnv bool
}

// Log says what is written to the standard error output.
type Log struct {
	Level  string `yaml:"level"  doc:"debug, info, warn or error"`
	Format string `yaml:"format" doc:"text or json"`
}

// Default returns the settings of an empty configuration.
func Default() Config {
	return Config{
		Data: "./vedette-data", Listen: "127.0.0.1:8080", Server: Server{TLS: "off", OIDC: DefaultOIDC()},
		Retention: DefaultRetention(), Detect: DefaultDetect(), Limits: DefaultLimits(), Models: DefaultModels(), Log: Log{Level: "info", Format: "text"}, Traces: DefaultTraces(), Settings: DefaultSettings(),
	}
}

// DefaultRetention keeps a quarter of a year or 100 GB.
func DefaultRetention() Retention { return Retention{Events: 90 * day, Disk: 100 << 30} }

// DefaultDetect uses all that comes with the program.
func DefaultDetect() Detect { return Detect{BuiltIn: true, Behaviour: true, Learn: day, Anomalies: 5} }

// DefaultLimits suits a machine with 2 cores and 4 GB.
func DefaultLimits() Limits {
	return Limits{
		Memory: 1 << 30, SpoolBytes: 1 << 30, Devices: 250_000, QueryTime: 30 * second,
	}
}

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Line   int    // in the file; 0: not from the file
	Origin string // file, variable or flag it comes from; empty: a default
	Key    string // such as zones[1].level
	Text   string
	Hint   string
}

// String returns the problem as one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Origin != "" {
		b.WriteString(p.Origin)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems checks the values, all of them.
func (c Config) Problems() []Problem {
	var out []Problem
	if strings.TrimSpace(c.Data) == "" {
		out = append(out, Problem{Key: "data", Text: "is empty", Hint: "name a directory"})
	}
	if host, port, err := net.SplitHostPort(c.Listen); err != nil {
		out = append(out, Problem{Key: "listen", Text: "is not host:port: " + strconv.Quote(c.Listen), Hint: "such as 127.0.0.1:8080"})
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		out = append(out, Problem{Key: "listen", Text: "has no valid port: " + strconv.Quote(port) + " at " + strconv.Quote(host), Hint: "0 to 65535"})
	}
	out = append(out, under("server", c.Server.Problems())...)
	if !c.Loopback() && c.Server.TLS == "off" {
		out = append(out, Problem{Key: "listen", Text: "is not an address of this machine alone, and server.tls is off", Hint: "set server.tls to local_ca or files, or listen on 127.0.0.1"})
	}
	seen := make(map[string]int)
	subnets := make(map[netip.Prefix]string)
	for i, z := range c.Zones {
		at := "zones[" + strconv.Itoa(i) + "]"
		out = append(out, under(at, z.Problems())...)
		if other, ok := seen[strings.ToLower(z.Name)]; ok && z.Name != "" {
			out = append(out, Problem{Key: at + ".name", Text: "is also the name of zones[" + strconv.Itoa(other) + "]", Hint: "join them into one zone with both subnets"})
		} else {
			seen[strings.ToLower(z.Name)] = i
		}
		for j, p := range z.Subnets {
			if other, ok := subnets[p.Prefix]; ok {
				out = append(out, Problem{Key: at + ".subnets[" + strconv.Itoa(j) + "]", Text: p.String() + " is already in zone " + strconv.Quote(other), Hint: "a smaller subnet inside a larger one is fine, the same one twice is not"})
			}
			subnets[p.Prefix] = z.Name
		}
	}
	out = append(out, c.sourceProblems()...)
	out = append(out, c.pullProblems()...)
	out = append(out, under("sharing", c.Sharing.Problems())...)
	out = append(out, under("retention", c.Retention.Problems())...)
	out = append(out, under("detect", c.Detect.Problems())...)
	out = append(out, under("limits", c.Limits.Problems())...)
	out = append(out, under("model", c.Model.Problems())...)
	out = append(out, under("models", c.Models.Problems())...)
	out = append(out, under("traces", c.Traces.Problems())...)
	out = append(out, under("settings", c.Settings.Problems())...)
	return append(out, under("log", c.Log.Problems())...)
}

func under(key string, problems []Problem) []Problem {
	for i := range problems {
		problems[i].Key = key + "." + problems[i].Key
	}
	return problems
}

// Problems checks a zone.
func (z Zone) Problems() []Problem {
	var out []Problem
	if strings.TrimSpace(z.Name) == "" {
		out = append(out, Problem{Key: "name", Text: "is missing"})
	}
	if len(z.Subnets) == 0 {
		out = append(out, Problem{Key: "subnets", Text: "is empty", Hint: "such as [10.1.0.0/16]"})
	}
	out = append(out, oneOf("level", z.Level, "", "0", "1", "2", "3", "3.5", "4", "5")...)
	out = append(out, oneOf("criticality", z.Criticality, "", "low", "medium", "high", "critical")...)
	return append(out, oneOf("confidentiality", z.Confidentiality, "", event.Public, event.Internal, event.Confidential, event.Restricted)...)
}

// Problems checks the retention.
func (r Retention) Problems() []Problem {
	var out []Problem
	if r.Events < day {
		out = append(out, Problem{Key: "events", Text: "is less than a day", Hint: "events are dropped a whole day at a time"})
	}
	if r.Disk < 100<<20 {
		out = append(out, Problem{Key: "disk", Text: "is less than 100MB"})
	}
	return out
}

// Problems checks what events are judged by. Whether the files can be read is
// seen when they are.
func (d Detect) Problems() []Problem {
	var out []Problem
	if d.Anomalies < 1 || d.Anomalies > 1_000_000 {
		out = append(out, Problem{Key: "anomalies", Text: "is not between 1 and 1000000", Hint: "how many findings of unusual behaviour a person can look at, per 1000 devices a day"})
	}
	if d.Learn <= 0 || d.Learn > 90*day {
		out = append(out, Problem{Key: "learn", Text: "is not between 0 and 90d"})
	}
	for i, p := range d.Rules {
		if strings.TrimSpace(p) == "" {
			out = append(out, Problem{Key: "rules[" + strconv.Itoa(i) + "]", Text: "is empty", Hint: "name a file or a directory"})
		}
	}
	return out
}

// Problems checks the limits.
func (l Limits) Problems() []Problem {
	var out []Problem
	atLeast := func(key string, ok bool, text string) {
		if !ok {
			out = append(out, Problem{Key: key, Text: text})
		}
	}
	atLeast("memory", l.Memory >= 64<<20, "is less than 64MB")
	atLeast("threads", l.Threads >= 0, "is negative")
	atLeast("spool", l.SpoolBytes >= 1<<20, "is less than 1MB")
	atLeast("devices", l.Devices > 0, "is not positive")
	atLeast("query_time", l.QueryTime > 0, "is not positive")
	return out
}

// Problems checks the model.
func (m Model) Problems() []Problem {
	var out []Problem
	if m.URL == "" {
		if m.Name+m.Location+m.KeyFile != "" {
			out = append(out, Problem{Key: "url", Text: "is missing", Hint: "give the base URL, or nothing of a model at all"})
		}
		return out
	}
	if !strings.HasPrefix(m.URL, "http://") && !strings.HasPrefix(m.URL, "https://") {
		out = append(out, Problem{Key: "url", Text: "is no http or https URL: " + strconv.Quote(m.URL)})
	}
	if hasPassword(m.URL) {
		out = append(out, Problem{Key: "url", Text: "holds a user or a password", Hint: "put the key into a file and name it by key_file"})
	}
	if m.Name == "" {
		out = append(out, Problem{Key: "name", Text: "is missing", Hint: "the name that the endpoint knows the model by"})
	}
	if m.Location == "cloud" && strings.HasPrefix(m.URL, "http://") && !onThisMachine(m.URL) { // a gateway beside us may encrypt
		out = append(out, Problem{Key: "url", Text: "sends data to a cloud without encryption", Hint: "use https"})
	}
	return append(out, oneOf("location", m.Location, "on-premises", "cloud")...)
}

// Problems checks the log settings.
func (l Log) Problems() []Problem {
	return append(oneOf("level", l.Level, "debug", "info", "warn", "error"), oneOf("format", l.Format, "text", "json")...)
}

// oneOf checks a word against the allowed ones; the first may be "" for unset.
func oneOf(key, value string, allowed ...string) []Problem {
	if slices.Contains(allowed, value) {
		return nil
	}
	if allowed[0] == "" {
		allowed = allowed[1:]
	}
	hint := "one of " + strings.Join(allowed, ", ")
	if near := nearest(value, allowed); near != "" {
		hint = "did you mean " + strconv.Quote(near) + "?"
	}
	if value == "" {
		return []Problem{{Key: key, Text: "is missing", Hint: hint}}
	}
	return []Problem{{Key: key, Text: "is " + strconv.Quote(value), Hint: hint}}
}
