package query

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// ParseText reads the text form of a query:
//
//	network_activity type="industrial sensor" bytes_out>=1000 last 24h | by device.name, dst count, sum(bytes_out) | top 20
//
// The first part holds classes (any of), comparisons (all of; "or", "not" and
// parentheses as usual) and the time: "last 24h", "from T", "to T" with RFC
// 3339 times or dates. The first word "devices" asks the device table. The
// comparisons are = != < <= > >=, ~ (contains), ^= (starts with), $= (ends
// with), "in (a, b)", "in 10.0.0.0/8" and "exists".
//
// Stages follow after "|": "by FIELDS MEASURES", "every 1h MEASURES",
// "having count>5", "sort X desc, Y", "top N" (by the first measure, largest
// first), "rare N" (smallest first), "limit N", "select FIELDS", "compare
// previous" (beside the period before), "compare 7d". A measure is count,
// first, last or fn(field), optionally "as NAME" and "where (CONDITION)"; or
// it is computed of others: ratio(failed, count).
//
// "sequence by FIELDS within 5m (CONDITIONS) then (CONDITIONS)" stands alone
// with a time and a limit: see [Sequence].
//
// Names may be aliases; [Catalogue.Validate] resolves them. Text that starts
// with "{" is read as the JSON form.
func ParseText(text string) (Query, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return ParseJSON([]byte(text))
	}
	toks, err := lex(text)
	if err != nil {
		return Query{}, err
	}
	p := &parser{toks: toks}
	if err := p.filter(); err != nil {
		return Query{}, err
	}
	for p.acceptPunct("|") {
		if err := p.stage(); err != nil {
			return Query{}, err
		}
	}
	if t := p.peek(); t.kind != tokEnd {
		return Query{}, p.unexpected(t, "a comparison, a time or |")
	}
	if (p.top || p.rare) && len(p.q.Measures) > 0 {
		p.q.Sort = append([]Sort{{By: p.q.Measures[0].Name(), Desc: p.top}}, p.q.Sort...)
	}
	return p.q, nil
}

type parser struct {
	toks  []token
	at    int
	depth int
	top   bool
	rare  bool
	q     Query
}

const maxDepth = 32

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *parser) acceptPunct(s string) bool {
	if t := p.peek(); t.kind == tokPunct && t.text == s {
		p.at++
		return true
	}
	return false
}

func (p *parser) acceptWord(w string) bool {
	if t := p.peek(); t.kind == tokWord && strings.EqualFold(t.text, w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) unexpected(t token, want string) error {
	if t.kind == tokEnd {
		return fault.New(fault.Invalid, "the query ends where %s was expected", want)
	}
	return fault.New(fault.Invalid, "column %d: %q where %s was expected", t.pos+1, t.text, want)
}

// filter reads the part before the first "|".
func (p *parser) filter() error {
	if p.acceptWord("devices") {
		p.q.From = "devices"
	}
	var conds []Expr
	for {
		t := p.peek()
		switch {
		case t.kind == tokEnd, t.kind == tokPunct && t.text == "|":
			p.q.Where = all(conds)
			return nil
		case t.kind == tokPunct && t.text == ",":
			p.at++
		case p.isClass(t):
			p.at++
			p.q.Classes = append(p.q.Classes, strings.ToLower(t.text))
		case p.isTime(t):
			if err := p.timeClause(); err != nil {
				return err
			}
		case p.isSequence(t):
			if err := p.sequence(); err != nil {
				return err
			}
		default:
			e, err := p.or()
			if err != nil {
				return err
			}
			conds = append(conds, e)
		}
	}
}

func all(conds []Expr) *Expr {
	switch len(conds) {
	case 0:
		return nil
	case 1:
		return &conds[0]
	}
	return &Expr{And: conds}
}

func (p *parser) isClass(t token) bool {
	if t.kind != tokWord || p.toks[p.at+1].kind == tokOp {
		return false
	}
	_, ok := event.ClassByName(t.text)
	return ok
}

func (p *parser) isTime(t token) bool {
	if t.kind != tokWord || p.toks[p.at+1].kind != tokWord {
		return false
	}
	switch strings.ToLower(t.text) {
	case "last":
		return true
	case "from", "to":
		_, err := parseTime(p.toks[p.at+1].text)
		return err == nil
	}
	return false
}

func (p *parser) timeClause() error {
	word, val := p.next(), p.next()
	if strings.EqualFold(word.text, "last") {
		if _, err := ParseDuration(val.text); err != nil {
			return err
		}
		p.q.Time.Last = val.text
		return nil
	}
	t, err := parseTime(val.text)
	if err != nil {
		return err
	}
	if strings.EqualFold(word.text, "from") {
		p.q.Time.From = t
	} else {
		p.q.Time.To = t
	}
	return nil
}

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "%q is no time", s).WithHint("write it like 2025-12-10T06:55:46Z or 2025-12-10")
}

