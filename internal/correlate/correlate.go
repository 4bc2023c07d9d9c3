// Package correlate makes incidents of findings: it joins what shares specific
// entities, is close in time and advances an attack, names and grades the
// result, and keeps for every step the reason and a way back.
//
// It owns incidents, the feedback and the suppressions of persons. It must not
// suppress silently, drop a finding, fetch, call a model, or open a store:
// [Correlator.Dirty] hands out records, and package app keeps them.
package correlate

import (
	"sync"
	"time"

	"vedette/internal/event"
)

// Names tells what a device is called. operator says that a person gave the
// name; any other name is quoted wherever it is shown.
type Names interface {
	NameOf(uid string) (name string, operator bool)
}

// Assets tells how much devices matter: high and critical raise an incident.
type Assets interface {
	CriticalityOf(uid string) string
}

// Config sets a correlator up. Its zero value works.
type Config struct {
	Techniques *Techniques   // nil: no stages
	Names      Names         // nil: devices are called by uid
	Assets     Assets        // nil: no device is critical
	HalfLife   time.Duration // after which a tie counts half; 0: DefaultHalfLife
	Window     time.Duration // after which it does not count; 0: DefaultWindow
	MaxOpen    int           // incidents kept apart; 0: DefaultMaxOpen
	MaxTracked int           // entities looked up; 0: DefaultMaxTracked
}

// The defaults of [Config].
const (
	DefaultHalfLife   = 4 * time.Hour
	DefaultWindow     = 24 * time.Hour
	DefaultMaxOpen    = 20_000
	DefaultMaxTracked = 200_000
)

// Correlator turns findings into incidents. It is safe for concurrent use.
type Correlator struct {
	cfg Config
	now func() time.Time

	mu sync.Mutex
}

// New makes an empty correlator. now is the clock of what persons do; findings
// are placed by their own time.
func New(cfg Config, now func() time.Time) *Correlator { return &Correlator{cfg: cfg, now: now} }

// Add takes a finding and returns the uid of its incident, or "" when a rule of
// a person suppresses it. A finding that was added before changes nothing.
func (c *Correlator) Add(f event.Finding) string { return "" }

// Condition is something an operator should know: a bound that was reached.
type Condition struct {
	Code  string `json:"code"` // stable
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

// Conditions returns what an operator should know.
func (c *Correlator) Conditions() []Condition { return nil }

// Totals adds up: Added = InIncidents + Suppressed.
type Totals struct {
	Added       int64 `json:"added"`
	InIncidents int64 `json:"in_incidents"`
	Suppressed  int64 `json:"suppressed"`
	Repeated    int64 `json:"repeated"` // uids that came again, not in Added
	Incidents   int64 `json:"incidents"`
}

// Totals returns the sums.
func (c *Correlator) Totals() Totals { return Totals{} }

// Incidents returns all incidents, the one with the newest finding first,
// without timeline, graph and joins.
func (c *Correlator) Incidents() []Incident { return nil }

// Get returns an incident in full. The uid of one that was merged gives the one
// it is part of.
func (c *Correlator) Get(uid string) (Incident, bool) { return Incident{}, false }

// Close closes an incident: later findings start a new one that says what it
// follows.
func (c *Correlator) Close(uid, by, why string) error { return nil }

// Reopen opens a closed incident again.
func (c *Correlator) Reopen(uid, by, why string) error { return nil }

// Split takes a merged part out of its incident again, with all its findings.
// The two are never merged again.
func (c *Correlator) Split(part, by, why string) error { return nil }

// Verdict is what a person says of an incident.
type Verdict string

// The verdicts.
const (
	True   Verdict = "true"   // it was an attack
	False  Verdict = "false"  // it did not happen as told
	Benign Verdict = "benign" // it happened and is allowed
)

// Feedback notes a verdict and returns its id for [Correlator.Undo]. It changes
// scores, never the severity, and hides nothing.
func (c *Correlator) Feedback(uid string, v Verdict, by, why string) (id string, err error) {
	return "", nil
}

// Undo takes feedback back: scores are what they were before.
func (c *Correlator) Undo(id, by, why string) error { return nil }

// Similar returns incidents that resemble one, most alike first.
func (c *Correlator) Similar(uid string) []Similar { return nil }

// Suppression is a rule of a person: findings that match every matcher it has
// (at least one) go into no incident, and are counted, until it expires.
type Suppression struct {
	ID      string    `json:"id"`               // made from its content when empty
	Rule    string    `json:"rule,omitempty"`   // id of the rule that raises the findings
	Device  string    `json:"device,omitempty"` // uid
	Peer    string    `json:"peer,omitempty"`   // address, subnet or uid of either end
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Count   int64     `json:"count"` // findings it suppressed
	Last    time.Time `json:"last,omitzero"`
	Expired bool      `json:"expired,omitempty"`
}

// Suppress adds a rule and returns its id.
func (c *Correlator) Suppress(s Suppression) (id string, err error) { return "", nil }

// Unsuppress ends a rule now. It stays listed with its count.
func (c *Correlator) Unsuppress(id, by, why string) error { return nil }

// Suppressions returns all rules, newest first, expired ones too.
func (c *Correlator) Suppressions() []Suppression { return nil }

// Record is a piece of state to be kept: JSON under kind and id.
type Record struct {
	Kind string
	ID   string
	JSON []byte
}

// RecordKind is the kind of the records of incidents.
const RecordKind = "incident"

// RecordKinds lists all kinds that [Correlator.Dirty] hands out and
// [Correlator.Restore] wants back.
func RecordKinds() []string { return []string{RecordKind} }

// Dirty returns the records that changed since the last call. If keeping them
// fails, hand each to [Correlator.Retry].
func (c *Correlator) Dirty() ([]Record, error) { return nil, nil }

// Retry marks a record as changed again.
func (c *Correlator) Retry(kind, id string) {}

// Restore loads the records of an earlier run into an empty correlator, in any
// order. A record that cannot be read is skipped; the problems name it.
func (c *Correlator) Restore(records []Record) (problems []error) { return nil }
