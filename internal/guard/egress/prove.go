package egress

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"vedette/internal/audit"
	"vedette/internal/event"
)

// Claim is a statement to be proved: that nothing labelled Label or stricter left
// the site from From on and before To. A zero time is open.
type Claim struct {
	Label    event.Confidentiality
	From, To time.Time
	Head     string // a hash of the journal that was noted earlier; empty: none
}

// maxListed bounds the calls that a proof lists.
const maxListed = 1000

// Proof is what the journal says to a claim.
type Proof struct {
	Holds     bool      `json:"holds"`
	Statement string    `json:"statement"`
	Limits    []string  `json:"limits"` // what the statement rests on, and does not say
	Label     string    `json:"label"`
	From      time.Time `json:"from,omitzero"`
	To        time.Time `json:"to,omitzero"`
	Chain     Chain     `json:"chain"`
	Totals    []Total   `json:"totals"` // of all calls in the time, by label and location
	Calls     []Line    `json:"calls"`  // those that the claim is about, at most 1000
	Refused   int       `json:"refused"`
}

// Chain is what was found of the journal's hashes.
type Chain struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries"`
	Head    string `json:"head"`
	First   int64  `json:"first_in_time,omitempty"` // numbers of the first and last entry in the time
	Last    int64  `json:"last_in_time,omitempty"`
	Noted   bool   `json:"holds_noted_head"`
	Line    int    `json:"line,omitempty"`
	Problem string `json:"problem,omitempty"`
	Torn    int    `json:"torn_bytes,omitempty"`
}

// Total counts calls.
type Total struct {
	Label    string `json:"label"`
	Location string `json:"location"`
	Calls    int    `json:"calls"`
	Bytes    int64  `json:"bytes"`
}

// Line is one call of the ledger.
type Line struct {
	Seq      int64     `json:"seq"`
	Time     time.Time `json:"time"`
	Who      string    `json:"who"`
	Task     string    `json:"task"`
	Label    string    `json:"label"`
	Endpoint string    `json:"endpoint"`
	Location string    `json:"location"`
	Model    string    `json:"model"`
	Bytes    int64     `json:"bytes"`
	SHA256   string    `json:"sha256"`
	Redacted bool      `json:"redacted"`
	Rule     string    `json:"rule"`
	Result   string    `json:"result"` // empty: no outcome was recorded
}

// Prove reads a whole journal, checks its chain and holds the claim against it.
// The error is for a journal that cannot be read.
func Prove(r io.Reader, c Claim) (Proof, error) {
	p := prover{claim: c, totals: map[[2]string]*Total{}, open: map[string]int{}}
	p.out = Proof{Label: c.Label.String(), From: c.From, To: c.To, Totals: []Total{}, Calls: []Line{}}
	report, err := audit.Walk(r, c.Head, p.entry)
	if err != nil {
		return p.out, err
	}
	p.out.Chain.OK, p.out.Chain.Entries, p.out.Chain.Head = report.OK, report.Entries, report.Head
	p.out.Chain.Line, p.out.Chain.Problem, p.out.Chain.Torn = report.Line, report.Problem, report.Torn
	p.out.Chain.Noted = report.OK && c.Head != ""
	p.conclude()
	return p.out, nil
}

type prover struct {
	claim   Claim
	out     Proof
	totals  map[[2]string]*Total
	open    map[string]int // number of a call that is listed → its place in the list
	matched map[string]int // location → calls that the claim is about
	outside int            // of them, not at a known location inside the site
	last    time.Time
	back    int // entries whose time lies before that of one before them
	odd     int // calls whose label cannot be read
}

func (p *prover) entry(e audit.Entry) {
	if e.Time.Before(p.last) {
		p.back++
	} else {
		p.last = e.Time
	}
	if e.Action == ActionAnswer {
		if at, ok := p.open[e.Details["call"]]; ok {
			p.out.Calls[at].Result = e.Details["result"]
		}
		return
	}
	if !p.claim.From.IsZero() && e.Time.Before(p.claim.From) || !p.claim.To.IsZero() && !e.Time.Before(p.claim.To) {
		return
	}
	if p.out.Chain.First == 0 {
		p.out.Chain.First = e.Seq
	}
	p.out.Chain.Last = e.Seq
	switch e.Action {
	case ActionCall:
		p.call(e)
	case ActionRefused:
		p.out.Refused++
	}
}

