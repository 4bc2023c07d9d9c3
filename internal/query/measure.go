package query

import (
	"strconv"
	"strings"
)

// Measure is one computed column. Count adds up the count field of the events
// (missing: one), so that "message repeated 3 times" counts three. Where
// restricts the measure alone, which puts two periods or two outcomes side by
// side in one row. Of names the columns of other measures that a measure is
// computed of; see [Derived].
type Measure struct {
	Fn    Fn       `json:"fn"`
	Field string   `json:"field,omitempty"`
	Where *Expr    `json:"where,omitempty"`
	Of    []string `json:"of,omitempty"`
	As    string   `json:"as,omitempty"` // column name; default see Name
}

// Fn is an aggregate function.
type Fn string

// The aggregate functions. Distinct counts different values; on a list field
// it counts different members. First and Last are the earliest and latest
// time of the group's events and take no field; Days counts the different days,
// in UTC, of those that have a time. Median and percentiles, p1 to
// p99.9, are exact or approximate as the engine has them.
const (
	Count    Fn = "count"
	Sum      Fn = "sum"
	Avg      Fn = "avg"
	Min      Fn = "min"
	Max      Fn = "max"
	Distinct Fn = "distinct"
	First    Fn = "first"
	Last     Fn = "last"
	Days     Fn = "days"
	Median   Fn = "median"
	P95      Fn = "p95"
)

// The functions of other measures of the same row: Ratio and Diff of two,
// Change of two (by which share of the second the first is more: 0.5 is half
// as much again), and Share of one (which part it is of the sum over all
// groups). A function with "_of" is computed over all groups, see [Fn.OverGroups]. They are missing where they would divide by nothing.
const (
	Ratio  Fn = "ratio"
	Diff   Fn = "diff"
	Change Fn = "change"
	Share  Fn = "share"
)

// Percentile tells which part of the values lies at or below, if fn is
// median or a percentile.
func (f Fn) Percentile() (part float64, ok bool) {
	if f == Median {
		return 0.5, true
	}
	digits, isP := strings.CutPrefix(string(f), "p")
	if !isP || len(digits) > 5 || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n <= 0 || n >= 100 {
		return 0, false
	}
	return n / 100, true
}

// OverGroups tells the function that fn computes over all groups of another
// measure: median_of(count) is the median of the counts.
func (f Fn) OverGroups() (base Fn, ok bool) {
	name, found := strings.CutSuffix(string(f), "_of")
	if _, percentile := Fn(name).Percentile(); found && percentile {
		return Fn(name), true
	}
	switch base = Fn(name); base {
	case Avg, Min, Max:
		return base, found
	default:
		return "", false
	}
}

// Derived reports whether fn is computed of other measures, and of how many.
func (f Fn) Derived() (operands int, ok bool) {
	if _, over := f.OverGroups(); over {
		return 1, true
	}
	switch f {
	case Ratio, Diff, Change:
		return 2, true
	case Share:
		return 1, true
	default:
		return 0, false
	}
}

// Name is the measure's column: As if set, else "count", "fn(field)" or
// "fn(of, of)".
func (m Measure) Name() string {
	switch {
	case m.As != "":
		return m.As
	case len(m.Of) > 0:
		return string(m.Fn) + "(" + strings.Join(m.Of, ", ") + ")"
	case m.Field == "":
		return string(m.Fn)
	}
	return string(m.Fn) + "(" + m.Field + ")"
}

func isFn(s string) bool {
	fn := Fn(strings.ToLower(s))
	if _, ok := fn.Percentile(); ok {
		return true
	}
	if _, ok := fn.Derived(); ok {
		return true
	}
	switch fn {
	case Count, Sum, Avg, Min, Max, Distinct, First, Last, Days:
		return true
	default:
		return false
	}
}

func takesNoField(fn Fn) bool { return fn == Count || fn == First || fn == Last || fn == Days }
