// Package priority says what is to be done about a vulnerability first: the
// decision points of SSVC, taken from CISA where it gave them and derived from
// KEV, references, EPSS, CVSS and CWE where not, and the decision of CISA's
// tree. Each point says where it came from.
//
// It must not match products or fetch.
package priority

import (
	"regexp"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
)

// Points are the decision points, and the decision.
type Points struct {
	Exploitation    string   `json:"exploitation"`
	Automatable     string   `json:"automatable"`
	TechnicalImpact string   `json:"technical_impact"`
	Network         string   `json:"network,omitempty"` // whether it is used over a network: yes, no, or "" when no vector tells
	Mission         string   `json:"mission"`
	Exposure        string   `json:"exposure,omitempty"`
	Decision        string   `json:"decision"`
	Why             []string `json:"why"`
}

// Same tells whether two are found alike, for the same reasons.
func (p *Points) Same(o *Points) bool {
	return p.values() == o.values() && slices.Equal(p.Why, o.Why)
}

func (p *Points) values() [7]string {
	return [7]string{p.Exploitation, p.Automatable, p.TechnicalImpact, p.Network, p.Mission, p.Exposure, p.Decision}
}

// Tree is the decision table.
type Tree struct{ rows map[[4]string]string }

// ParseTree reads a table: exploitation, automatable, technical impact, mission
// and well-being, decision, with tabs between. It must have every row.
func ParseTree(text string) (*Tree, error) {
	t := &Tree{rows: map[[4]string]string{}}
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 5 && line[0] != '#' {
			t.rows[[4]string(f[:4])] = f[4]
		}
	}
	for _, e := range []string{"none", "poc", "active"} {
		for _, a := range []string{"no", "yes"} {
			for _, i := range []string{"partial", "total"} {
				for _, m := range []string{"low", "medium", "high"} {
					if t.rows[[4]string{e, a, i, m}] == "" {
						return nil, fault.New(fault.Internal, "the decision tree has no row %s %s %s %s", e, a, i, m)
					}
				}
			}
		}
	}
	return t, nil
}

// Facts are what is known of a vulnerability outside the advisories.
type Facts struct {
	KEV  string // since when it is listed
	EPSS float64
	// Sighted says where this site saw it exploited; "": nowhere.
	Sighted string
	// NoADP leaves out what CISA decided itself, to measure what is derived.
	NoADP bool
	// Mission is how much hangs on the product: low, medium or high; "" is
	// medium, which is said.
	Mission string
}

// Rate derives the points from all that is said of a vulnerability, and decides
// where nothing but facts.Mission is known of the device; see [Tree.In].
func (t *Tree) Rate(abouts []match.About, facts Facts) Points {
	return t.In(t.Found(abouts, facts), Context{Mission: facts.Mission})
}

// Found derives the points that are the same on every device, and decides
// nothing.
func (t *Tree) Found(abouts []match.About, facts Facts) Points {
	var p Points
	var given *advisory.SSVC
	for _, a := range abouts {
		if a.Vulnerability.SSVC != nil && !facts.NoADP && given == nil {
			given = a.Vulnerability.SSVC
		}
		if facts.KEV == "" && a.Vulnerability.KEV != "" && !facts.NoADP {
			facts.KEV = a.Vulnerability.KEV
		}
	}
	if given == nil {
		given = &advisory.SSVC{}
	}
	say := func(point, value, why string) string {
		p.Why = append(p.Why, point+" "+value+": "+why)
		return value
	}
	p.Exploitation = t.exploitation(abouts, facts, given, say)
	p.Automatable = automatable(abouts, given, facts, say)
	p.TechnicalImpact = impact(abouts, given, facts, say)
	if m, _ := metrics(abouts, facts.NoADP); m["AV"] != "" {
		p.Network = map[bool]string{true: "yes", false: "no"}[m["AV"] == "N" || m["AV"] == "A"]
	}
	return p
}

type sayer func(point, value, why string) string

func (t *Tree) exploitation(abouts []match.About, facts Facts, given *advisory.SSVC, say sayer) string {
	const point = "exploitation"
	if facts.KEV != "" {
		return say(point, "active", "on the list of known exploited vulnerabilities since "+facts.KEV)
	}
	if facts.Sighted != "" {
		return say(point, "active", facts.Sighted)
	}
	if slices.Contains([]string{"none", "poc", "active"}, given.Exploitation) {
		return say(point, given.Exploitation, "given by "+given.By)
	}
	for _, a := range abouts {
		for _, r := range a.Vulnerability.References {
			if tag, ok := exploitTag(r, facts.NoADP); ok {
				return say(point, "poc", a.Advisory.ID+" refers to an exploit ("+tag+")")
			}
		}
	}
	if facts.EPSS >= 0.5 {
		return say(point, "poc", "EPSS gives it more than an even chance of being exploited within 30 days")
	}
	return say(point, "none", "nothing tells of an exploit")
}

