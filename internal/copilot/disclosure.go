package copilot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vedette/internal/copilot/reading"
	"vedette/internal/event"
)

// Disclosures tells what is known of a vulnerability, and of it here.
type Disclosures interface {
	// Disclosure returns false if nothing is known of it.
	Disclosure(ctx context.Context, id string) (Disclosure, bool, error)
}

// Disclosure is one vulnerability: what its sources say, and where it is. Texts
// are those of advisories and devices, and untrusted.
type Disclosure struct {
	ID, Title                                            string
	Exploitation, Automatable, TechnicalImpact, Decision string   // SSVC
	KEVSince                                             string   // a date; "" if it is not in CISA's catalogue
	EPSS                                                 *float64 // 0 to 1; nil: not known
	CVSS                                                 float64  // the highest base score that a source gives
	Exposed                                              []Exposed
	Remedies                                             []Remedy
	Sources                                              []Publication
}

// Exposed is one device or product that has it, or may have it.
type Exposed struct {
	UID, Name, Component, Zone, Level, Criticality string
	Status                                         string // affected or undetermined
	Reason, Source, Fix, Decision                  string
}

// Remedy is what a source says to do.
type Remedy struct{ Kind, Fix, Text, Source string }

// Publication is a source that speaks of it.
type Publication struct{ ID, Publisher, Updated string }

// UseDisclosures lets questions about vulnerabilities be answered. Call it
// before the first question.
func (c *Copilot) UseDisclosures(d Disclosures) { c.disclosures = d }

var cveID = regexp.MustCompile(`(?i)\bCVE-\d{4}-\d{4,19}\b`)

// aboutDisclosure are the words of questions about a vulnerability itself. A
// question with any other word is about something else that names one, such as
// findings or logins, and is read like all others.
func aboutDisclosure() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`what whats what's is are do does did we us our ours have has having it its this that the a an and or of on in at for to with by about
		tell me show explain describe analyse analyze assess summarise summarize please give us details detail know known vulnerability vulnerable vulnerabilities flaw disclosure
		advisory cve affected affect affects exposed exposure concern concerned any where which who how many much bad serious severe severity dangerous critical urgent risk risky
		here there device devices machine machines system systems asset assets site plant fleet network product products component components firmware version versions
		first next should must can could i you be been exploited exploit exploitation wild actively active known being fix fixed fixes patch patched patches patching update
		upgrade remediate remediation mitigate mitigation workaround done do needs need attention priority prioritise prioritize now today run runs running use using
		hit impacted impact potentially possibly maybe still all list`) {
		m[w] = true
	}
	return m
}

// disclosureOf tells which vulnerability a question is about, "" if it is not
// about one alone.
func disclosureOf(question string) string {
	ids := cveID.FindAllString(question, -1)
	if len(ids) == 0 {
		return ""
	}
	id := strings.ToUpper(ids[0])
	for _, other := range ids[1:] {
		if strings.ToUpper(other) != id {
			return ""
		}
	}
	known := aboutDisclosure()
	for _, w := range strings.FieldsFunc(strings.ToLower(cveID.ReplaceAllString(question, " ")), func(r rune) bool { return strings.ContainsRune(" \t\n,.;:?!()\"“”", r) }) {
		if !known[strings.ReplaceAll(w, "’", "'")] {
			return ""
		}
	}
	return id
}

// maxExposed and maxRemedies bound the evidence of one answer.
const (
	maxExposed  = 100
	maxRemedies = 20
)

