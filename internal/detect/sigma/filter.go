package sigma

import (
	"slices"

	"vedette/internal/detect/sigma/rule"
)

// filter is a filter document and the rules it was put to.
type filter struct {
	doc  *Document
	used map[string]bool
}

func (c *compiler) filters(docs []Document) []*filter {
	var out []*filter
	for i := range docs {
		if docs[i].Kind == rule.Filter {
			out = append(out, &filter{&docs[i], make(map[string]bool)})
		}
	}
	return out
}

// filtered is the condition of a rule with those of its filters added: a rule
// holds only where the conditions of all its filters hold too.
func (c *compiler) filtered(d *Document, filters []*filter) *rule.Expr {
	kids := []*rule.Expr{d.Expr}
	for _, f := range filters {
		if f.isFor(d) {
			kids = append(kids, f.doc.Expr)
		}
	}
	if len(kids) == 1 {
		return d.Expr
	}
	return &rule.Expr{Op: rule.And, Kids: kids}
}

// isFor reports whether the filter names the rule, or any rule, and fits its
// log source.
func (f *filter) isFor(d *Document) bool {
	fs := f.doc.Source
	if fs.Product != "" && fs.Product != d.Source.Product || fs.Category != "" && fs.Category != d.Source.Category || fs.Service != "" && fs.Service != d.Source.Service {
		return false
	}
	if len(f.doc.Rules) == 0 {
		return true
	}
	for _, name := range []string{d.ID, d.Name} {
		if name != "" && slices.Contains(f.doc.Rules, name) {
			f.used[name] = true
			return true
		}
	}
	return false
}

// unused notes rules that a filter names and that it was not put to.
func (c *compiler) unused(f *filter) {
	for _, name := range f.doc.Rules {
		if !f.used[name] {
			c.note(f.doc, "the filter names rule %s, which is not here or is of another log source", name)
		}
	}
}