// exploitTag tells whether a reference is to an exploit: it is tagged so, or
// lies where exploits are published.
func exploitTag(r advisory.Reference, noADP bool) (string, bool) {
	if noADP && r.By == advisory.ByCISA {
		return "", false
	}
	for _, t := range r.Tags {
		low := strings.ToLower(t)
		if low == "exploit" || low == "x_exploit" || low == "x_refsource_exploit-db" {
			return "tagged " + t, true
		}
		if rest, ok := strings.CutPrefix(low, "exploit_status:"); ok && strings.Contains(rest, "exploit") && !strings.Contains(rest, "no ") && !strings.Contains(rest, "not ") {
			return "exploit status", true
		}
	}
	for _, host := range []string{
		"exploit-db.com", "packetstormsecurity.com", "packetstorm.news", "/poc", "-poc", "exploit", "talosintelligence.com/vulnerability_reports",
		"huntr.dev", "huntr.com", "vuldb.com/?submit", "gist.github.com", ".notion.site/",
	} {
		if strings.Contains(strings.ToLower(r.URL), host) {
			return "address with " + host, true
		}
	}
	if writeUp.MatchString(r.URL) {
		return "a repository that is called after vulnerabilities, or a file in one", true
	}
	return "", false
}

// writeUp is a file in a repository whose name says that it is about vulnerabilities,
// or a repository that is called after one of them: there finders write down how to use
// what they found.
var writeUp = regexp.MustCompile(`(?i)^https://github\.com/[^/]+/([^/]*(cve|vul|bug|poc|0-?day|exploit)[^/]*/(blob|tree|issues)(/|$)|[^/]*cve-\d{4}-\d{4,}[^/]*(/|$))`)

// local are weaknesses whose use needs a victim's hand or a foothold, whatever
// the vector says.
var byHand = []string{"CWE-79", "CWE-352", "CWE-601", "CWE-1021", "CWE-427", "CWE-426", "CWE-59"}

func automatable(abouts []match.About, given *advisory.SSVC, facts Facts, say sayer) string {
	const point = "automatable"
	if given.Automatable == "yes" || given.Automatable == "no" {
		return say(point, given.Automatable, "given by "+given.By)
	}
	m, source := metrics(abouts, facts.NoADP)
	if m == nil {
		value, why := automatableInWords(abouts)
		return say(point, value, why)
	}
	hand := m["UI"] != "" && m["UI"] != "N" || m["Au"] != "" && m["Au"] != "N" || m["PR"] != "" && m["PR"] != "N"
	weak := ""
	for _, a := range abouts {
		for _, c := range a.Vulnerability.CWE {
			if slices.Contains(byHand, c) && (!facts.NoADP || !slices.Contains(a.Vulnerability.CWEAdded, c)) {
				weak = c
			}
		}
	}
	if m["AV"] == "N" && m["AC"] == "L" && !hand && m["AT"] != "P" && weak == "" {
		return say(point, "yes", "reachable over the network without privileges or a victim's hand ("+source+")")
	}
	return say(point, "no", "it needs more than the network ("+source+")")
}

func impact(abouts []match.About, given *advisory.SSVC, facts Facts, say sayer) string {
	const point = "technical impact"
	if given.TechnicalImpact == "partial" || given.TechnicalImpact == "total" {
		return say(point, given.TechnicalImpact, "given by "+given.By)
	}
	m, source := metrics(abouts, facts.NoADP)
	if m == nil {
		value, why := impactInWords(abouts)
		return say(point, value, why)
	}
	whole := func(keys ...string) bool {
		for _, k := range keys {
			if m[k] != "H" && m[k] != "C" {
				return false
			}
		}
		return true
	}
	if whole("C", "I", "A") || whole("VC", "VI") || whole("C", "I") && m["S"] != "" {
		return say(point, "total", "confidentiality and integrity are lost wholly ("+source+")")
	}
	return say(point, "partial", "not all is lost ("+source+")")
}

// metrics returns the CVSS metrics of the source believed most.
func metrics(abouts []match.About, noADP bool) (map[string]string, string) {
	for _, a := range abouts {
		v := *a.Vulnerability
		if noADP {
			v.Scores = slices.DeleteFunc(slices.Clone(v.Scores), func(s advisory.Score) bool { return s.Source == advisory.ByCISA })
		}
		if vec, ok := v.Vector(); ok {
			return vec.Metrics, "CVSS " + vec.Version + " of " + a.Advisory.ID
		}
	}
	return nil, ""
}
