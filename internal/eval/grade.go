package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/copilot"
)

// Verdict is how an answer compares with what was expected.
type Verdict string

// The verdicts. Wrong means confidently wrong: the product said it had
// answered. Hedged means it said that it had not understood all of it.
const (
	Right  Verdict = "right"
	Wrong  Verdict = "wrong"
	Hedged Verdict = "hedged"
)

// Grade compares the first evidence of an answer with the expectation.
func Grade(want Expect, ans *copilot.Answer) Verdict {
	refused := ans.Status == copilot.StatusNotUnderstood || ans.Status == copilot.StatusRefused
	switch {
	case want.Refuse && refused:
		return Right
	case !want.Refuse && !refused && meets(want, ans):
		return Right
	case ans.Status == copilot.StatusAnswered:
		return Wrong
	}
	return Hedged
}

func meets(want Expect, ans *copilot.Answer) bool {
	if len(want.AnyOf) > 0 {
		return slices.ContainsFunc(want.AnyOf, func(w Expect) bool { return meets(w, ans) })
	}
	if len(ans.Evidence) == 0 {
		return false
	}
	e := ans.Evidence[0]
	switch {
	case want.Number != nil:
		return meetsNumber(*want.Number, e, ans)
	case want.Rows != nil:
		return meetsRows(want.Rows, e)
	case want.Set != nil:
		return meetsSet(*want.Set, e)
	case want.Time != nil:
		return meetsTime(*want.Time, e)
	case want.Yes != nil:
		return *want.Yes == (firstNumber(e) > 0)
	}
	return false
}

// meetsNumber: the one number of a one-row result, the total of a list, or,
// for a share, the percentage in the sentence.
func meetsNumber(want float64, e copilot.Evidence, ans *copilot.Answer) bool {
	if len(e.Rows) == 0 {
		return want == 0
	}
	if slices.Equal(e.Columns, []string{"part", "whole"}) && len(ans.Answer) > 0 {
		pct, _, _ := strings.Cut(ans.Answer[0].Text, " ")
		n, err := strconv.ParseFloat(pct, 64)
		return err == nil && near(n, want)
	}
	if len(e.Rows) == 1 {
		for _, v := range e.Rows[0] {
			if n, ok := toNumber(v); ok && near(n, want) {
				return true
			}
		}
		listed := slices.Contains(e.Columns, "time") && float64(e.Total) == want
		return listed || e.Rows[0][0] == nil && want == 0
	}
	return float64(e.Total) == want
}

// near: whole numbers are exact, others agree to half a percent.
func near(got, want float64) bool {
	if want == math.Trunc(want) && got == math.Trunc(got) {
		return got == want
	}
	return math.Abs(got-want) <= 0.005*math.Abs(want)+1e-9
}

func firstNumber(e copilot.Evidence) float64 {
	if len(e.Rows) == 0 {
		return 0
	}
	if len(e.Rows) == 1 {
		if n, ok := toNumber(e.Rows[0][0]); ok {
			return n
		}
	}
	return float64(e.Total)
}

// meetsRows: the same keys with the same numbers in one of the columns, and in
// an order whose numbers are those expected. A share is expected in percent.
func meetsRows(want [][]any, e copilot.Evidence) bool {
	if len(e.Rows) == 1 && len(want) == len(e.Columns) && len(want) > 1 {
		return meetsColumns(want, e)
	}
	if len(want) != len(e.Rows) || len(e.Rows) == 0 {
		return len(want) == len(e.Rows)
	}
	first := len(e.Columns)
	if key, _, ok := keyed(e.Rows[0]); ok {
		first = len(strings.Split(key, " | "))
	}
	for c := first; c < len(e.Columns); c++ {
		if meetsRowsIn(want, e, c) {
			return true
		}
	}
	return false
}

func meetsRowsIn(want [][]any, e copilot.Evidence, column int) bool {
	scale := 1.0
	if name := e.Columns[column]; name == "share" || strings.HasPrefix(name, "ratio") || strings.HasPrefix(name, "change of") {
		scale = 100
	}
	have := map[string]float64{}
	var order []float64
	for _, row := range e.Rows {
		key, _, ok := keyed(row)
		n, number := toNumber(row[column])
		if !ok || !number {
			return false
		}
		have[key] = n * scale
		order = append(order, n*scale)
	}
	for i, w := range want {
		n, ok := toNumber(w[1])
		got, found := have[fmt.Sprint(w[0])]
		same := func(x float64) bool { return near(x, n) || scale > 1 && math.Abs(x-n) <= 0.006 } // rounded to two places
		if !ok || !found || !same(got) || ranked(want) && !same(order[i]) {
			return false
		}
	}
	return true
}

// ranked tells rows that are expected in the order of their numbers from those
// that merely stand in the order of their keys.
func ranked(want [][]any) bool {
	byKey := slices.IsSortedFunc(want, func(a, b []any) int { return strings.Compare(fmt.Sprint(a[0]), fmt.Sprint(b[0])) })
	number := func(row []any) float64 { n, _ := toNumber(row[1]); return n }
	down := slices.IsSortedFunc(want, func(a, b []any) int { return cmp.Compare(number(b), number(a)) })
	up := slices.IsSortedFunc(want, func(a, b []any) int { return cmp.Compare(number(a), number(b)) })
	return down || up && !byKey
}

// meetsColumns: two measures side by side, named by their columns.
func meetsColumns(want [][]any, e copilot.Evidence) bool {
	for i, w := range want {
		n, _ := toNumber(w[1])
		if at := slices.Index(e.Columns, fmt.Sprint(w[0])); at >= 0 {
			i = at
		}
		if got, ok := toNumber(e.Rows[0][i]); !ok || !near(got, n) {
			return false
		}
	}
	return true
}

// keyed splits a row into its key texts and its first number after them.
func keyed(row []any) (string, float64, bool) {
	var key []string
	for i, v := range row {
		if i > 0 {
			if n, ok := toNumber(v); ok {
				return strings.Join(key, " | "), n, true
			}
		}
		key = append(key, text(v))
	}
	return "", 0, false
}

// meetsSet: some key column has exactly these values.
func meetsSet(want []string, e copilot.Evidence) bool {
	if len(e.Rows) == 0 || len(want) == 0 {
		return len(want) == 0 && (len(e.Rows) == 0 || firstNumber(e) == 0)
	}
	for c := range e.Columns {
		have := map[string]bool{}
		for _, row := range e.Rows {
			have[text(row[c])] = true
		}
		if len(have) == len(want) && !slices.ContainsFunc(want, func(w string) bool { return !have[w] }) {
			return true
		}
	}
	return false
}

func meetsTime(want time.Time, e copilot.Evidence) bool {
	if len(e.Rows) == 0 {
		return false
	}
	for _, v := range e.Rows[0] {
		if t, ok := v.(time.Time); ok && t.Sub(want).Abs() <= time.Second {
			return true
		}
	}
	return false
}

func text(v any) string {
	switch x := v.(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(x, ", ")
	}
	return fmt.Sprint(v)
}

func toNumber(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case string:
		n, err := strconv.ParseFloat(x, 64)
		return n, err == nil
	}
	return 0, false
}
