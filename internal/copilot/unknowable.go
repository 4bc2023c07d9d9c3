package copilot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/query"
)

// unknowable tells why the stored data cannot answer the question at all: what
// is asked for stands in no stored record, or the records carry no time. It is
// empty when the answer is in the evidence, also when that answer is "none".
func (c *Copilot) unknowable(ctx context.Context, r *reading.Reading, now time.Time, ans *Answer) (string, error) {
	e := ans.Evidence[0]
	q := r.Steps[0].Query
	if (r.Shape == reading.WhenShape || q.Bucket != "") && withoutTime(e) {
		return "the matching records carry no usable time, so it cannot be told when that was", nil
	}
	if r.Steps[0].Tool != "query" || !empty(e) {
		return "", nil
	}
	for _, m := range r.Missing {
		if m.Field == "device.type" && r.Shape != reading.DevicesShape {
			return fmt.Sprintf("no device is known to be a %s, so this cannot be answered; say which are with: vedette devices set DEVICE type=%q", clean(m.Value), clean(m.Value)), nil
		}
	}
	for _, field := range asked(q) {
		noun := r.Nouns[field]
		if q.From == "devices" {
			return fmt.Sprintf("no device that matches has a known %s", field), nil
		}
		if noun == "" {
			noun = clean(field)
		}
		any := query.Query{Where: &query.Expr{Field: field, Op: query.Exists}, Measures: []query.Measure{{Fn: query.Count}}}
		t, err := c.tools.QueryLoose(ctx, any, now)
		if err != nil {
			return "", err
		}
		if len(t.Rows) == 0 || isZero(t.Rows[0][0]) {
			return fmt.Sprintf("nothing stored has any %s, so this cannot be answered from the data", noun), nil
		}
	}
	return "", nil
}

// asked lists the fields that the answer was to consist of.
func asked(q query.Query) []string {
	out := append([]string(nil), q.Group...)
	for _, m := range q.Measures {
		if m.Field != "" {
			out = append(out, m.Field)
		}
	}
	return out
}

func empty(e Evidence) bool {
	return len(e.Rows) == 0 || len(e.Rows) == 1 && len(e.Rows[0]) == 1 && isZero(e.Rows[0][0])
}

// withoutTime tells that the only times found are the start of 1970, which
// is what a masked or missing time is stored as.
func withoutTime(e Evidence) bool {
	found := false
	for _, row := range e.Rows {
		for i, v := range row {
			t, ok := v.(time.Time)
			if !ok || !strings.Contains("first last time", e.Columns[i]) {
				continue
			}
			if t.Unix() != 0 {
				return false
			}
			found = true
		}
	}
	return found
}