func (p *prover) call(e audit.Entry) {
	label, ok := event.ParseConfidentiality(e.Details["label"])
	if !ok || e.Details["label"] == "" {
		label = event.IsRestricted
		p.odd++
	}
	location := e.Details["location"]
	bytes, err := strconv.ParseInt(e.Details["bytes"], 10, 64)
	if err != nil {
		bytes = 0
	}
	key := [2]string{label.String(), location}
	if p.totals[key] == nil {
		p.totals[key] = &Total{Label: key[0], Location: key[1]}
	}
	p.totals[key].Calls++
	p.totals[key].Bytes += bytes
	if label > p.claim.Label {
		return
	}
	if p.matched == nil {
		p.matched = map[string]int{}
	}
	p.matched[location]++
	if location != "on-premises" && location != "built-in" {
		p.outside++
	}
	if len(p.out.Calls) == maxListed {
		return
	}
	p.open[strconv.FormatInt(e.Seq, 10)] = len(p.out.Calls)
	p.out.Calls = append(p.out.Calls, Line{
		Seq: e.Seq, Time: e.Time, Who: e.Actor.Name, Task: e.Details["task"], Label: label.String(), Endpoint: e.Object, Location: location,
		Model: e.Details["model"], Bytes: bytes, SHA256: e.Details["sha256"], Redacted: e.Details["redacted"] == "true", Rule: e.Details["rule"],
	})
}

func (p *prover) conclude() {
	for _, t := range p.totals {
		p.out.Totals = append(p.out.Totals, *t)
	}
	slices.SortFunc(p.out.Totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Location, b.Location))
	})
	what := "data labelled " + p.out.Label
	if p.claim.Label != event.IsRestricted {
		what += " or stricter"
	}
	span := "in the whole journal"
	switch {
	case !p.claim.From.IsZero() && !p.claim.To.IsZero():
		span = "from " + p.claim.From.UTC().Format(time.RFC3339) + " and before " + p.claim.To.UTC().Format(time.RFC3339)
	case !p.claim.From.IsZero():
		span = "from " + p.claim.From.UTC().Format(time.RFC3339) + " on"
	case !p.claim.To.IsZero():
		span = "before " + p.claim.To.UTC().Format(time.RFC3339)
	}
	inside := p.matched["on-premises"]
	switch {
	case !p.out.Chain.OK:
		p.out.Statement = fmt.Sprintf("nothing can be proved: the chain of the journal is broken at line %d: %s", p.out.Chain.Line, p.out.Chain.Problem)
	case p.outside > 0:
		p.out.Statement = fmt.Sprintf("%s left the site for a model %s %s", what, times(p.outside), span)
	default:
		p.out.Holds = true
		p.out.Statement = fmt.Sprintf("no %s left the site for a model %s; to models on the premises it went %s", what, span, times(inside))
	}
	p.out.Limits = p.limits()
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

func (p *prover) limits() []string {
	out := []string{fmt.Sprintf("it rests on entries 1 to %d, whose last hash is %s", p.out.Chain.Entries, p.out.Chain.Head)}
	if p.out.Chain.Entries == 0 {
		out[0] = "the journal has no entry"
	}
	if p.out.Chain.Noted {
		out = append(out, "the chain holds the head that was noted elsewhere, so nothing up to it was rewritten")
	} else {
		out = append(out, "no head noted elsewhere was given: whoever can write the file could have rewritten it from some entry to its end; note the head outside this machine and give it by --head")
	}
	out = append(out,
		"an entry is on disk before the call is sent; the label is that of the data before pseudonyms were put in, as zones, sources and marks gave it",
		"it is about calls to models alone, which have one way out of this program; exports, backups and people who copy are not in it",
	)
	if p.back > 0 {
		out = append(out, fmt.Sprintf("the clock went back: %d entries have a time before that of an entry before them", p.back))
	}
	if p.odd > 0 {
		out = append(out, fmt.Sprintf("%d calls have no label that can be read, and were taken for restricted", p.odd))
	}
	if p.out.Chain.Torn > 0 {
		out = append(out, fmt.Sprintf("the last line is unfinished (%d bytes): its entry was never acknowledged, so its call was not sent", p.out.Chain.Torn))
	}
	return out
}
