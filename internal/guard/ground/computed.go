package ground

import (
	"fmt"
	"math"
	"slices"
)

// Fn is how a computed value comes out of evidence.
type Fn string

// The functions. All work on one column of one evidence.
const (
	Sum     Fn = "sum"
	Min     Fn = "min"
	Max     Fn = "max"
	Count   Fn = "count"   // of rows that have the column
	Rest    Fn = "rest"    // rows in all less N that were told
	Percent Fn = "percent" // of row N: Column of Whole, in percent
	Given   Fn = "given"   // Text, which code of ours gives and no evidence holds
)

// Computed is a value in a sentence that stands in no cell. The check computes
// it again; [Given] is for code alone, a model cannot name it.
type Computed struct {
	Fn       Fn
	Evidence string
	Column   string
	Whole    string
	N        int64
	Text     string
}

// Value computes it.
func (c Computed) Value(b *Basis) (float64, error) {
	s := b.find(c.Evidence)
	if s == nil {
		return 0, fmt.Errorf("a value is computed of %q, which is not evidence of this answer", Clean(c.Evidence))
	}
	if c.Fn == Rest {
		return float64(s.Total - c.N), nil
	}
	at := slices.Index(s.Columns, c.Column)
	if at < 0 {
		return 0, fmt.Errorf("%s has no column %q", c.Evidence, Clean(c.Column))
	}
	if c.Fn == Percent {
		whole := slices.Index(s.Columns, c.Whole)
		if whole < 0 || c.N < 0 || c.N >= int64(len(s.Rows)) {
			return 0, fmt.Errorf("%s has no row or column for a part of %q", c.Evidence, Clean(c.Whole))
		}
		part, ok := toNumber(s.Rows[c.N][at])
		of, okOf := toNumber(s.Rows[c.N][whole])
		if !ok || !okOf || of == 0 {
			return 0, fmt.Errorf("%q is no part of %q", Clean(c.Column), Clean(c.Whole))
		}
		return part / of * 100, nil
	}
	if int64(len(s.Rows)) < s.Total && c.Fn != Sum {
		return 0, fmt.Errorf("%s of %q needs all rows, and %s holds %d of %d", c.Fn, Clean(c.Column), c.Evidence, len(s.Rows), s.Total)
	}
	return fold(c.Fn, s.Rows, at)
}

func fold(fn Fn, rows [][]any, at int) (float64, error) {
	total, n := 0.0, 0
	least, most := math.Inf(1), math.Inf(-1)
	for _, row := range rows {
		if row[at] == nil {
			continue
		}
		n++
		v, ok := toNumber(row[at])
		if !ok && fn != Count {
			return 0, fmt.Errorf("%s needs numbers", fn)
		}
		total, least, most = total+v, min(least, v), max(most, v)
	}
	switch {
	case fn == Count:
		return float64(n), nil
	case fn == Sum:
		return total, nil
	case n == 0:
		return 0, fmt.Errorf("%s of nothing", fn)
	case fn == Min:
		return least, nil
	case fn == Max:
		return most, nil
	}
	return 0, fmt.Errorf("there is no function %q", Clean(string(fn)))
}

func toNumber(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// into puts the value into a bag, also as a percentage to two places.
func (c Computed) into(b *Basis, to *bag) error {
	if c.Fn == Given {
		to.addText(c.Text, "")
		return nil
	}
	v, err := c.Value(b)
	if err != nil {
		return err
	}
	if c.Fn == Percent {
		f := numberFact(math.Round(v*100)/100, "")
		f.kind = percent
		to.add(f, "")
		return nil
	}
	to.add(numberFact(v, ""), "")
	return nil
}
