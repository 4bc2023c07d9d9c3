package reading

import (
	"context"
	"regexp"
	"time"

	"vedette/internal/query"
)

// forEachForm cuts "for the 3 sources with the most logins: how many different
// users did each try" into whom it is about and what is asked of each.
var forEachForm = regexp.MustCompile(`(?i)^\W*(?:considering only |for (?:each of |each |every |only )?(?:the |those )?)(.+?)\s*[,:]\s*((?:how many|what|which share)\b.*)$`)

// eachOfThem are those of the first half, as the second half calls them.
var eachOfThem = regexp.MustCompile(`(?i)\beach(?: of (?:them|these|those)| one)?\b`)

// forEach reads such a question: the groups, in the order and with the
// condition of the first half, and beside their count the measure of the second.
func (rd *Reader) forEach(ctx context.Context, question string, now time.Time, w World) (*Reading, bool, error) {
	m := forEachForm.FindStringSubmatch(question)
	if m == nil {
		return nil, false, nil
	}
	whom, err := rd.part(ctx, "which "+m[1], now, w)
	if err != nil {
		return nil, false, err
	}
	if len(whom.f.Targets) != 1 || whom.f.Shape != TableShape || len(whom.f.Having) == 0 && !whom.f.Ordered || whom.f.Measure.Fn != query.Count || whom.f.Bucket != "" || whom.f.Earlier != nil {
		return nil, false, nil
	}
	what, err := rd.part(ctx, eachOfThem.ReplaceAllString(m[2], "it"), now, w)
	if err != nil {
		return nil, false, err
	}
	share := what.f.Shape == ShareShape
	if share && len(what.f.Conds) == 0 || !share && (what.f.Measure.Fn != query.Distinct || len(what.f.Conds) > 0) || len(what.f.Having) > 0 || len(what.f.Times) > 0 {
		return nil, false, nil
	}
	first, second := whom.finish(), what.finish()
	if first.Status != Understood || second.Status == NotUnderstood || len(second.Unknown) > 0 {
		return nil, false, nil
	}
	if whom.f.Ordered && whom.f.Limit == 0 {
		whom.f.Plural = true
	}
	q := whom.tableSteps()[0].Query
	words := "number of different " + what.f.Measure.Field
	if share {
		q.Measures = append(q.Measures, query.Measure{Fn: query.Count, Where: what.f.where(), As: "part"}, query.Measure{Fn: query.Ratio, Of: []string{"part", query.Measure{Fn: query.Count}.Name()}, As: "share"})
		words = "the share where " + what.f.where().String()
	} else {
		q.Measures = append(q.Measures, query.Measure{Fn: query.Distinct, Field: what.f.Measure.Field})
	}
	out := first
	out.Question, out.Nouns = question, rd.nouns
	out.Missing = append(out.Missing, second.Missing...)
	out.Steps = []Step{{Tool: "query", Query: q}}
	whom.leaveOwnOut(out)
	out.ReadAs += ", and for each " + words
	return out, true, nil
}
