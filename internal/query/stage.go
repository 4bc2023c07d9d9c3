package query

import (
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// stage reads one part after a "|".
func (p *parser) stage() error {
	t := p.next()
	if t.kind != tokWord {
		return p.unexpected(t, "by, every, select, having, sort, top, rare, compare or limit")
	}
	switch strings.ToLower(t.text) {
	case "by":
		return p.by()
	case "every":
		return p.every()
	case "select":
		fields, err := p.fields()
		p.q.Select = fields
		return err
	case "having":
		return p.having()
	case "sort":
		return p.sort()
	case "top", "limit", "rare":
		p.top = p.top || strings.EqualFold(t.text, "top")
		p.rare = p.rare || strings.EqualFold(t.text, "rare")
		return p.limit()
	case "compare":
		return p.compare()
	}
	if isFn(t.text) {
		p.at--
		return p.measures()
	}
	return p.unexpected(t, "by, every, select, having, sort, top, rare, compare, limit or a measure")
}

func (p *parser) by() error {
	for {
		t := p.peek()
		if p.atMeasure() {
			break
		}
		if t.kind != tokWord && t.kind != tokString {
			return p.unexpected(t, "a field to group by")
		}
		p.at++
		p.q.Group = append(p.q.Group, t.text)
		if !p.acceptPunct(",") {
			break
		}
	}
	if p.stageEnds() {
		return nil
	}
	return p.measures()
}

func (p *parser) every() error {
	t := p.next()
	if t.kind != tokWord {
		return p.unexpected(t, "a span such as 1h")
	}
	if _, err := ParseDuration(t.text); err != nil {
		return err
	}
	p.q.Bucket = t.text
	if p.stageEnds() {
		return nil
	}
	return p.measures()
}

// compare reads "compare previous" or "compare 7d".
func (p *parser) compare() error {
	t := p.next()
	if t.kind != tokWord {
		return p.unexpected(t, "previous, or how much earlier, such as 7d")
	}
	p.q.Compare = strings.ToLower(t.text)
	return checkCompare(p.q.Compare)
}

func (p *parser) stageEnds() bool {
	t := p.peek()
	return t.kind == tokEnd || t.kind == tokPunct && t.text == "|"
}

// atMeasure tells a measure from a field of the same name ("count").
func (p *parser) atMeasure() bool {
	t := p.peek()
	if t.kind != tokWord || !isFn(t.text) {
		return false
	}
	if takesNoField(Fn(strings.ToLower(t.text))) {
		return true
	}
	after := p.toks[p.at+1]
	return after.kind == tokPunct && after.text == "("
}

func (p *parser) measures() error {
	for {
		if !p.atMeasure() {
			return p.unexpected(p.peek(), "a measure such as count or sum(bytes)")
		}
		m, err := p.measure()
		if err != nil {
			return err
		}
		p.q.Measures = append(p.q.Measures, m)
		if !p.acceptPunct(",") {
			return nil
		}
	}
}

// measure reads "fn(field) as name where condition".
func (p *parser) measure() (Measure, error) {
	m := Measure{Fn: Fn(strings.ToLower(p.next().text))}
	opened := p.acceptPunct("(")
	if opened && takesNoField(m.Fn) && p.acceptPunct(")") {
		opened = false
	}
	if _, derived := m.Fn.Derived(); derived {
		of, err := p.operands(opened)
		if err != nil {
			return m, err
		}
		m.Of, opened = of, false
	}
	if opened {
		name, err := p.name("a field name")
		if err != nil {
			return m, err
		}
		m.Field = name
		if !p.acceptPunct(")") {
			return m, p.unexpected(p.peek(), ")")
		}
	}
	if p.acceptWord("as") {
		name, err := p.name("a name for the column")
		if err != nil {
			return m, err
		}
		m.As = name
	}
	if p.acceptWord("where") {
		e, err := p.term()
		if err != nil {
			return m, err
		}
		m.Where = &e
	}
	return m, nil
}

// operands reads the columns that a measure is computed of, up to ")".
func (p *parser) operands(opened bool) ([]string, error) {
	if !opened {
		return nil, p.unexpected(p.peek(), "( and the measures that it is computed of")
	}
	var out []string
	for {
		col, err := p.column()
		if err != nil {
			return nil, err
		}
		out = append(out, col)
		if p.acceptPunct(")") {
			return out, nil
		}
		if !p.acceptPunct(",") {
			return nil, p.unexpected(p.peek(), ", or )")
		}
	}
}

// name reads a word or quoted text.
func (p *parser) name(what string) (string, error) {
	t := p.next()
	if t.kind != tokWord && t.kind != tokString {
		return "", p.unexpected(t, what)
	}
	return t.text, nil
}

func (p *parser) fields() ([]string, error) {
	var out []string
	for {
		t := p.next()
		if t.kind != tokWord && t.kind != tokString {
			return nil, p.unexpected(t, "a field name")
		}
		out = append(out, t.text)
		if !p.acceptPunct(",") {
			return out, nil
		}
	}
}

// column reads a column of the result: a field, or a measure such as
// sum(bytes).
func (p *parser) column() (string, error) {
	t := p.next()
	if t.kind != tokWord && t.kind != tokString {
		return "", p.unexpected(t, "a column of the result")
	}
	if t.kind == tokString || !p.acceptPunct("(") {
		return t.text, nil
	}
	args := []string{p.next().text}
	for p.acceptPunct(",") {
		args = append(args, p.next().text)
	}
	if !p.acceptPunct(")") {
		return "", p.unexpected(p.peek(), ")")
	}
	return strings.ToLower(t.text) + "(" + strings.Join(args, ", ") + ")", nil
}

func (p *parser) having() error {
	for {
		col, err := p.column()
		if err != nil {
			return err
		}
		op := p.next()
		if op.kind != tokOp {
			return p.unexpected(op, "a comparison")
		}
		v, err := p.value()
		if err != nil {
			return err
		}
		p.q.Having = append(p.q.Having, Having{By: col, Op: opTokens[op.text], Value: v})
		if !p.acceptPunct(",") && !p.acceptWord("and") {
			return nil
		}
	}
}

func (p *parser) sort() error {
	for {
		col, err := p.column()
		if err != nil {
			return err
		}
		desc := p.acceptWord("desc")
		if !desc {
			p.acceptWord("asc")
		}
		p.q.Sort = append(p.q.Sort, Sort{By: col, Desc: desc})
		if !p.acceptPunct(",") {
			return nil
		}
	}
}

func (p *parser) limit() error {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 1 || n > MaxLimit {
		return fault.New(fault.Invalid, "the limit must be a number from 1 to %d, not %q", MaxLimit, t.text)
	}
	p.q.Limit = n
	return nil
}
