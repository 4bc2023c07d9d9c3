package config

import (
	"net/url"
	"regexp"
	"strconv"
)

// Pull is one feed that serve gets over HTTP.
type Pull struct {
	Name       string   `yaml:"name"       doc:"unique; small letters, digits, - _ and ."`
	Kind       string   `yaml:"kind"       doc:"advisories (KEV, EPSS, OSV, CVE, CSAF, VEX), csaf (a provider or ROLIE feed), indicators (STIX, MISP, CSV, a list) or taxii"`
	URL        string   `yaml:"url"`
	Every      Duration `yaml:"every"      doc:"time between two pulls; empty: 6h"`
	Hosts      []string `yaml:"hosts"      doc:"more hosts from which its documents may come and to which it may redirect"`
	Inside     []Prefix `yaml:"inside"     doc:"networks that are not on the internet and may be asked all the same"`
	Plain      bool     `yaml:"plain_http" doc:"allow http without TLS"`
	KeyFile    string   `yaml:"key_file"   doc:"file with the value of the Authorization header"`
	Stands     Duration `yaml:"stands"     doc:"how long its newest date may stand still before that is told; empty: 60d"`
	Signature  string   `yaml:"signature"  doc:"OpenPGP signatures of a csaf source: require, check (one that is there must be good) or off; empty: check"`
	Keys       []string `yaml:"keys"       doc:"fingerprints of the OpenPGP keys that are trusted; empty: those that it names when it is first asked"`
	Confidence int      `yaml:"confidence" doc:"of indicators that have none, 1 to 100; 0: 50"`
	Grade      string   `yaml:"reliability" doc:"of a source of indicators, by the Admiralty code: A (completely) to E (not), F (cannot be judged); empty: not graded"`
	Expires    Duration `yaml:"expires"    doc:"end of indicators that have none, from when they were pulled; empty: none"`
}

var pullName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

var keyPrint = regexp.MustCompile(`^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$`)

// Problems checks a pull.
func (p Pull) Problems() []Problem {
	var out []Problem
	if !pullName.MatchString(p.Name) {
		out = append(out, Problem{Key: "name", Text: strconv.Quote(p.Name) + " is no name", Hint: "up to 64 small letters, digits, - _ and ."})
	}
	out = append(out, oneOf("kind", p.Kind, "advisories", "csaf", "indicators", "taxii")...)
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		out = append(out, Problem{Key: "url", Text: strconv.Quote(p.URL) + " is no address of https"})
	case u.User != nil:
		out = append(out, Problem{Key: "url", Text: "there is a password in the address", Hint: "put what is sent as Authorization into a file and name it as key_file"})
	case u.Scheme == "http" && !p.Plain:
		out = append(out, Problem{Key: "url", Text: "it is http, which anyone on the way can change", Hint: "use https, or set plain_http: true"})
	}
	if p.Every != 0 && p.Every < 60*second {
		out = append(out, Problem{Key: "every", Text: "it is less than a minute"})
	}
	out = append(out, oneOf("reliability", p.Grade, "", "A", "B", "C", "D", "E", "F")...)
	out = append(out, oneOf("signature", p.Signature, "", "require", "check", "off")...)
	for i, k := range p.Keys {
		if !keyPrint.MatchString(k) {
			out = append(out, Problem{Key: "keys[" + strconv.Itoa(i) + "]", Text: "is no fingerprint", Hint: "40 or 64 digits in hexadecimal, in quotes"})
		}
	}
	if p.Confidence < 0 || p.Confidence > 100 {
		out = append(out, Problem{Key: "confidence", Text: strconv.Itoa(p.Confidence) + " is not between 0 and 100"})
	}
	return out
}

// pullProblems checks all pulls, and that no two have one name.
func (c Config) pullProblems() []Problem {
	var out []Problem
	names := map[string]int{}
	for i, p := range c.Pulls {
		at := "pulls[" + strconv.Itoa(i) + "]"
		out = append(out, under(at, p.Problems())...)
		if other, ok := names[p.Name]; ok && p.Name != "" {
			out = append(out, Problem{Key: at + ".name", Text: "is also the name of pulls[" + strconv.Itoa(other) + "]"})
		}
		names[p.Name] = i
	}
	return out
}
