package mindeval

import (
	"fmt"
	"slices"

	"vedette/internal/copilot"
	"vedette/internal/guard/ground"
)

// claims makes true claims of the rows of an answer, as a model might, and
// wrong ones of them: of another subject, turned round, denied, played down.
func (g *grounding) claims(a *copilot.Answer) {
	basis := a.Basis()
	try := func(kind string, mutated bool, c ground.Claim) {
		_, res := basis.Claim(c)
		g.count(mutation{kind, fmt.Sprintf("%s %q %q %q %v", c.Predicate, c.Subject, c.Object, c.Text, c.Evidence), ""}, "a claim", mutated, res, ground.Result{OK: true}, false)
	}
	for _, e := range a.Evidence {
		for n := range e.Rows[:min(claimedRows, len(e.Rows))] {
			g.rowClaims(e, n, try)
		}
	}
}

// claimedRows is of how many rows of each evidence claims are made.
const claimedRows = 3

func (g *grounding) rowClaims(e copilot.Evidence, n int, try func(kind string, mutated bool, c ground.Claim)) {
	row, cite := e.Rows[n], []string{fmt.Sprintf("%s.%d", e.ID, n+1)}
	subject, figure := -1, -1
	for i, v := range row {
		switch v.(type) {
		case string:
			if subject < 0 {
				subject = i
			}
		case int64, float64:
			figure = i
		}
	}
	if subject < 0 || figure < 0 {
		return
	}
	name := ground.Shown(row[subject])
	has := ground.Claim{Predicate: ground.Has, Subject: name, Object: e.Columns[figure], Evidence: cite}
	try("true: claim", false, has)
	note := ground.Claim{Predicate: ground.Note, Text: "seen: " + name + " with " + ground.Shown(row[figure]), Evidence: cite}
	try("true: note", false, note)
	for kind, word := range map[string]string{"note denied": " not", "note played down": " harmless", "note made graver": " critical", "note of an act": " attacked"} {
		bad := note
		bad.Text += word
		try(kind, true, bad)
	}
	if len(e.Rows) > 1 {
		other := e.Rows[(n+1)%len(e.Rows)]
		if x := ground.Shown(other[subject]); x != name {
			bad := has
			bad.Subject = x
			try("claim of another row", true, bad)
			worst := ground.Most
			if less(row[figure], other[figure]) {
				try("claim of the most that is not", true, ground.Claim{Predicate: worst, Subject: name, Object: e.Columns[figure], Evidence: cite})
			}
		}
	}
	src, dst := slices.Index(e.Columns, "src_endpoint.ip"), slices.Index(e.Columns, "dst_endpoint.ip")
	if src >= 0 && dst >= 0 && row[src] != nil && row[dst] != nil && row[src] != row[dst] {
		s, d := ground.Shown(row[src]), ground.Shown(row[dst])
		try("true: contact", false, ground.Claim{Predicate: ground.Contacted, Subject: s, Object: d, Evidence: cite})
		try("contact turned round", true, ground.Claim{Predicate: ground.Contacted, Subject: d, Object: s, Evidence: cite})
	}
	try("claim of no row", true, ground.Claim{Predicate: ground.None, Evidence: []string{e.ID}})
}

func less(a, b any) bool {
	x, okX := a.(int64)
	y, okY := b.(int64)
	return okX && okY && x < y
}
