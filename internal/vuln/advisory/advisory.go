// Package advisory reads what is published about vulnerabilities into one form:
// CSAF 2.0 (security advisories and VEX), CVE 5 records with their ADP
// containers, OSV, KEV, EPSS, OpenVEX, and the VEX part of CycloneDX.
//
// A document that breaks the rules of its format is refused with a reason; one
// bad record never stops those beside it. It must not match, rank or fetch.
// What a document says is untrusted.
package advisory

import (
	"strings"
	"time"

	"vedette/internal/vuln/version"
)

// The kinds of sources.
const (
	CSAF      = "csaf"
	CVE       = "cve"
	OSV       = "osv"
	KEV       = "kev"
	EPSS      = "epss"
	OpenVEX   = "openvex"
	CycloneVE = "cyclonedx-vex"
)

// Status is what a source says of a product and a vulnerability.
type Status string

// The statuses. First fixed and fixed are one, so are first, last and known
// affected.
const (
	Affected      Status = "affected"
	NotAffected   Status = "not_affected"
	Fixed         Status = "fixed"
	Investigating Status = "under_investigation"
	Recommended   Status = "recommended"
	Unknown       Status = "unknown"
)

// Rank says which source is believed first; higher wins.
type Rank int

// The ranks.
const (
	ByCPE Rank = iota + 1 // added by someone else, by CPE
	ByCVE                 // the CVE record of the vendor or whoever assigned it
	ByCSAF
	ByVEX
	BySelf // a person of this site
)

// Product is a product in certain versions.
type Product struct {
	Vendor   string      `json:"vendor,omitempty"`
	Name     string      `json:"name"`
	Models   []string    `json:"models,omitempty"` // order numbers; * and ? stand for any
	PURL     string      `json:"purl,omitempty"`
	CPEs     []string    `json:"cpes,omitempty"`
	Versions version.Set `json:"versions"`
	// Part of another product: the statement holds for the two together.
	Within string `json:"within,omitempty"`
	// On is the place of that other product among those of the advisory, from 1, and
	// Relation how they belong together, in the words of CSAF; 0: it is not told.
	On       int    `json:"on,omitempty"`
	Relation string `json:"relation,omitempty"`
	Rank     Rank   `json:"rank,omitempty"` // 0: that of the advisory
}

// Statement joins a product, by its place in the advisory, and a status.
type Statement struct {
	Product int    `json:"p"`
	Status  Status `json:"s"`
	Why     string `json:"why,omitempty"` // the source's justification
}

// Score is one CVSS vector.
type Score struct {
	Version  string  `json:"version"`
	Vector   string  `json:"vector"`
	Base     float64 `json:"base"`
	Severity string  `json:"severity,omitempty"`
	Source   string  `json:"source,omitempty"`
}

// Remedy is what a source says to do.
type Remedy struct {
	Kind     string `json:"kind"` // vendor_fix, workaround, mitigation, none_available, no_fix_planned
	Text     string `json:"text,omitempty"`
	URL      string `json:"url,omitempty"`
	Fix      string `json:"fix,omitempty"` // the version that it names
	Products []int  `json:"products,omitempty"`
}

// Reference is an address with what the source says about it.
type Reference struct {
	URL  string   `json:"url"`
	Tags []string `json:"tags,omitempty"`
	By   string   `json:"by,omitempty"` // who added it to a CVE record, if not its own source
}

// SSVC are decision points that someone gave.
type SSVC struct {
	Exploitation    string `json:"exploitation,omitempty"`
	Automatable     string `json:"automatable,omitempty"`
	TechnicalImpact string `json:"technical_impact,omitempty"`
	By              string `json:"by,omitempty"`
}

// Vulnerability is one vulnerability of an advisory.
type Vulnerability struct {
	ID         string      `json:"id"`
	Aliases    []string    `json:"aliases,omitempty"`
	Title      string      `json:"title,omitempty"`
	Text       string      `json:"text,omitempty"`
	CWE        []string    `json:"cwe,omitempty"`
	CWEAdded   []string    `json:"cwe_added,omitempty"` // of them, those that CISA alone added to a CVE record
	Scores     []Score     `json:"scores,omitempty"`
	Statements []Statement `json:"statements,omitempty"`
	Remedies   []Remedy    `json:"remedies,omitempty"`
	References []Reference `json:"references,omitempty"`
	SSVC       *SSVC       `json:"ssvc,omitempty"`
	KEV        string      `json:"kev,omitempty"` // since when it is listed
	Disclosed  time.Time   `json:"disclosed,omitzero"`
	Exploited  time.Time   `json:"exploited,omitzero"` // since when, as the source says
}

// Chance is a score of EPSS.
type Chance struct {
	Score      float64 `json:"s"`
	Percentile float64 `json:"p"`
}

// Advisory is one document.
type Advisory struct {
	Kind            string            `json:"kind"`
	ID              string            `json:"id"`
	Title           string            `json:"title,omitempty"`
	Publisher       string            `json:"publisher,omitempty"`
	Rank            Rank              `json:"rank"`
	Published       time.Time         `json:"published,omitzero"`
	Updated         time.Time         `json:"updated,omitzero"`
	Withdrawn       bool              `json:"withdrawn,omitempty"`
	Products        []Product         `json:"products,omitempty"`
	Vulnerabilities []Vulnerability   `json:"vulnerabilities,omitempty"`
	References      []Reference       `json:"references,omitempty"`
	EPSS            map[string]Chance `json:"epss,omitempty"`
	Spec            string            `json:"spec,omitempty"` // version of its format, where there are several
	TLP             string            `json:"tlp,omitempty"`  // sharing mark, as a word of TLP 2
	Reader          int               `json:"reader,omitempty"`
}

// Reader is the version of what reads a kind of documents. It goes up when more is
// read of them than before; the documents themselves are not kept, so those that an
// earlier one read have to be taken in anew. 1 is that before there were versions; 2
// knows what parts are on, and reads more words about versions, some of which were
// taken for the opposite; 3 knows the packages that CVE records name in collections.
func Reader(kind string) int {
	switch kind {
	case CSAF:
		return 2
	case CVE:
		return 3
	}
	return 0
}

// Outdated tells whether an earlier version read the document, so that something of
// it may be missing.
func (a *Advisory) Outdated() bool { return a.Reader < Reader(a.Kind) }

// Key names an advisory among all: importing it again replaces it.
func (a *Advisory) Key() string { return a.Kind + "/" + strings.ToLower(a.Publisher) + "/" + a.ID }

// Limits of one document.
const (
	MaxBytes    = 100 << 20
	maxText     = 4000
	maxProducts = 200_000
)

func clip(s string, limit int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

func when(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05-0700", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
