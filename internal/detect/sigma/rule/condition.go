package rule

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// condition reads "a and not 1 of filter_*" over the selections of a document.
type condition struct {
	words []string
	at    int
	depth int
	named map[string]*Expr
	names []string // of the selections, in the order of the document
}

func parseCondition(text string, names []string, named map[string]*Expr) (*Expr, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("condition of more than %d bytes", maxCondition)
	}
	if strings.Contains(text, "|") {
		return nil, fmt.Errorf("condition %q: aggregations after | are no part of Sigma 2: write a correlation (event_count, value_count, ...)", clip(text))
	}
	spaced := strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	c := &condition{words: strings.Fields(spaced), names: names, named: named}
	e, err := c.or()
	if err == nil && c.at < len(c.words) {
		err = fmt.Errorf("%q is not expected", clip(c.words[c.at]))
	}
	if err != nil {
		return nil, fmt.Errorf("condition %q: %w", clip(text), err)
	}
	return e, nil
}

// take consumes the next word if it is w.
func (c *condition) take(w string) bool {
	if c.at < len(c.words) && strings.EqualFold(c.words[c.at], w) {
		c.at++
		return true
	}
	return false
}

func (c *condition) or() (*Expr, error) { return c.list(Or, "or", c.and) }

func (c *condition) and() (*Expr, error) { return c.list(And, "and", c.not) }

func (c *condition) list(op Op, word string, next func() (*Expr, error)) (*Expr, error) {
	var kids []*Expr
	for {
		e, err := next()
		if err != nil {
			return nil, err
		}
		kids = append(kids, e)
		if !c.take(word) {
			return join(op, kids), nil
		}
	}
}

func (c *condition) not() (*Expr, error) {
	if c.depth++; c.depth > 4*maxDepth {
		return nil, fmt.Errorf("nests too deep")
	}
	defer func() { c.depth-- }()
	switch {
	case c.take("not"):
		e, err := c.not()
		if err != nil {
			return nil, err
		}
		return &Expr{Op: Not, Kids: []*Expr{e}}, nil
	case c.take("("):
		e, err := c.or()
		if err != nil {
			return nil, err
		}
		if !c.take(")") {
			return nil, fmt.Errorf("a parenthesis is not closed")
		}
		return e, nil
	}
	return c.name()
}

// name reads "selection" or "1 of selection_*".
func (c *condition) name() (*Expr, error) {
	if c.at >= len(c.words) {
		return nil, fmt.Errorf("it ends where a selection is expected")
	}
	word := c.words[c.at]
	c.at++
	if c.at < len(c.words) && strings.EqualFold(c.words[c.at], "of") && c.at+1 < len(c.words) {
		c.at += 2
		return c.of(word, c.words[c.at-1])
	}
	e, ok := c.named[word]
	if !ok {
		return nil, fmt.Errorf("there is no selection %q", clip(word))
	}
	return e, nil
}

func (c *condition) of(quantity, pattern string) (*Expr, error) {
	var kids []*Expr
	for _, name := range c.names {
		them := strings.EqualFold(pattern, "them") && !strings.HasPrefix(name, "_")
		if matched, err := path.Match(pattern, name); them || err == nil && matched {
			kids = append(kids, c.named[name])
		}
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("no selection is named like %q", clip(pattern))
	}
	switch strings.ToLower(quantity) {
	case "all":
		return join(And, kids), nil
	case "1", "any":
		return join(Or, kids), nil
	}
	n, err := strconv.Atoi(quantity)
	if err != nil || n < 1 || n > len(kids) {
		return nil, fmt.Errorf("%q is no quantity of %d selections", clip(quantity), len(kids))
	}
	return &Expr{Op: AtLeast, N: n, Kids: slices.Clone(kids)}, nil
}