// disclosure answers a question about one vulnerability. It reports false for
// any other question.
func (c *Copilot) disclosure(ctx context.Context, req Request) (*Answer, bool, error) {
	id := disclosureOf(req.Question)
	if c.disclosures == nil || id == "" {
		return nil, false, nil
	}
	started := c.clock()
	ans := &Answer{
		Question: req.Question, Conversation: conversationOf(ctx, req), Model: builtIn(), Plan: []reading.Step{}, Evidence: []Evidence{}, Suggestions: []string{},
		ReadAs: "what is known of " + id + ", what here has it, and what to do about it",
	}
	d, known, err := c.disclosures.Disclosure(ctx, id)
	if err != nil {
		return nil, true, fmt.Errorf("looking up %s: %w", id, err)
	}
	mind := c.consult(ctx, req, ans.Conversation)
	defer mind.end()
	if !known {
		ans.Status = StatusRefused
		ans.Evidence = []Evidence{{ID: "E1", Query: "vulns show " + id, Columns: []string{"id"}, Rows: [][]any{}}}
		ans.Answer = verify([]Sentence{ours("no advisory that was taken in speaks of", say("E1", "no advisory that was taken in speaks of %s: whether something here has it is not known", id))}, ans)
		ans.Suggestions = []string{"take in advisories with: vedette advisories import PATH"}
	} else {
		ans.Status = StatusAnswered
		ans.Evidence = disclosed(d)
		ans.Answer = verify(tellDisclosure(d, ans.Evidence), ans)
		for _, s := range ans.Answer {
			if req.Told != nil {
				req.Told(s)
			}
		}
		// Rows of the inventory are restricted, here as elsewhere; and the TLP of an
		// advisory is not kept, so it may not leave either.
		mind.word(ans, slices.Repeat([]event.Confidentiality{event.IsRestricted}, len(ans.Evidence)))
	}
	ans.Used = mind.spent()
	if err := c.remember(ctx, req, ans.Conversation); err != nil {
		return nil, true, err
	}
	ans.Seconds = c.clock().Sub(started).Seconds()
	return ans, true, nil
}

// disclosed puts what is known into rows: the vulnerability, how many have it,
// who has it with the most urgent first, what to do, and who says so.
func disclosed(d Disclosure) []Evidence {
	slices.SortStableFunc(d.Exposed, func(a, b Exposed) int { return a.rank() - b.rank() })
	counts := map[string]int64{}
	where := make([][]any, 0, min(len(d.Exposed), maxExposed))
	for _, x := range d.Exposed {
		counts[x.Status]++
		if len(where) < maxExposed {
			where = append(where, []any{x.Name, x.UID, x.Component, x.Status, x.Zone, x.Level, x.Criticality, x.Decision, x.Fix, x.Reason, x.Source})
		}
	}
	var remedies, sources [][]any
	for _, r := range d.Remedies[:min(len(d.Remedies), maxRemedies)] {
		remedies = append(remedies, []any{r.Kind, r.Fix, r.Text, r.Source})
	}
	for _, p := range d.Sources[:min(len(d.Sources), maxRemedies)] {
		sources = append(sources, []any{p.ID, p.Publisher, p.Updated})
	}
	var chance any
	if d.EPSS != nil {
		chance = *d.EPSS
	}
	about := []any{d.ID, d.Title, d.Exploitation, d.Automatable, d.TechnicalImpact, d.Decision, d.KEVSince, chance, d.CVSS}
	return []Evidence{
		{ID: "E1", Query: "vulns show " + d.ID, Columns: []string{"id", "title", "exploitation", "automatable", "technical_impact", "decision", "kev_since", "epss", "cvss"}, Rows: [][]any{about}, Total: 1},
		{ID: "E2", Query: "vulns list " + d.ID, Columns: []string{"status", "count"}, Rows: [][]any{{"affected", counts["affected"]}, {"undetermined", counts["undetermined"]}}, Total: 2},
		{ID: "E3", Query: "vulns list " + d.ID, Columns: []string{"name", "uid", "component", "status", "zone", "level", "criticality", "decision", "fix", "reason", "source"}, Rows: where, Total: int64(len(d.Exposed))},
		{ID: "E4", Query: "vulns show " + d.ID, Columns: []string{"kind", "fix", "text", "source"}, Rows: remedies, Total: int64(len(d.Remedies))},
		{ID: "E5", Query: "vulns show " + d.ID, Columns: []string{"id", "publisher", "updated"}, Rows: sources, Total: int64(len(d.Sources))},
	}
}

// rank orders what is exposed: what surely has it first, then by criticality,
// then by nearness to the process.
func (x Exposed) rank() int {
	n := 1000
	if x.Status == "affected" {
		n = 0
	}
	n += 100 * indexOr([]string{"critical", "high", "medium", "low"}, x.Criticality)
	return n + 10*indexOr([]string{"0", "1", "2", "3", "3.5", "4", "5"}, x.Level)
}

