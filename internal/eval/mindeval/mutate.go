package mindeval

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/guard/ground"
)

// mutation is a sentence with one wrong fact.
type mutation struct {
	kind, text, value string
}

// mutations makes wrong sentences of one: each fact is invented anew, and each
// is replaced by what another row of the evidence says in its place.
func (g *grounding) mutations(s copilot.Sentence, a *copilot.Answer) []mutation {
	var out []mutation
	facts := ground.Facts(s.Text)
	for _, f := range facts {
		if with := g.invented(f); with != "" && with != f.Text && !happensToBeTrue(f, with, s, a) {
			out = append(out, mutation{"invented " + f.Kind, put(s.Text, f, with), with})
		}
		if with := g.fromAnotherRow(f, s, a); with != "" {
			out = append(out, mutation{f.Kind + " of another row", put(s.Text, f, with), with})
		}
	}
	if m, ok := turned(s.Text, facts); ok {
		out = append(out, m)
	}
	return out
}

// happensToBeTrue: some row says just that.
func happensToBeTrue(f ground.Fact, with string, s copilot.Sentence, a *copilot.Answer) bool {
	for _, e := range a.Evidence {
		if len(s.Evidence) != 1 || e.ID != s.Evidence[0] {
			continue
		}
		mine, column := rowOf(f, s.Text, e)
		if mine < 0 {
			return false
		}
		for _, other := range e.Rows {
			if shown(other[column]) == with && trueOf(other, column, e.Rows[mine], s.Text) {
				return true
			}
		}
	}
	return false
}

// invented makes up a fact of the same kind.
func (g *grounding) invented(f ground.Fact) string {
	switch f.Kind {
	case "address":
		if at := strings.LastIndexByte(f.Text, '.'); at > 0 {
			return f.Text[:at+1] + strconv.Itoa((atoi(f.Text[at+1:])+1+g.rnd.IntN(250))%255)
		}
		return "2001:db8::" + strconv.FormatInt(g.rnd.Int64N(0xffff), 16)
	case "subnet":
		return fmt.Sprintf("10.%d.%d.0/24", g.rnd.IntN(250), g.rnd.IntN(250))
	case "mac":
		return f.Text[:len(f.Text)-1] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", f.Text[len(f.Text)-1]|0x20)+1+g.rnd.IntN(14))%16])
	case "hash":
		return string("0123456789abcdef"[g.rnd.IntN(16)]) + f.Text[1:]
	case "number", "percent":
		return g.number(f.Text)
	case "moment":
		t, err := time.Parse("2006-01-02 15:04:05 UTC", f.Text)
		if err != nil {
			return ""
		}
		return t.Add([]time.Duration{time.Second, -time.Minute, time.Hour, 24 * time.Hour, -365 * 24 * time.Hour}[g.rnd.IntN(5)]).Format("2006-01-02 15:04:05 UTC")
	case "id":
		last := len(f.Text) - 1
		return f.Text[:last] + strconv.Itoa((int(f.Text[last]-'0')+1+g.rnd.IntN(8))%10)
	case "name", "word":
		return []string{"plc-17", "hmi-03.plant.example", "mallory", "svc_backup", "cam-lobby", "printer.corp.example", "dvr09", "jsmith"}[g.rnd.IntN(8)]
	}
	return ""
}

// number is another number: one more or less, ten times as much, its digits
// swapped, or anything. What belongs to it, a unit or a percent sign, stays.
func (g *grounding) number(text string) string {
	digits := strings.TrimRight(text, " %abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	rest := text[len(digits):]
	n, err := strconv.ParseFloat(strings.ReplaceAll(digits, ",", ""), 64)
	if err != nil {
		return ""
	}
	switch g.rnd.IntN(4) {
	case 0:
		n++
	case 1:
		n = n*10 + 3
	case 2:
		n += float64(2 + g.rnd.IntN(97))
	default:
		n = float64(g.rnd.IntN(100_000))
	}
	return strconv.FormatFloat(n, 'f', -1, 64) + rest
}

// fromAnotherRow is what another row has in the column that a fact came from,
// unless the sentence would be true of that row too.
func (g *grounding) fromAnotherRow(f ground.Fact, s copilot.Sentence, a *copilot.Answer) string {
	for _, e := range a.Evidence {
		if len(s.Evidence) != 1 || e.ID != s.Evidence[0] || len(e.Rows) < 2 {
			continue
		}
		mine, column := rowOf(f, s.Text, e)
		if mine < 0 {
			return ""
		}
		for range 5 {
			other := e.Rows[g.rnd.IntN(len(e.Rows))]
			with := shown(other[column])
			if with == "" || strings.EqualFold(with, f.Text) || trueOf(other, column, e.Rows[mine], s.Text) {
				continue
			}
			return with
		}
	}
	return ""
}

// rowOf finds the row and column that a fact of a sentence came from: the row
// that has most of its cells in the sentence.
func rowOf(f ground.Fact, text string, e copilot.Evidence) (row, column int) {
	row, best := -1, 0
	for i, r := range e.Rows {
		hits, at := 0, -1
		for c, v := range r {
			if x := shown(v); x != "" && strings.Contains(text, x) {
				hits++
				if x == f.Text {
					at = c
				}
			}
		}
		if at >= 0 && hits > best {
			row, column, best = i, at, hits
		}
	}
	return row, column
}

// trueOf: the other row says of the rest of the sentence what this one says.
func trueOf(other []any, column int, mine []any, text string) bool {
	for c := range mine {
		if x := shown(mine[c]); c != column && x != "" && strings.Contains(text, x) && shown(other[c]) != x {
			return false
		}
	}
	return true
}

func shown(v any) string {
	switch x := v.(type) {
	case string:
		return ground.Clean(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case time.Time:
		return x.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return ""
}

// turned swaps the two ends of an arrow.
func turned(text string, facts []ground.Fact) (mutation, bool) {
	for i := 1; i < len(facts); i++ {
		l, r := facts[i-1], facts[i]
		if l.Kind == "address" && r.Kind == "address" && l.Text != r.Text && strings.TrimSpace(text[l.End:r.From]) == "→" {
			return mutation{"direction turned round", text[:l.From] + r.Text + text[l.End:r.From] + l.Text + text[r.End:], ""}, true
		}
	}
	return mutation{}, false
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // not a number: 0
	return n
}
