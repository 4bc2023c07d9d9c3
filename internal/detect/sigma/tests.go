package sigma

import (
	"fmt"
	"net/netip"
	"regexp"

	"vedette/internal/detect/sigma/pattern"

	"vedette/internal/detect/sigma/rule"
)

// putTest compiles one test into a node: an atom, or a few of them where some
// are cheap and must hold before a costly one is asked.
func (c *compiler) putTest(at int32, t *rule.Test) {
	a := atom{field: c.res.field(c.opts.Mapping, c.source, t.Field), other: -1, index: -1, name: t.Field}
	switch t.Op {
	case rule.Matches:
		c.putText(at, t, a)
		return
	case rule.Regex:
		a.kind, a.lit = isRegex, t.Pattern
		needs := pattern.Needed(t.Pattern)
		leaf := c.intern(a, func() *atomMore { return &atomMore{re: regexp.MustCompile(t.Pattern)} })
		c.guarded(at, leaf, [][]string{needs}, a)
		return
	case rule.InCIDR:
		a.kind, a.lit = isCIDR, t.CIDR
		c.leaf(at, c.intern(a, func() *atomMore { return &atomMore{cidr: netip.MustParsePrefix(t.CIDR)} }))
	case rule.Compare:
		a.kind, a.relation, a.lit = isNumber, t.Relation, fmt.Sprint(t.Part, " ", t.Relation, " ", t.Number)
		if t.Part != "" {
			a.kind = isTimePart
		}
		c.leaf(at, c.intern(a, func() *atomMore { return &atomMore{number: t.Number, part: t.Part} }))
	case rule.Exists, rule.Null:
		a.kind = isExists
		if t.Op == rule.Null || !t.Yes {
			a.kind = isNull
		}
		c.leaf(at, c.intern(a, nil))
	case rule.SameAs:
		a.kind, a.other = isSame, c.res.field(c.opts.Mapping, c.source, t.Ref)
		a.start, a.end, a.inside, a.lit = t.Start, t.End, t.Inside, fmt.Sprint(t.Start, t.End, t.Inside)
		c.leaf(at, c.intern(a, nil))
	}
}

func (c *compiler) leaf(at, atom int32) { c.set.nodes[at] = node{op: rule.Leaf, first: atom} }

// putText compiles a text pattern. One with placeholders becomes one test for
// each of their values.
func (c *compiler) putText(at int32, t *rule.Test, a atom) {
	texts := []rule.Text{t.Text}
	if t.Text.HasPlaceholder() {
		texts, _ = t.Text.Fill(c.opts.Expand) // none: an empty Or never holds
	}
	if t.Bool && len(t.Text) == 1 { // Zeek writes T and F
		texts = append(texts, rule.Text{{Kind: rule.Literal, Lit: t.Text[0].Lit[:1]}})
	}
	if len(texts) == 1 {
		c.putPattern(at, texts[0], t.Cased, a)
		return
	}
	first := c.reserve(len(texts))
	c.set.nodes[at] = node{op: rule.Or, first: first, end: first + int32(len(texts))} //nolint:gosec // G115: a number of values
	for i, text := range texts {
		c.putPattern(first+int32(i), text, t.Cased, a)
	}
}

func (c *compiler) putPattern(at int32, t rule.Text, cased bool, a atom) {
	parts := pattern.FoldParts(t)
	if !cased {
		if kind, lit, ok := simple(parts); ok {
			c.leaf(at, c.literal(a, kind, lit))
			return
		}
	}
	a.kind, a.lit = isGlob, t.String()
	if cased {
		a.kind = isCased
	}
	leaf := c.intern(a, func() *atomMore {
		if cased {
			return &atomMore{glob: t}
		}
		return &atomMore{glob: parts}
	})
	var needs [][]string
	for _, p := range parts {
		if p.Kind == rule.Literal && len(p.Lit) >= pattern.MinLiteral {
			needs = append(needs, []string{p.Lit})
		}
	}
	c.guarded(at, leaf, needs, a)
}

