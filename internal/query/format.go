package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// String writes the text form; [ParseText] reads it back to an equal query.
func (q Query) String() string {
	var head []string
	if q.From == "devices" {
		head = append(head, "devices")
	}
	if len(q.Classes) > 0 {
		head = append(head, strings.Join(q.Classes, ", "))
	}
	if q.Where != nil {
		head = append(head, exprText(*q.Where, true))
	}
	if q.Sequence != nil {
		head = append(head, q.Sequence.text())
	}
	head = append(head, timeText(q.Time)...)
	parts := []string{strings.Join(head, " ")}
	if len(q.Select) > 0 {
		parts = append(parts, "select "+quoteAll(q.Select))
	}
	measures := measuresText(q.Measures)
	switch {
	case len(q.Group) > 0:
		parts = append(parts, strings.TrimSpace("by "+quoteAll(q.Group)+" "+measures))
	case q.Bucket == "" && measures != "":
		parts = append(parts, measures)
	}
	if q.Bucket != "" {
		m := measures
		if len(q.Group) > 0 {
			m = ""
		}
		parts = append(parts, strings.TrimSpace("every "+q.Bucket+" "+m))
	}
	if q.Compare != "" {
		parts = append(parts, "compare "+q.Compare)
	}
	if len(q.Having) > 0 {
		parts = append(parts, "having "+havingText(q.Having))
	}
	if len(q.Sort) > 0 {
		parts = append(parts, "sort "+sortText(q.Sort))
	}
	if q.Limit > 0 {
		parts = append(parts, "limit "+strconv.Itoa(q.Limit))
	}
	return strings.TrimSpace(strings.Join(parts, " | "))
}

func timeText(t TimeRange) []string {
	var out []string
	if t.Last != "" {
		out = append(out, "last "+t.Last)
	}
	if !t.From.IsZero() {
		out = append(out, "from "+t.From.UTC().Format(time.RFC3339Nano))
	}
	if !t.To.IsZero() {
		out = append(out, "to "+t.To.UTC().Format(time.RFC3339Nano))
	}
	return out
}

func exprText(e Expr, top bool) string {
	join := func(list []Expr, word string) string {
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = exprText(x, false)
		}
		s := strings.Join(parts, word)
		if top && word == " " {
			return s
		}
		return "(" + s + ")"
	}
	switch {
	case len(e.And) > 0 && top:
		return join(e.And, " ")
	case len(e.And) > 0:
		return join(e.And, " and ")
	case len(e.Or) > 0:
		return join(e.Or, " or ")
	case e.Not != nil:
		return "not " + exprText(*e.Not, false)
	case e.Op == Exists:
		return quote(e.Field) + " exists"
	case e.Op == CIDR:
		return quote(e.Field) + " in " + quote(fmt.Sprint(e.Value))
	case e.Op == In:
		vals, _ := e.Value.([]any)
		parts := make([]string, len(vals))
		for i, v := range vals {
			parts[i] = valueText(v)
		}
		return quote(e.Field) + " in (" + strings.Join(parts, ", ") + ")"
	}
	return quote(e.Field) + opText(e.Op) + valueText(e.Value)
}

func opText(op Op) string {
	for text, o := range opTokens {
		if o == op {
			return text
		}
	}
	return string(op)
}

func valueText(v any) string {
	switch x := v.(type) {
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case int64:
		return strconv.FormatInt(x, 10)
	case int:
		return strconv.Itoa(x)
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case string:
		if _, isText := literal(x).(string); !isText {
			return `"` + x + `"`
		}
		return quote(x)
	}
	return quote(fmt.Sprint(v))
}

func quoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
		if isFn(n) {
			out[i] = `"` + n + `"` // a field named like a measure
		}
	}
	return strings.Join(out, ", ")
}

func measuresText(ms []Measure) string {
	out := make([]string, len(ms))
	for i, m := range ms {
		s := string(m.Fn)
		if m.Field != "" {
			s += "(" + quote(m.Field) + ")"
		}
		if len(m.Of) > 0 {
			of := make([]string, len(m.Of))
			for j, name := range m.Of {
				of[j] = columnText(name)
			}
			s += "(" + strings.Join(of, ", ") + ")"
		}
		if m.As != "" {
			s += " as " + quote(m.As)
		}
		if m.Where != nil {
			w := exprText(*m.Where, false)
			if !strings.HasPrefix(w, "(") {
				w = "(" + w + ")"
			}
			s += " where " + w
		}
		out[i] = s
	}
	return strings.Join(out, ", ")
}

// columnText writes a column of the result so that it stays one name.
func columnText(name string) string {
	if fn, arg, ok := strings.Cut(name, "("); ok && isFn(fn) && strings.HasSuffix(arg, ")") {
		inner := strings.Split(strings.TrimSuffix(arg, ")"), ", ")
		if !slices.ContainsFunc(inner, func(s string) bool { return quote(s) != s }) {
			return name
		}
	}
	return quote(name)
}

func havingText(hs []Having) string {
	out := make([]string, len(hs))
	for i, h := range hs {
		out[i] = columnText(h.By) + opText(h.Op) + valueText(h.Value)
	}
	return strings.Join(out, ", ")
}

func sortText(ss []Sort) string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = columnText(s.By)
		if s.Desc {
			out[i] += " desc"
		}
	}
	return strings.Join(out, ", ")
}

// String writes the condition in the text form.
func (e Expr) String() string { return exprText(e, true) }
