// Package share owns what this site tells others of its own sightings: findings
// of indicators and of attempts on vulnerabilities, written as STIX 2.1 objects with sharing marks and with ids that
// stay the same, and the ledger that says when each was first offered.
//
// It must not hand anything out: doors do, to whom they let in. What is marked
// stricter than a collection allows, or names an address of ours when that is not
// wanted, is left out here and counted.
package share

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/intel"
)

// Collection is a set of objects that is offered together.
type Collection struct {
	Name      string    // in addresses and on the command line
	Title     string    // for people
	TLP       intel.TLP // the strictest mark that goes out; Unmarked: green
	Addresses bool      // addresses of ours and names of devices' ends go out too
}

var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// GoodName reports whether a collection may be called so.
func GoodName(name string) bool { return collectionName.MatchString(name) }

// Usual are the collections of a site that configured none.
func Usual() []Collection {
	return []Collection{{Name: "sightings", Title: "Sightings of indicators", TLP: intel.Green}}
}

// Options say what is written, and of whom.
type Options struct {
	Collection
	Site  Site
	Local func(netip.Addr) bool // addresses of ours; private ones are so anyway
	// Mark tells how the feeds in force mark an indicator; nil: not at all.
	Mark func(t intel.Type, value string, at time.Time) intel.TLP
	// Note keeps when an object was made and first offered; nil: it is made when
	// the finding began.
	Note func(id string, made time.Time) (created, added time.Time)
	Now  func() time.Time // when something is revoked; nil: the clock
	// Noted tells what Note was ever asked of; nil: nothing.
	Noted func(id string) bool
	// Withdrawn tells a finding that a person called false or benign: it is not told,
	// and revoked when it was; nil: none.
	Withdrawn func(f *event.Finding) bool
}

// Site is who tells.
type Site struct {
	Namespace UUID // of its ids
	Name      string
}

// Object is one STIX object.
type Object struct {
	ID      string
	Type    string
	Version time.Time // modified, or created; zero: objects of its type have none
	Added   time.Time // when it was first offered
	JSON    json.RawMessage
}

// Left counts findings that are not told, by reason.
type Left struct {
	Strict  int `json:"strict"`   // marked stricter than the collection
	Ours    int `json:"ours"`     // the indicator is an address of ours
	NoForm  int `json:"no_form"`  // STIX has no pattern for it (JA3, JA4)
	NotRead int `json:"not_read"` // the finding is of no indicator and no vulnerability
	Taken   int `json:"taken"`    // a person called it false or benign
}

// Objects writes findings, which come oldest first, as STIX objects: who tells,
// the marks, and for each finding its indicator, the malware it stands for, what
// was observed, and the sighting; or the vulnerabilities and their sightings.
func Objects(findings []event.Finding, o Options) ([]Object, Left) {
	w := writer{o: o, seen: map[string]bool{}}
	if w.o.TLP == intel.Unmarked {
		w.o.TLP = intel.Green
	}
	for i := range findings {
		w.finding(&findings[i])
	}
	return w.out, w.left
}

// writer gathers objects, each once.
type writer struct {
	o    Options
	seen map[string]bool
	out  []Object
	left Left

	revoking bool // what is told is revoked
}

func (w *writer) finding(f *event.Finding) {
	kind, value, ok := indicatorOf(f)
	if len(f.Vulnerabilities) > 0 {
		w.exploited(f)
		if !ok {
			return
		}
	}
	if !ok {
		w.left.NotRead++
		return
	}
	pattern := patternOf(kind, value)
	if pattern == "" {
		w.left.NoForm++
		return
	}
	if !w.o.Addresses && w.ours(kind, value) {
		w.left.Ours++
		return
	}
	feed := intel.Unmarked
	if w.o.Mark != nil {
		feed = w.o.Mark(kind, value, f.Time)
	}
	feed = max(feed, intel.Green) // of what others told nothing goes out more freely than within the community
	mark := max(feed, labelled(f.Labels.Confidentiality))
	if mark > w.o.TLP {
		w.left.Strict++
		return
	}
	w.tell(f, told{kind, value, pattern, feed, mark})
}

// told is one finding that goes out.
type told struct {
	kind    intel.Type
	value   string
	pattern string
	feed    intel.TLP // mark of the indicator
	mark    intel.TLP // of the sighting
}

// labelled is the least sharing mark of a confidentiality.
func labelled(confidentiality string) intel.TLP {
	switch confidentiality {
	case event.Confidential:
		return intel.Amber
	case event.Restricted:
		return intel.Red
	}
	return intel.Green
}

// indicatorOf reads which indicator a finding of detect/match is about.
func indicatorOf(f *event.Finding) (intel.Type, string, bool) {
	rest, ok := strings.CutPrefix(f.Rule, "indicator/")
	word, value, ok2 := strings.Cut(rest, "/")
	kind := intel.ParseType(word)
	if !ok || !ok2 || f.Family != event.FamilyIndicator || kind == intel.None || value == "" {
		return intel.None, "", false
	}
	if t, normal, err := intel.ParseAs(kind, value); err == nil && t == kind {
		return t, normal, true
	}
	return intel.None, "", false
}

// ours tells an indicator that is, or leads to, an address of ours.
func (w *writer) ours(kind intel.Type, value string) bool {
	switch kind {
	case intel.IP:
		return w.local(value)
	case intel.Subnet:
		p, err := netip.ParsePrefix(value)
		return err != nil || w.localAddr(p.Addr())
	case intel.Endpoint:
		ap, err := netip.ParseAddrPort(value)
		return err != nil || w.localAddr(ap.Addr())
	case intel.URL:
		host, _, _ := strings.Cut(value, "/")
		if ap, err := netip.ParseAddrPort(host); err == nil {
			return w.localAddr(ap.Addr())
		}
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil && w.localAddr(a)
	default:
		return false
	}
}

func (w *writer) local(text string) bool {
	a, err := netip.ParseAddr(text)
	return err != nil || w.localAddr(a)
}

func (w *writer) localAddr(a netip.Addr) bool {
	return intel.IsLocal(a) || w.o.Local != nil && w.o.Local(a.Unmap())
}
