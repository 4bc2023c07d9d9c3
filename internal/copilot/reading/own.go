package reading

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/query"
)

// What Vedette finds is stored beside what it took in. A question about events
// means those that came in; a question about alerts means those of the tools
// that wrote them, if there are any; a question about findings means all.

// findingWords are those that mean what Vedette found too.
var findingWords = []string{"finding", "detection", "detected", "anomal", "vedette", "hunt"}

// ownFindings is how many findings of ours are stored.
func (v *values) ownFindings() int64 {
	var n int64
	for name, count := range v.fields["metadata.log_name"] {
		if strings.HasPrefix(name, event.FindingProduct+"/") {
			n += count
		}
	}
	return n
}

// alerts is how many findings and alerts there are, ours included.
func (v *values) alerts() int64 {
	var n int64
	for _, count := range v.fields["finding_info.title"] {
		n += count
	}
	return n
}

// leaveOwnOut keeps what Vedette found out of the steps that do not ask for it.
func (r *reader) leaveOwnOut(out *Reading) {
	own := r.vals.ownFindings()
	if own == 0 {
		return
	}
	aboutAlerts := false
	for i := range out.Steps {
		q := &out.Steps[i].Query
		if q.From == "devices" || q.Sequence != nil {
			continue
		}
		switch {
		case len(q.Classes) == 0 && !r.onlyRecords(q.Where):
			q.Where = and(q.Where, notOurs())
		case len(q.Classes) == 1 && q.Classes[0] == event.DetectionFinding.String() && r.vals.alerts() > own && !r.asksFindings() && !mentions(q.Where, "metadata.product"):
			q.Where = and(q.Where, notOurs())
			aboutAlerts = true
		}
	}
	if aboutAlerts {
		r.note("alerts are those of your other tools; for what Vedette found as well, ask for findings")
		out.Notes = r.notes
	}
}

func notOurs() query.Expr {
	return query.Expr{Not: &query.Expr{Field: "metadata.product", Op: query.Eq, Value: event.FindingProduct}}
}

// asksFindings tells a question that speaks of what Vedette found.
func (r *reader) asksFindings() bool {
	q := strings.ToLower(r.question)
	for _, w := range findingWords {
		if strings.Contains(q, w) {
			return true
		}
	}
	return false
}

// findingFields are those that a finding has of the fields that questions are
// about; conditions on any other leave findings out by themselves.
var findingFields = map[string]bool{
	"device.uid": true, "src_endpoint.uid": true, "src_endpoint.ip": true, "src_endpoint.port": true,
	"dst_endpoint.uid": true, "dst_endpoint.ip": true, "dst_endpoint.port": true, "severity_id": true, "count": true, "message": true, "raw": true,
}

// onlyRecords tells a condition that no finding of ours can meet: one of its
// parts demands a field that findings do not have. Fields of the device table
// are met by the findings of the device.
func (r *reader) onlyRecords(w *query.Expr) bool {
	if w == nil {
		return false
	}
	for i := range w.And {
		if r.onlyRecords(&w.And[i]) {
			return true
		}
	}
	if len(w.Or) > 0 {
		for i := range w.Or {
			if !r.onlyRecords(&w.Or[i]) {
				return false
			}
		}
		return true
	}
	if w.Field == "" || findingFields[w.Field] || strings.HasPrefix(w.Field, "metadata.") || strings.HasPrefix(w.Field, "finding_info.") || strings.HasPrefix(w.Field, "label.") {
		return false
	}
	f, known := r.schema.Lookup(w.Field)
	return !known || f.Store != event.FromDevice
}

// mentions tells whether a condition names a field.
func mentions(w *query.Expr, field string) bool {
	if w == nil {
		return false
	}
	for _, list := range [][]query.Expr{w.And, w.Or} {
		for i := range list {
			if mentions(&list[i], field) {
				return true
			}
		}
	}
	return w.Field == field || mentions(w.Not, field)
}
