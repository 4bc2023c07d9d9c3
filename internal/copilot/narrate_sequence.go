package copilot

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/query"
)

// sequences words events that follow each other: how many, and of the newest
// when each step was.
func (n *narrator) sequences() []Sentence {
	e, seq := n.ev[0], n.r.Steps[0].Query.Sequence
	if len(e.Rows) == 0 {
		return append([]Sentence{say(e.ID, "no such sequence is stored: none %s", sequenceForm(seq))}, n.sequenceParts()...)
	}
	out := []Sentence{say(e.ID, "%s %s", cell(e.Total), counted(e.Total, "sequences")+" "+sequenceForm(seq))}
	keys := len(seq.By)
	at := func(row []any, step int) any {
		if i := slices.Index(e.Columns, query.StepTime(step)); i >= 0 {
			return row[i]
		}
		return nil
	}
	for _, row := range e.Rows[:min(maxListed, len(e.Rows))] {
		var text strings.Builder
		text.WriteString(keyWords(e.Columns[:keys], row) + ": ")
		if number(row[keys]) > 1 {
			text.WriteString(cell(row[keys]) + " times from " + cell(at(row, 1)))
		} else {
			text.WriteString("at " + cell(at(row, 1)))
		}
		for step := 2; step <= len(seq.Steps); step++ {
			if t := at(row, step); t != nil {
				text.WriteString(", then at " + cell(t))
			}
		}
		out = append(out, say(e.ID, "%s", text.String()))
	}
	return append(out, n.sequenceParts()...)
}

// sequenceParts says how often each step happened by itself, and how many of
// them could not be placed in time.
func (n *narrator) sequenceParts() []Sentence {
	var out []Sentence
	for i, word := range []string{"first", "second"} {
		if i+1 >= len(n.ev) || len(n.ev[i+1].Rows) == 0 {
			continue
		}
		e := n.ev[i+1]
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

// percentages are the numbers of a row that were computed for its sentence.
func percentages(measures []query.Measure, vals []any) []string {
	var out []string
	for i, v := range vals {
		if v != nil && i < len(measures) && percents(measures[i].Fn) {
			out = append(out, strings.TrimPrefix(percent(v), "-"))
		}
	}
	return out
}
