// Package remedy turns what is affected into what to do, grouped by action: one
// update of many devices that mends many vulnerabilities, what the advisories say
// where there is no fix, and where they say nothing, what to let through to the
// devices, held against what was seen to reach them.
//
// What it says to do comes from advisories and is cited; it must not act, and it
// makes up no version. What advisories wrote is untrusted text.
package remedy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/version"
)

// The kinds of actions, in the order in which they are preferred.
const (
	Update    = "update"    // to a version that mends
	Component = "component" // a part of the firmware is mended in a version: its maker's turn
	Advised   = "advised"   // what the advisory says to do instead
	Control   = "control"   // nothing is offered: limit what reaches it
	FindOut   = "find_out"  // the version is not known: tell it, and it is settled
)

// Action is one thing to do, and what it is good for.
type Action struct {
	ID              string     `json:"id"` // of what is to be done, the same as long as that is
	Kind            string     `json:"kind"`
	Text            string     `json:"text"`
	Product         string     `json:"product"`
	To              string     `json:"to,omitempty"` // the version
	Decision        string     `json:"decision"`     // the most urgent of what it is for
	Horizon         string     `json:"horizon"`      // now, next or never
	Subjects        []string   `json:"subjects"`     // the first of them, the most urgent first
	Devices         int        `json:"devices"`      // how many
	Vulnerabilities []string   `json:"vulnerabilities"`
	Cited           []Citation `json:"cited"`
	Breaks          []string   `json:"breaks,omitempty"` // of a control: what was seen that it would stop
	Part            bool       `json:"part,omitempty"`   // the product is a part of what the subjects run, not they themselves
	Task            string     `json:"task,omitempty"`   // uid of the task that was opened from it, if one is open; not filled here
}

// Citation is where an action comes from.
type Citation struct {
	Advisory string `json:"advisory"`
	Text     string `json:"text,omitempty"`
	URL      string `json:"url,omitempty"`
}

// Limits of one action.
const (
	maxSubjects  = 1000
	maxCitations = 20
	maxText      = 300
)

// Source is what is exposed; [exposure.View] is one.
type Source interface {
	Holdings(f func(h *exposure.Holding))
	Decide(id string, c priority.Context) priority.Points
}

// Flows tells who was seen reaching a subject; nil when that was not looked at.
type Flows func(subject string) []reach.Flow

// Plan returns what to do, the most urgent first, then what mends most. It goes over
// everything; [Planner] gives the same page by page.
func Plan(from Source, flows Flows) []Action {
	p := &plan{at: map[string]*building{}, flows: flows}
	from.Holdings(p.holding)
	out := make([]Action, 0, len(p.at))
	for _, b := range p.at {
		out = append(out, p.finish(b, from))
	}
	slices.SortFunc(out, func(a, b Action) int {
		return cmp.Or(
			priority.Urgency(a.Decision)-priority.Urgency(b.Decision), kindOrder(a.Kind)-kindOrder(b.Kind),
			b.Devices*len(b.Vulnerabilities)-a.Devices*len(a.Vulnerabilities), strings.Compare(a.Product, b.Product), strings.Compare(a.To, b.To), strings.Compare(a.Text, b.Text), strings.Compare(a.ID, b.ID),
		)
	})
	return out
}

// idOf names an action by what is to be done, whoever is concerned by then.
func idOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:6])
}

func kindOrder(kind string) int {
	return slices.Index([]string{Update, Component, Advised, Control, FindOut}, kind)
}

type plan struct {
	at    map[string]*building
	flows Flows
}

// building is an action that is being gathered.
type building struct {
	key string
	doing
	ids   map[string]bool
	by    map[string]priority.Context
	pairs map[priority.Context]map[string]bool // which vulnerability where
	cited []Citation
}

func (p *plan) holding(h *exposure.Holding) {
	told(h, func(d doing, r *match.Row) { p.add(d, h, r) })
}

// doing is what to do about a row.
type doing struct {
	kind, product, to, text string
	part                    bool
}

func (d *doing) key() string {
	return strings.Join([]string{d.kind, strings.ToLower(d.product), d.to, d.text, strconv.FormatBool(d.part)}, "\x00")
}

// told tells what to do about each row of a holding.
func told(h *exposure.Holding, yield func(d doing, r *match.Row)) {
	name := nameOf(h)
	kind := Update
	if h.Label != "" {
		kind = Component
	}
	target, mended := fixes(h)
	for i := range h.Rows {
		r := &h.Rows[i]
		switch {
		case r.Status == match.Affected && mended[r.ID]:
			yield(doing{kind, name, target, "", h.Label != ""}, r)
		case r.Status == match.Affected && r.Fix != "": // not comparable with the others
			yield(doing{kind, name, r.Fix, "", h.Label != ""}, r)
		case r.Status == match.Affected:
			if said := advised(r); said != "" {
				yield(doing{Advised, name, "", said, h.Label != ""}, r)
			} else {
				yield(doing{Control, name, "", "", h.Label != ""}, r)
			}
		case h.Query.Version == "" && len(h.Query.PURLs) == 0:
			yield(doing{FindOut, name, "", "", h.Label != ""}, r)
		}
	}
}

