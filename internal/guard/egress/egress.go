// Package egress keeps the ledger of what went to a model: for each call, before
// a byte of it leaves, what kind of data it holds, under which label, how many
// bytes with which digest, to which endpoint and place, for whom and by which
// rule; and afterwards how it ended. The ledger is part of the audit journal, so
// that its entries share the journal's chain of hashes.
//
// It must never hold content: neither a question, nor a value of evidence, nor an
// answer. [Prove] answers from the ledger whether data of a label left.
package egress

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/audit"
	"vedette/internal/event"
)

// The actions in the audit journal.
const (
	ActionCall    = "model.call"    // something is about to leave
	ActionAnswer  = "model.answer"  // how that ended
	ActionRefused = "model.refused" // nothing left
)

// Subject is what every entry says of a request.
type Subject struct {
	Person       string // empty: the product itself asked
	Task         string
	Conversation string
	Label        event.Label
	Fields       map[string]int // how many values of which field; names of the schema, or "other"
	Items        int
	LeftOut      int
	Rule         string // of the policy, that set how far it may go
}

// Place is where a request goes.
type Place struct {
	Endpoint, Location, Model   string
	Operator, Jurisdiction, URL string
	Approval                    string // who let the model in, and how
}

// Sent is what leaves.
type Sent struct {
	Bytes    int
	SHA256   string
	Redacted bool // pseudonyms were put in
	Attempt  int  // 1 is the first endpoint that was asked for this request
	Why      string
}

// Outcome is how a call ended.
type Outcome struct {
	Call      int64  // number of the entry of the call
	Result    string // "answered", or the kind of failure
	Reason    string // ours, never the endpoint's words
	Bytes     int    // of the answer
	SHA256    string
	Model     string // what the endpoint says answered; it is untrusted, and bounded
	TokensIn  int
	TokensOut int
	Cost      float64 // by the endpoint's price
	Currency  string
}

// Ledger writes into an audit journal.
type Ledger struct{ journal *audit.Journal }

// New makes a ledger.
func New(j *audit.Journal) *Ledger { return &Ledger{j} }

// Call records what is about to leave, and returns the number of the entry. When
// it fails, nothing may be sent.
func (l *Ledger) Call(s Subject, p Place, sent Sent) (int64, error) {
	d := s.details()
	set(d, "location", p.Location)
	set(d, "model", p.Model)
	set(d, "operator", p.Operator)
	set(d, "jurisdiction", p.Jurisdiction)
	set(d, "url", p.URL)
	set(d, "approval", p.Approval)
	set(d, "sha256", sent.SHA256)
	set(d, "why", sent.Why)
	d["bytes"] = strconv.Itoa(sent.Bytes)
	d["redacted"] = strconv.FormatBool(sent.Redacted)
	d["attempt"] = strconv.Itoa(sent.Attempt)
	return l.record(s, ActionCall, p.Endpoint, d)
}

// Answer records how a call ended.
func (l *Ledger) Answer(s Subject, endpoint string, o Outcome) error {
	d := map[string]string{"call": strconv.FormatInt(o.Call, 10), "result": o.Result, "bytes": strconv.Itoa(o.Bytes)}
	set(d, "sha256", o.SHA256)
	set(d, "reason", o.Reason)
	set(d, "served", bounded(o.Model))
	d["tokens_in"], d["tokens_out"] = strconv.Itoa(o.TokensIn), strconv.Itoa(o.TokensOut)
	if o.Currency != "" {
		d["cost"] = strconv.FormatFloat(o.Cost, 'f', 6, 64) + " " + o.Currency
	}
	_, err := l.record(s, ActionAnswer, endpoint, d)
	return err
}

// Refused records a request of which nothing left. reasons are ours.
func (l *Ledger) Refused(s Subject, endpoint, location string, reasons ...string) (int64, error) {
	d := s.details()
	set(d, "location", location)
	set(d, "why", strings.Join(reasons, "; "))
	if endpoint == "" {
		endpoint = "none"
	}
	return l.record(s, ActionRefused, endpoint, d)
}

func (l *Ledger) record(s Subject, action, endpoint string, d map[string]string) (int64, error) {
	actor := audit.Actor{Kind: audit.Person, Name: s.Person}
	if s.Person == "" {
		actor = audit.Actor{Kind: audit.System, Name: "vedette"}
	}
	e, err := l.journal.Record(audit.Entry{Actor: actor, Action: action, Object: endpoint, Details: d})
	return e.Seq, err
}

func (s Subject) details() map[string]string {
	d := map[string]string{
		"task": s.Task, "label": s.Label.Confidentiality.String(), "integrity": s.Label.Integrity.String(),
		"items": strconv.Itoa(s.Items),
	}
	set(d, "conversation", s.Conversation)
	set(d, "rule", s.Rule)
	set(d, "fields", fieldsText(s.Fields))
	if s.LeftOut > 0 {
		d["left_out"] = strconv.Itoa(s.LeftOut)
	}
	return d
}

func fieldsText(fields map[string]int) string {
	parts := make([]string, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, name+":"+strconv.Itoa(fields[name]))
	}
	return strings.Join(parts, " ")
}

func set(d map[string]string, key, value string) {
	if value != "" {
		d[key] = value
	}
}

// bounded keeps the printable ASCII of what an endpoint wrote.
func bounded(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s[:min(len(s), 100)])
	return s
}