// simple tells patterns that are a literal at the start, at the end, in the
// middle, or all of it.
func simple(parts []rule.Part) (atomKind, string, bool) {
	star := func(i int) bool { return parts[i].Kind == rule.Star }
	lit := func(i int) bool { return parts[i].Kind == rule.Literal }
	switch n := len(parts); {
	case n == 1 && lit(0):
		return isExact, parts[0].Lit, true
	case n == 1 && star(0):
		return isExists, "", true
	case n == 2 && lit(0) && star(1):
		return isPrefix, parts[0].Lit, true
	case n == 2 && star(0) && lit(1):
		return isSuffix, parts[1].Lit, true
	case n == 3 && star(0) && lit(1) && star(2):
		return isInside, parts[1].Lit, true
	}
	return 0, "", false
}

// literal makes an atom that the index finds, if it is long enough.
func (c *compiler) literal(a atom, kind atomKind, lit string) int32 {
	a.kind, a.lit = kind, lit
	if kind == isPrefix || kind == isSuffix || kind == isInside {
		if len(lit) < pattern.MinLiteral {
			a.kind, a.start, a.end = isShort, kind == isPrefix, kind == isSuffix
		}
	}
	return c.intern(a, nil)
}

// guarded puts a costly test behind literals: of each list one must be in the
// value, or the test cannot hold.
func (c *compiler) guarded(at, leaf int32, needs [][]string, a atom) {
	a.other, a.start, a.end, a.more = -1, false, false, nil
	var guards [][]int32
	for _, any := range needs {
		var atoms []int32
		for _, lit := range any {
			atoms = append(atoms, c.literal(a, isInside, lit))
		}
		if len(atoms) > 0 {
			guards = append(guards, atoms)
		}
	}
	if len(guards) == 0 {
		c.leaf(at, leaf)
		return
	}
	first := c.reserve(len(guards) + 1)
	end := first + int32(len(guards)) + 1 //nolint:gosec // G115: a number of pieces
	c.set.nodes[at] = node{op: rule.And, first: first, end: end}
	for i, atoms := range guards {
		kid := first + int32(i)
		if len(atoms) == 1 {
			c.leaf(kid, atoms[0])
			continue
		}
		from := c.reserve(len(atoms))
		c.set.nodes[kid] = node{op: rule.Or, first: from, end: from + int32(len(atoms))} //nolint:gosec // G115: at most maxLiterals
		for j, atom := range atoms {
			c.leaf(from+int32(j), atom)
		}
	}
	c.leaf(end-1, leaf)
}

// intern returns the number of an atom; equal ones of a group are one.
func (c *compiler) intern(a atom, more func() *atomMore) int32 {
	flags := ""
	if a.start {
		flags += "s"
	}
	if a.end {
		flags += "e"
	}
	key := atomKey{c.group, a.field, a.other, a.kind, flags, a.lit}
	if at, ok := c.atomOf[key]; ok {
		return at
	}
	at := int32(len(c.set.atoms)) //nolint:gosec // G115: bounded by the bytes of the rules
	if more != nil {
		a.more = more()
	}
	if a.kind <= isInside {
		a.index = c.indexFor(a.field, a.kind == isInside)
		x := &c.set.indexes[a.index]
		if x.atoms = append(x.atoms, at); a.kind == isExact {
			x.exacts++
		}
	}
	c.set.atoms = append(c.set.atoms, a)
	c.atomOf[key] = at
	return at
}

func (c *compiler) indexFor(field int32, inside bool) int32 {
	key := indexKey{c.group, field, inside}
	at, ok := c.indexOf[key]
	if !ok {
		at = int32(len(c.set.indexes)) //nolint:gosec // G115: a number of fields and groups
		c.set.indexes = append(c.set.indexes, index{field: field, inside: inside, words: c.set.fields[field].words})
		c.indexOf[key] = at
	}
	return at
}
