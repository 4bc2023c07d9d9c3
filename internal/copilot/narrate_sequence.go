package copilot

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/copilot/reading"
	"vedette/internal/query"
)

// sequences words events that follow each other: how many, and of the newest
// when each step was.
func (n *narrator) sequences() []Sentence {
	at := slices.IndexFunc(n.r.Steps, func(s reading.Step) bool { return s.Query.Sequence != nil && len(s.Query.Measures) == 0 })
	e, seq := n.ev[at], n.r.Steps[at].Query.Sequence
	if len(e.Rows) == 0 {
		none := say(e.ID, "no such sequence is stored: none %s", sequenceForm(seq))
		none.computed = given(seq.Within)
		return append([]Sentence{none}, n.sequenceParts(at+1)...)
	}
	all := say(e.ID, "%s %s", cell(e.Total), counted(e.Total, "sequences")+" "+sequenceForm(seq))
	all.computed = given(seq.Within)
	out := []Sentence{all}
	if each := n.ev[0]; at > 0 && len(n.r.Steps[0].Query.Group) > 0 {
		for _, row := range each.Rows[:min(maxListed, len(each.Rows))] {
			out = append(out, say(each.ID, "%s: %s", keyWords(each.Columns[:len(seq.By)], row), cell(row[len(seq.By)])))
		}
		return append(out, n.sequenceParts(at+1)...)
	}
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		out = append(out, say(e.ID, "%s", sequenceRow(e, seq, row)))
	}
	return append(out, n.sequenceParts(at+1)...)
}

// sequenceRow words one sequence.
func sequenceRow(e Evidence, seq *query.Sequence, row []any) string {
	keys := len(seq.By)
	at := func(step int) any {
		if i := slices.Index(e.Columns, query.StepTime(step)); i >= 0 {
			return row[i]
		}
		return nil
	}
	var text strings.Builder
	text.WriteString(keyWords(e.Columns[:keys], row) + ": ")
	if number(row[keys]) > 1 {
		text.WriteString(cell(row[keys]) + " times up to " + cell(at(1)))
	} else {
		text.WriteString("at " + cell(at(1)))
	}
	for step := 2; step <= len(seq.Steps); step++ {
		if t := at(step); t != nil {
			text.WriteString(", then at " + cell(t))
		}
	}
	return text.String()
}

// sequenceParts says how often each step happened by itself, and how many of
// them could not be placed in time.
func (n *narrator) sequenceParts(from int) []Sentence {
	var out []Sentence
	for i, word := range []string{"first", "second"} {
		if from+i >= len(n.ev) || len(n.ev[from+i].Rows) == 0 {
			continue
		}
		e := n.ev[from+i]
		text := "the " + word + " by itself happened " + cell(e.Rows[0][0]) + " times"
		if !isZero(e.Rows[0][1]) {
			text += ", and " + cell(e.Rows[0][1]) + " more are left out as their clocks are in doubt"
		}
		out = append(out, say(e.ID, "%s", text))
	}
	return out
}

// sequenceForm says what was to follow within which span.
func sequenceForm(seq *query.Sequence) string {
	if last := seq.Steps[len(seq.Steps)-1]; last.Not {
		return "where the second did not follow within " + seq.Within
	}
	return "where the second followed within " + seq.Within
}

// percents tells the measures of measures that read best in percent.
func percents(fn query.Fn) bool {
	return fn == query.Ratio || fn == query.Share || fn == query.Change
}

// percent is a part of a whole in percent, to two places.
func percent(v any) string {
	return strconv.FormatFloat(math.Round(number(v)*10000)/100, 'f', -1, 64)
}
