// Package vex holds the site's own statements on whether a product in a version
// has a vulnerability: who said it, when and why. It turns them into advisories
// that the index believes before all others, and writes them as OpenVEX.
//
// It must not keep or match. What it writes reads back as what was said.
package vex

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

// Statement is one word of a person on a product and a vulnerability.
type Statement struct {
	Vulnerability string          `json:"vulnerability"`
	Vendor        string          `json:"vendor,omitempty"`
	Product       string          `json:"product,omitempty"`
	Version       string          `json:"version,omitempty"` // "": every version
	PURL          string          `json:"purl,omitempty"`
	Status        advisory.Status `json:"status"`
	Justification string          `json:"justification,omitempty"`
	Why           string          `json:"why"`
	By            string          `json:"by"`
	At            time.Time       `json:"at"`
	Withdrawn     bool            `json:"withdrawn,omitempty"`
}

// Justifications are those of OpenVEX for what is not affected.
func Justifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

var vulnID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)+$`)

// Limits of a statement.
const (
	maxText = 2000
	maxName = 200
	maxPURL = 490
)

// Check refuses a statement that says nothing or too much.
func (s *Statement) Check() error {
	statuses := []advisory.Status{advisory.NotAffected, advisory.Affected, advisory.Fixed, advisory.Investigating}
	switch {
	case len(s.Vulnerability) > 100 || !vulnID.MatchString(s.Vulnerability):
		return fault.New(fault.Invalid, "%.40q is no id of a vulnerability", s.Vulnerability).WithHint("such as CVE-2024-0001")
	case s.Product == "" && s.PURL == "":
		return fault.New(fault.Invalid, "no product is given").WithHint("give --vendor, --product and --version, --purl, or --device")
	case s.PURL != "" && !advisory.ValidPURL(s.PURL):
		return fault.New(fault.Invalid, "%.100q is no package URL", s.PURL)
	case !slices.Contains(statuses, s.Status):
		return fault.New(fault.Invalid, "the status is %.40q", string(s.Status)).WithHint("one of not_affected, affected, fixed, under_investigation")
	case s.Status == advisory.NotAffected && !slices.Contains(Justifications(), s.Justification):
		return fault.New(fault.Invalid, "the justification is %.60q", s.Justification).WithHint("one of %s", strings.Join(Justifications(), ", "))
	case s.Status != advisory.NotAffected && s.Justification != "":
		return fault.New(fault.Invalid, "a justification is of what is not affected")
	case strings.TrimSpace(s.Why) == "":
		return fault.New(fault.Invalid, "why is missing").WithHint("say in a sentence how you know: --why TEXT")
	case len(s.Why) > maxText || max(len(s.Vendor), len(s.Product), len(s.Version)) > maxName || len(s.purl()) > maxPURL:
		return fault.New(fault.Invalid, "the statement is too long").WithHint("at most %d characters a name, %d as a package URL, and %d for why", maxName, maxPURL, maxText)
	}
	return nil
}

// Key names what a statement is on: a later one takes its place.
func (s *Statement) Key() string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join([]string{s.Vulnerability, s.Vendor, s.Product, s.Version, s.PURL}, "\x00"))))
	return hex.EncodeToString(sum[:8])
}

// Publisher is what an index names the site's own word by.
const Publisher = "this site"

// Advisory is the statement as one that the index takes.
func (s *Statement) Advisory() *advisory.Advisory {
	p := advisory.Product{Vendor: s.Vendor, Name: s.Product, PURL: s.PURL, Versions: version.Set{All: true}}
	v := s.Version
	if u, ok := advisory.ParsePURL(s.PURL); ok {
		p.Versions.Scheme = version.SchemeOf(u.Type)
		if p.Name == "" {
			p.Name = u.Name
		}
		if v == "" {
			v = u.Version
		}
	}
	if v != "" {
		p.Versions.All, p.Versions.Exact = false, []string{v}
	}
	why := s.At.UTC().Format("2006-01-02") + " by " + s.By + ": " + s.Why
	if s.Justification != "" {
		why = s.Justification + ", " + why
	}
	return &advisory.Advisory{
		Kind: advisory.OpenVEX, ID: "VEX " + s.Key(), Publisher: Publisher, Rank: advisory.BySelf, Updated: s.At, Published: s.At, Withdrawn: s.Withdrawn,
		Products:        []advisory.Product{p},
		Vulnerabilities: []advisory.Vulnerability{{ID: strings.ToUpper(s.Vulnerability), Statements: []advisory.Statement{{Product: 0, Status: s.Status, Why: why}}}},
	}
}

// purl names the product for others.
func (s *Statement) purl() string {
	if s.PURL != "" {
		return s.PURL
	}
	out := "pkg:generic/"
	if s.Vendor != "" {
		out += escape(s.Vendor) + "/"
	}
	out += escape(s.Product)
	if s.Version != "" {
		out += "@" + escape(s.Version)
	}
	return out
}

func escape(text string) string { return strings.ReplaceAll(url.PathEscape(text), "@", "%40") }

type document struct {
	Context    string      `json:"@context"`
	ID         string      `json:"@id"`
	Author     string      `json:"author"`
	Timestamp  time.Time   `json:"timestamp"`
	Version    int         `json:"version"`
	Tooling    string      `json:"tooling"`
	Statements []statement `json:"statements"`
}

type statement struct {
	Vulnerability map[string]string `json:"vulnerability"`
	Timestamp     time.Time         `json:"timestamp"`
	Products      []product         `json:"products"`
	Status        advisory.Status   `json:"status"`
	Justification string            `json:"justification,omitempty"`
	Impact        string            `json:"impact_statement,omitempty"`
	Action        string            `json:"action_statement,omitempty"`
	Notes         string            `json:"status_notes"`
}

type product struct {
	ID          string            `json:"@id"`
	Identifiers map[string]string `json:"identifiers"`
}

// OpenVEX writes statements as one document; those that were withdrawn are left
// out. author is who vouches for it.
func OpenVEX(list []Statement, author string) ([]byte, error) {
	d := document{Context: "https://openvex.dev/ns/v0.2.0", Author: author, Version: 1, Tooling: "vedette", Statements: []statement{}}
	sum := sha256.New()
	for i := range list {
		s := &list[i]
		if s.Withdrawn {
			continue
		}
		out := statement{
			Vulnerability: map[string]string{"name": strings.ToUpper(s.Vulnerability)}, Timestamp: s.At.UTC(), Status: s.Status, Justification: s.Justification,
			Products: []product{{s.purl(), map[string]string{"purl": s.purl()}}}, Notes: "by " + s.By + ": " + s.Why,
		}
		switch s.Status {
		case advisory.NotAffected:
			out.Impact = s.Why
		case advisory.Affected:
			out.Action = s.Why
		default:
		}
		if s.At.After(d.Timestamp) {
			d.Timestamp = s.At.UTC()
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, err
		}
		_, _ = sum.Write(text)
		d.Statements = append(d.Statements, out)
	}
	if len(d.Statements) == 0 {
		return nil, fault.New(fault.NotFound, "there is no statement of this site").WithHint("make one with: vedette vulns state CVE --product NAME --status STATUS --why TEXT")
	}
	d.ID = "urn:vedette:vex:" + hex.EncodeToString(sum.Sum(nil)[:16])
	return json.MarshalIndent(d, "", "  ")
}