func indexOr(list []string, s string) int {
	if i := slices.Index(list, s); i >= 0 {
		return i
	}
	return len(list)
}

// ours marks the words of a sentence that are the template's own: they state what
// its rows say in a column's name.
func ours(words string, s Sentence) Sentence {
	s.computed = given(words)
	return s
}

// tellDisclosure says what it is, how bad, whether we have it, where, and what
// first. No sentence says more than its rows do.
func tellDisclosure(d Disclosure, ev []Evidence) []Sentence {
	var out []Sentence
	if d.Title == "" || strings.EqualFold(d.Title, d.ID) {
		out = append(out, ours("its sources give it no title", say("E1.1", "%s: its sources give it no title", d.ID)))
	} else {
		out = append(out, say("E1.1", "%s: %s", d.ID, strings.TrimRight(clean(d.Title), ". ")))
	}
	if d.KEVSince != "" {
		out = append(out, ours("it is exploited: in CISA's catalogue (KEV) since", say("E1.1", "it is exploited: in CISA's catalogue (KEV) since %s", cell(d.KEVSince))))
	}
	graded := say("E1.1", "decision %s (SSVC): exploitation %s, automatable %s, technical impact %s", cell(d.Decision), cell(d.Exploitation), cell(d.Automatable), cell(d.TechnicalImpact))
	if d.CVSS > 0 {
		graded.Text += fmt.Sprintf("; CVSS base score %s", cell(d.CVSS))
	}
	out = append(out, ours("decision (SSVC): exploitation, automatable, technical impact; CVSS base score", graded))
	out = append(out, tellWhere(d, ev)...)
	return append(out, tellWhat(d)...)
}

func tellWhere(d Disclosure, ev []Evidence) []Sentence {
	sure, maybe := ev[1].Rows[0][1], ev[1].Rows[1][1]
	if len(d.Exposed) == 0 {
		const none = "no device and no component that is known here is affected, as far as makers, models and versions are known"
		return []Sentence{ours(none, say("E3", "%s", none))}
	}
	counts := say("E2.1", "here: %s affected, %s undetermined", cell(sure), cell(maybe))
	counts.Evidence = append(counts.Evidence, "E2.2")
	out := []Sentence{counts}
	for i, x := range d.Exposed[:min(3, len(d.Exposed))] {
		text := clean(x.Name)
		if x.Component != "" {
			text += " (" + clean(x.Component) + ")"
		}
		text += ": " + x.Status
		for _, part := range []struct{ name, value string }{{"zone", x.Zone}, {"level", x.Level}, {"criticality", x.Criticality}, {"fixed in", x.Fix}} {
			if part.value != "" {
				text += ", " + part.name + " " + clean(part.value)
			}
		}
		if i == 0 {
			text = "first: " + text
		}
		out = append(out, ours("first, zone, level, criticality, fixed in", say(fmt.Sprintf("E3.%d", i+1), "%s", text)))
	}
	if sure == int64(0) {
		const unsure = "undetermined means that the version is not known, or that its order is not sure: find out the version first"
		out = append(out, ours(unsure, say("E3.1", "%s", unsure)))
	}
	return out
}

// tellWhat quotes what the sources say to do, fixes first.
func tellWhat(d Disclosure) []Sentence {
	var out []Sentence
	for _, kind := range []string{"vendor_fix", "mitigation", "workaround", "none_available", "no_fix_planned"} {
		for i, r := range d.Remedies[:min(len(d.Remedies), maxRemedies)] {
			if r.Kind == kind && len(out) < 3 {
				words := strings.ReplaceAll(kind, "_", " ")
				out = append(out, ours(words, say(fmt.Sprintf("E4.%d", i+1), "%s says (%s): %s", clean(r.Source), words, clean(strings.Join(strings.Fields(r.Text), " ")))))
			}
		}
	}
	if len(out) == 0 {
		out = append(out, ours("the sources name no remedy", say("E4", "the sources name no remedy")))
	}
	return out
}
