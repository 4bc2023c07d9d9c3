package reading

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/query"
)

// takeComparisons reads "more than 5 ...", "over 1 MB", "at least ten", "5 or
// more" and decides what the number is compared with.
func (r *reader) takeComparisons() {
	for i, s := range r.spans {
		op := s.entry(kOp)
		if op == nil || s.used {
			continue
		}
		k := i + 1
		for k < len(r.spans) && r.spans[k].num == nil && r.spans[k].only(kStop, kIs, kFn, kEach) {
			k++
		}
		if k >= len(r.spans) || r.spans[k].num == nil || r.spans[k].used {
			continue
		}
		s.used = true
		not := r.negated(i)
		r.compare(i, k, query.Op(op.key), not)
	}
	for i, s := range r.spans {
		if post := s.entry(kPost); post != nil && !s.used && i > 0 && r.spans[i-1].num != nil && !r.spans[i-1].used {
			s.used = true
			r.compare(i-1, i-1, query.Op(post.key), false)
		}
	}
	r.takeRanges()
}

// takeRanges reads "between 1000 and 2000 bytes" for numbers.
func (r *reader) takeRanges() {
	for i := 0; i+3 < len(r.spans); i++ {
		s := r.spans
		if !strings.EqualFold(s[i].text, "between") || s[i+1].num == nil || !s[i+2].is(kLink) || s[i+3].num == nil || s[i+1].used {
			continue
		}
		if s[i+1].num.unit == "" && s[i+3].num.unit != "" {
			s[i+1].num.unit = s[i+3].num.unit
		}
		s[i].used, s[i+2].used = true, true
		r.compare(i, i+1, query.Ge, false)
		r.compare(i, i+3, query.Le, false)
	}
}

// compare attaches "op number" (comparison word at i, number at k) to a field
// before it, a unit, or the noun after it.
func (r *reader) compare(i, k int, op query.Op, not bool) {
	num := r.spans[k].num
	r.spans[k].used = true
	if field := r.numericField(i, k); field != "" && !r.countsSubject(k, num) {
		r.addCond(query.Expr{Field: field, Op: op, Value: num.n}, not, r.spans[k].text)
		return
	}
	switch num.unit {
	case "bytes":
		r.addCond(query.Expr{Field: r.byteField(), Op: op, Value: num.n}, not, r.spans[k].text)
		return
	case "s":
		r.addCond(query.Expr{Field: "duration", Op: op, Value: num.n}, not, r.spans[k].text)
		return
	}
	m := query.Measure{Fn: query.Count}
	for j := k + 1; j < len(r.spans) && j <= k+4; j++ {
		s := r.spans[j]
		if q := s.entry(kQuantity); q != nil && !s.is(kVerb) {
			m = query.Measure{Fn: query.Sum, Field: q.key}
			s.used = true
			break
		}
		if s.is(kSubject) {
			break
		}
		if e := s.entry(kEntity); e != nil && e.attrs["field"] != "" {
			m = query.Measure{Fn: query.Distinct, Field: r.fieldOf(e)}
			s.used = true
			break
		}
		if !s.only(kStop, kFn, kCond, kValue) && len(s.values) == 0 {
			break
		}
	}
	r.f.Having = append(r.f.Having, query.Having{By: "", Op: op, Value: num.n})
	r.f.Measures = append(r.f.Measures, m)
}

// takeSides decides which hosts are counted for each of something: of a source
// those that it talked to, of anything else those that it came from.
func (r *reader) takeSides() {
	side := "src_endpoint.ip"
	if len(r.f.Targets) > 0 && strings.TrimPrefix(r.f.Targets[0], groupMark) == side {
		side = "dst_endpoint.ip"
	}
	for i, m := range r.f.Measures {
		if strings.HasPrefix(m.Field, "[") {
			r.f.Measures[i].Field = side
		}
	}
}

// numericField finds the number field that a comparison is about: named just
// before it ("port above 1024"), or a quantity just after ("more than 1000
// bytes") when nothing is grouped.
func (r *reader) numericField(i, k int) string {
	fieldOf := func(s *span) string {
		if s == nil || s.used {
			return ""
		}
		if q := s.entry(kQuantity); q != nil {
			s.used = true
			return q.key
		}
		if e := s.entry(kEntity); e != nil {
			if f, ok := r.schema.Lookup(r.fieldOf(e)); ok && (f.Kind == event.Int || f.Kind == event.Float) {
				s.used = true
				return f.Name
			}
		}
		return ""
	}
	for j, n := i-1, 0; j >= 0 && n < 3; j, n = j-1, n+1 {
		if f := fieldOf(r.spans[j]); f != "" {
			return f
		}
		if !r.spans[j].only(kStop, kIs, kNeg, kFn, kVerb, kRole, kGroup) {
			break
		}
	}
	if k+1 < len(r.spans) && !r.grouped() {
		if q := r.spans[k+1].entry(kQuantity); q != nil {
			r.spans[k+1].used = true
			return q.key
		}
	}
	return ""
}

// grouped tells whether the question asks about hosts or the like, so that
// "more than 1000 bytes" is a sum and not a property of one record.
func (r *reader) grouped() bool {
	for _, s := range r.spans {
		if s.is(kEntity) && !s.used {
			return true
		}
	}
	return false
}

// byteField is what a bare "1 MB" is compared with: the direction that a verb
// or noun of the question gives, else both ways.
func (r *reader) byteField() string {
	for _, s := range r.spans {
		if q := s.entry(kQuantity); q != nil && q.attrs["unit"] == "bytes" {
			s.used = true
			return q.key
		}
	}
	return "traffic.bytes"
}

// countsSubject: in "ports with exactly 3 alerts" the number belongs to the
// noun after it.
func (r *reader) countsSubject(k int, num *number) bool {
	return num.unit == "" && k+1 < len(r.spans) && r.isSubject(r.spans[k+1])
}