// or reads "a or b"; and reads "a and b" where the word "and" stands; terms
// that merely follow each other are joined by filter or by parentheses.
func (p *parser) or() (Expr, error) {
	first, err := p.and()
	if err != nil {
		return Expr{}, err
	}
	alts := []Expr{first}
	for p.acceptWord("or") {
		e, err := p.and()
		if err != nil {
			return Expr{}, err
		}
		alts = append(alts, e)
	}
	if len(alts) == 1 {
		return first, nil
	}
	return Expr{Or: alts}, nil
}

func (p *parser) and() (Expr, error) {
	first, err := p.term()
	if err != nil {
		return Expr{}, err
	}
	terms := []Expr{first}
	for p.acceptWord("and") {
		e, err := p.term()
		if err != nil {
			return Expr{}, err
		}
		terms = append(terms, e)
	}
	if len(terms) == 1 {
		return first, nil
	}
	return Expr{And: terms}, nil
}

func (p *parser) term() (Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return Expr{}, fault.New(fault.Invalid, "the condition is nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.acceptWord("not") {
		e, err := p.term()
		return Expr{Not: &e}, err
	}
	if p.acceptPunct("(") {
		return p.group()
	}
	return p.comparison()
}

// group reads conditions up to the closing parenthesis; several in a row are
// all demanded.
func (p *parser) group() (Expr, error) {
	var conds []Expr
	for !p.acceptPunct(")") {
		e, err := p.or()
		if err != nil {
			return Expr{}, err
		}
		conds = append(conds, e)
	}
	if len(conds) == 0 {
		return Expr{}, fault.New(fault.Invalid, "empty parentheses in the condition")
	}
	return *all(conds), nil
}

var opTokens = map[string]Op{"=": Eq, "!=": Ne, "<": Lt, "<=": Le, ">": Gt, ">=": Ge, "~": Contains, "^=": StartsWith, "$=": EndsWith}

func (p *parser) comparison() (Expr, error) {
	name := p.next()
	if name.kind != tokWord && name.kind != tokString {
		return Expr{}, p.unexpected(name, "a field name")
	}
	if p.acceptWord("exists") {
		return Expr{Field: name.text, Op: Exists}, nil
	}
	if p.acceptWord("in") {
		return p.inList(name.text)
	}
	op := p.next()
	if op.kind != tokOp {
		return Expr{}, p.unexpected(op, "a comparison after "+strconv.Quote(name.text))
	}
	v, err := p.value()
	if err != nil {
		return Expr{}, err
	}
	return Expr{Field: name.text, Op: opTokens[op.text], Value: v}, nil
}

func (p *parser) inList(field string) (Expr, error) {
	if !p.acceptPunct("(") {
		v := p.next()
		if v.kind != tokWord && v.kind != tokString {
			return Expr{}, p.unexpected(v, "a subnet or a list in parentheses")
		}
		return Expr{Field: field, Op: CIDR, Value: v.text}, nil
	}
	var vals []any
	for {
		v, err := p.value()
		if err != nil {
			return Expr{}, err
		}
		vals = append(vals, v)
		if p.acceptPunct(")") {
			return Expr{Field: field, Op: In, Value: vals}, nil
		}
		if !p.acceptPunct(",") {
			return Expr{}, p.unexpected(p.peek(), ", or )")
		}
	}
}

// value reads a literal: a quoted string, a number, true, false, or a bare
// word as a string.
func (p *parser) value() (any, error) {
	t := p.next()
	switch t.kind {
	case tokString:
		return t.text, nil
	case tokWord:
		return literal(t.text), nil
	case tokEnd, tokOp, tokPunct:
	}
	return nil, p.unexpected(t, "a value")
}

func literal(s string) any {
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && isPlainNumber(s) {
		return n
	}
	return s
}

// isPlainNumber leaves out what ParseFloat takes for numbers and people do
// not: inf, nan, hex and underscores.
func isPlainNumber(s string) bool {
	return strings.Trim(s, "+-0123456789.eE") == "" && strings.ContainsAny(s, "0123456789")
}
