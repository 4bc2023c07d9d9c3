package config

import (
	"net/url"
	"strconv"
)

// Traces names the collector of traces, if any.
type Traces struct {
	URL     string `yaml:"url"      doc:"OTLP over HTTP, such as http://127.0.0.1:4318; empty: no traces"`
	KeyFile string `yaml:"key_file" doc:"file with the value of the Authorization header"`
	Percent int    `yaml:"percent"  doc:"of the requests that are told, 1 to 100"`
}

// DefaultTraces tells all of what is asked, to nobody.
func DefaultTraces() Traces { return Traces{Percent: 100} }

// Problems checks the collector.
func (t Traces) Problems() []Problem {
	var out []Problem
	if t.Percent < 1 || t.Percent > 100 {
		out = append(out, Problem{Key: "percent", Text: strconv.Itoa(t.Percent) + " is not between 1 and 100"})
	}
	if t.URL == "" {
		if t.KeyFile != "" {
			out = append(out, Problem{Key: "url", Text: "is missing", Hint: "name the collector, or no key"})
		}
		return out
	}
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		out = append(out, Problem{Key: "url", Text: strconv.Quote(t.URL) + " is no http or https URL"})
	case u.User != nil:
		out = append(out, Problem{Key: "url", Text: "there is a password in the address", Hint: "put what is sent as Authorization into a file and name it as key_file"})
	case u.Scheme == "http" && t.KeyFile != "" && !onThisMachine(t.URL):
		out = append(out, Problem{Key: "url", Text: "sends a key without encryption", Hint: "use https"})
	}
	return out
}
