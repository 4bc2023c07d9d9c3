// Package query owns the one typed query that console, command line, API,
// hunts, controls and plain-language questions share: its syntax tree, its
// text form, its validation against schema and live values, and its
// compilation to the SQL of the engines.
//
// It must not open a database: engines run what it compiles.
//
// Logic is two-valued. A comparison with a missing field is false and not()
// makes it true, so "not via tcp" includes events without a transport.
package query

import "time"

// Query asks for events or devices. Without Group and Measures it returns rows
// of the Select fields; with them it returns one row per group.
type Query struct {
	From     string    `json:"from,omitempty"`    // "" or "events"; "devices"
	Classes  []string  `json:"classes,omitempty"` // OCSF class names, any of
	Time     TimeRange `json:"time,omitzero"`
	Where    *Expr     `json:"where,omitempty"`
	Select   []string  `json:"select,omitempty"` // rows: columns; empty means a default set
	Group    []string  `json:"group,omitempty"`
	Bucket   string    `json:"bucket,omitempty"` // group by time too: a Go duration or Nd; the column is named "time"
	Measures []Measure `json:"measures,omitempty"`
	Having   []Having  `json:"having,omitempty"`
	Sort     []Sort    `json:"sort,omitempty"`
	Limit    int       `json:"limit,omitempty"` // 0 means DefaultLimit; at most MaxLimit

	// Compare puts the same measures of an earlier period beside those of the
	// time range: "previous" is the period just before it, a duration such as
	// "7d" the same period that much earlier. See [Query.Resolve].
	Compare string `json:"compare,omitempty"`

	// Sequence asks for events that follow each other. Such a query has no
	// select, group, measures, having or sort of its own.
	Sequence *Sequence `json:"sequence,omitempty"`
}

// The limits of a query's result.
const (
	DefaultLimit = 100
	MaxLimit     = 10000
)

// TimeRange is half open: From <= time < To. The zero range is all stored
// time, clock-suspect records included. Last counts back from the time of the
// question ("now") and is resolved with [TimeRange.Resolve] before a query
// runs.
type TimeRange struct {
	Last string    `json:"last,omitempty"` // "24h", "7d", "90m"
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Expr is one node of a condition: exactly one of And, Or, Not or a comparison
// (Field, Op, Value).
type Expr struct {
	And []Expr `json:"and,omitempty"`
	Or  []Expr `json:"or,omitempty"`
	Not *Expr  `json:"not,omitempty"`

	Field string `json:"field,omitempty"`
	Op    Op     `json:"op,omitempty"`
	Value any    `json:"value,omitempty"` // string, float64, bool, or []any of them for "in"; after Normalise: string, int64, float64, bool, time.Time, []any
}

// Op is a comparison.
type Op string

// The comparisons. On list fields = means "has the member", and contains,
// startswith and endswith look at each member. contains, startswith and
// endswith ignore case; = and != do not. CIDR works on address fields that
// are columns. Exists takes no value.
const (
	Eq         Op = "="
	Ne         Op = "!="
	Lt         Op = "<"
	Le         Op = "<="
	Gt         Op = ">"
	Ge         Op = ">="
	In         Op = "in"
	Contains   Op = "contains"
	StartsWith Op = "startswith"
	EndsWith   Op = "endswith"
	CIDR       Op = "cidr"
	Exists     Op = "exists"
)

// Having keeps the groups whose measure (by column name) compares so.
type Having struct {
	By    string `json:"by"`
	Op    Op     `json:"op"`    // = != < <= > >=
	Value any    `json:"value"` // number, or RFC 3339 time for first and last
}

// Sort orders by a selected field, a group field, "time" or a measure's
// column. Missing values come last either way. Ties are broken by the
// remaining columns, so that results are the same on every engine.
type Sort struct {
	By   string `json:"by"`
	Desc bool   `json:"desc,omitempty"`
}

// Resolve returns the range with Last turned into From and To, counted back
// from now: [now-last, now+1ns), so that a record at exactly now is in. A day
// is 24 hours.
func (t TimeRange) Resolve(now time.Time) (TimeRange, error) {
	if t.Last == "" {
		return t, nil
	}
	d, err := ParseDuration(t.Last)
	if err != nil {
		return t, err
	}
	return TimeRange{From: now.Add(-d), To: now.Add(time.Nanosecond)}, nil
}

// IsZero reports whether the range is all stored time.
func (t TimeRange) IsZero() bool { return t.Last == "" && t.From.IsZero() && t.To.IsZero() }
