package ground

import (
	"maps"
	"slices"
	"strings"
)

// turned tells, in words, where a sentence turns a relation of its row round:
// "A → B" although the row has B as the source, or a figure beside the name of
// another column. It is empty when nothing is turned.
func (b *bag) turned(text string, facts []fact) string {
	for i := range facts {
		f := &facts[i]
		if i > 0 && facts[i-1].end <= f.from {
			between := text[facts[i-1].end:f.from]
			if arrow(between) && b.reversed(&facts[i-1], f) {
				return "the direction is not the one of the evidence"
			}
			if facts[i-1].kind == number && f.kind == number && strings.TrimSpace(between) == ":" && b.reversed(&facts[i-1], f) {
				return "two figures stand in each other's place"
			}
			if i > 1 && facts[i-1].key == "to" && strings.TrimSpace(between) == "" && b.ends(&facts[i-2], f) && b.reversed(&facts[i-2], f) {
				return "the direction is not the one of the evidence"
			}
		}
		if i > 0 && facts[i-1].from == f.from && facts[i-1].kind == address && b.ends(&facts[i-1], f) && !b.oneEnd(&facts[i-1], f) {
			return "an address stands with the port of the other end"
		}
		if column := b.labelled(text[:f.from]); column != "" && f.kind != word && f.kind != name && !b.inColumn(f, column) {
			return "a figure stands beside the name of another column"
		}
	}
	return ""
}

func arrow(between string) bool {
	return strings.Contains(between, "→") || strings.Contains(between, "->")
}

// columnsOf lists the columns in which a fact stands.
func (b *bag) columnsOf(f *fact) []string {
	var out []string
	for i := range b.facts {
		if e := &b.facts[i]; e.column != "" && e.kind == f.kind && (e.key == f.key || f.agrees(&e.fact)) {
			out = append(out, e.column)
		}
	}
	return out
}

func side(columns []string, prefix string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return strings.HasPrefix(c, prefix) })
}

// ends tells whether both are ends of a connection in this row.
func (b *bag) ends(left, right *fact) bool {
	l, r := b.columnsOf(left), b.columnsOf(right)
	return (side(l, "src_") || side(l, "dst_")) && (side(r, "src_") || side(r, "dst_"))
}

// oneEnd tells whether both can be of the same end.
func (b *bag) oneEnd(left, right *fact) bool {
	l, r := b.columnsOf(left), b.columnsOf(right)
	return side(l, "src_") && side(r, "src_") || side(l, "dst_") && side(r, "dst_")
}

// reversed: the left is only a destination and the right only a source; or,
// where a row has other columns, the left stands after the right.
func (b *bag) reversed(left, right *fact) bool {
	l, r := b.columnsOf(left), b.columnsOf(right)
	if len(l) == 0 || len(r) == 0 {
		return false
	}
	if b.ends(left, right) {
		return !side(l, "src_") && !side(r, "dst_")
	}
	return b.firstIn(l) > b.lastIn(r)
}

func (b *bag) firstIn(columns []string) int {
	return slices.IndexFunc(b.facts, func(p placed) bool { return slices.Contains(columns, p.column) })
}

func (b *bag) lastIn(columns []string) int {
	for i, f := range slices.Backward(b.facts) {
		if slices.Contains(columns, f.column) {
			return i
		}
	}
	return -1
}

// labelled is the column whose name stands right before a figure.
func (b *bag) labelled(before string) string {
	trimmed := strings.TrimRight(before, " :=")
	if trimmed == before {
		return ""
	}
	best := ""
	for i := range b.facts {
		c := b.facts[i].column
		if len(c) > len(best) && len(trimmed) >= len(c) && strings.EqualFold(trimmed[len(trimmed)-len(c):], c) && (len(trimmed) == len(c) || !joins(rune(trimmed[len(trimmed)-len(c)-1]))) {
			best = c
		}
	}
	if best == "" && strings.HasSuffix(strings.ToLower(trimmed), " port") {
		for i := range b.facts {
			if strings.HasSuffix(b.facts[i].column, "_endpoint.port") {
				return "port"
			}
		}
	}
	return best
}

func (b *bag) inColumn(f *fact, column string) bool {
	for i := range b.facts {
		e := &b.facts[i]
		if e.column != column && (column != "port" || !strings.HasSuffix(e.column, "_endpoint.port")) {
			continue
		}
		if e.key == f.key && e.kind == f.kind || f.agrees(&e.fact) {
			return true
		}
	}
	return false
}

// textsIn tells whether the cells of several words that a sentence quotes are
// all in the row that backs it: their words alone may be ordinary ones. A cell
// that is part of a longer one that is quoted is not quoted itself.
func (b *bag) textsIn(text string, row *bag) bool {
	var quoted []string
	for cell := range b.texts {
		if strings.Contains(text, cell) {
			quoted = append(quoted, cell)
		}
	}
	for _, cell := range quoted {
		longer := slices.ContainsFunc(quoted, func(q string) bool { return len(q) > len(cell) && strings.Contains(q, cell) })
		if !longer && !row.texts[cell] && !slices.ContainsFunc(slices.Collect(maps.Keys(row.texts)), func(own string) bool { return strings.Contains(own, cell) }) {
			return false
		}
	}
	return true
}