// nameOf is what a holding is called without its version.
func nameOf(h *exposure.Holding) string {
	if h.Label == "" {
		return clip(strings.TrimSpace(h.Query.Vendor + " " + h.Query.Product))
	}
	return NameOfPart(h.Label, h.Query.Version)
}

// NameOfPart is what a component is called in an action: its label without its
// version.
func NameOfPart(label, version string) string {
	return clip(strings.TrimSpace(strings.TrimSuffix(label, version)))
}

// fixes returns the version that mends most, the highest of those that are
// surely ordered, and what it mends.
func fixes(h *exposure.Holding) (target string, mended map[string]bool) {
	mended = map[string]bool{}
	scheme := h.Query.Scheme()
	for i := range h.Rows {
		if r := &h.Rows[i]; r.Status == match.Affected && r.Fix != "" {
			if target == "" || version.Compare(scheme, r.Fix, target) == version.Greater {
				target = r.Fix
			}
		}
	}
	for i := range h.Rows {
		r := &h.Rows[i]
		if r.Status != match.Affected || r.Fix == "" {
			continue
		}
		if o := version.Compare(scheme, r.Fix, target); o == version.Less || o == version.Equal || r.Fix == target {
			mended[r.ID] = true
		}
	}
	return target, mended
}

// advised is what the advisory says to do where no version mends; "": nothing, so
// that a control of ours is left.
func advised(r *match.Row) string {
	about := r.About()
	if about.Vulnerability == nil {
		return ""
	}
	for i := range about.Vulnerability.Remedies {
		m := &about.Vulnerability.Remedies[i]
		if m.Kind == "workaround" || m.Kind == "mitigation" || m.Kind == "vendor_fix" {
			if text := clip(m.Text); text != "" {
				return text
			}
		}
	}
	return ""
}

func (p *plan) add(d doing, h *exposure.Holding, r *match.Row) {
	key := d.key()
	b := p.at[key]
	if b == nil {
		b = &building{key: key, doing: d, ids: map[string]bool{}, by: map[string]priority.Context{}, pairs: map[priority.Context]map[string]bool{}}
		p.at[key] = b
	}
	b.ids[r.ID] = true
	for _, s := range h.By {
		b.by[s.Subject] = s.Context
		m := b.pairs[s.Context]
		if m == nil {
			m = map[string]bool{}
			b.pairs[s.Context] = m
		}
		m[r.ID] = true
	}
	b.cited = b.cite(b.cited, r)
}

// cite keeps what a row rests on, and the remedy that it names.
func (d *doing) cite(cited []Citation, r *match.Row) []Citation {
	about := r.About()
	if about.Advisory == nil || len(cited) >= maxCitations {
		return cited
	}
	c := Citation{Advisory: about.Advisory.ID}
	for _, m := range about.Vulnerability.Remedies {
		if d.kind == Update && m.Kind != "vendor_fix" || d.text != "" && clip(m.Text) != d.text {
			continue
		}
		c.Text, c.URL = clip(m.Text), m.URL
		break
	}
	if !slices.Contains(cited, c) {
		cited = append(cited, c)
	}
	return cited
}

func (p *plan) finish(b *building, from Source) Action {
	a := Action{ID: idOf(b.key), Part: b.part, Kind: b.kind, Product: b.product, To: b.to, Devices: len(b.by), Cited: b.cited, Decision: "track"}
	if a.Cited == nil {
		a.Cited = []Citation{}
	}
	urgent := map[priority.Context]int{}
	for c, ids := range b.pairs {
		urgent[c] = priority.Urgency("track")
		for id := range ids {
			d := from.Decide(id, c).Decision
			urgent[c] = min(urgent[c], priority.Urgency(d))
			if priority.Urgency(d) < priority.Urgency(a.Decision) {
				a.Decision = d
			}
		}
	}
	a.Horizon = priority.Horizon(a.Decision)
	for s := range b.by {
		a.Subjects = append(a.Subjects, s)
	}
	slices.SortFunc(a.Subjects, func(x, y string) int {
		return cmp.Or(urgent[b.by[x]]-urgent[b.by[y]], strings.Compare(x, y))
	})
	if b.kind == Control && p.flows != nil {
		a.Breaks = breaks(func(yield func(reach.Flow)) {
			for _, s := range a.Subjects {
				for _, f := range p.flows(s) {
					yield(f)
				}
			}
		})
	}
	a.Subjects = a.Subjects[:min(len(a.Subjects), maxSubjects)]
	for id := range b.ids {
		a.Vulnerabilities = append(a.Vulnerabilities, id)
	}
	slices.Sort(a.Vulnerabilities)
	a.Text = b.word(a.Devices, len(a.Vulnerabilities))
	return a
}

func clip(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
