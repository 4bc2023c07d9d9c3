// Package mindeval scores the mind on sets whose answers are known: whether a
// sentence with a wrong fact is found out, and what a model adds to reading
// questions.
//
// It must not know a model, a data set or a question by name, and nothing of it
// runs in normal use.
package mindeval

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/guard/ground"
)

// GroundingScore is how the check does on one kind of sentence. Of mutated
// sentences Found should be all, of true ones none.
type GroundingScore struct {
	Kind      string `json:"kind"`
	Mutated   bool   `json:"mutated"`
	Sentences int    `json:"sentences"`
	Found     int    `json:"found"`     // not backed, as the check says
	Asked     int    `json:"asked"`     // of those not found: the wrong value stands in the question, which may back it
	WithoutBy int    `json:"no_rows"`   // found when a sentence may mix the rows of its evidence
	Off       int    `json:"check_off"` // found without the check
}

// Grounding mutates the sentences of answers, one fact at a time, and counts
// what the check finds. seed makes it repeatable. failed, if not nil, is told
// each sentence that the check was wrong about.
func Grounding(answers []*copilot.Answer, seed uint64, failed func(kind, was, text, why string)) []GroundingScore {
	g := &grounding{rnd: rand.New(rand.NewPCG(seed, 1)), scores: map[string]*GroundingScore{}, failed: failed} //nolint:gosec // G404: it has to be repeatable
	for _, a := range answers {
		g.answer(a)
	}
	out := make([]GroundingScore, 0, len(g.scores)+2)
	total := GroundingScore{Kind: "all mutated", Mutated: true}
	kept := GroundingScore{Kind: "all true"}
	for _, s := range g.scores {
		out = append(out, *s)
		sum := &kept
		if s.Mutated {
			sum = &total
		}
		sum.Sentences += s.Sentences
		sum.Found += s.Found
		sum.Asked += s.Asked
		sum.WithoutBy += s.WithoutBy
	}
	slices.SortFunc(out, func(a, b GroundingScore) int {
		if a.Mutated != b.Mutated {
			return map[bool]int{true: 1, false: -1}[a.Mutated]
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return append(out, kept, total)
}

type grounding struct {
	rnd    *rand.Rand
	scores map[string]*GroundingScore
	failed func(kind, was, text, why string)
}

func (g *grounding) answer(a *copilot.Answer) {
	if len(a.Evidence) == 0 {
		return
	}
	g.claims(a)
	check, loose := a.Recheck(false), a.Recheck(true)
	for i, s := range a.Answer {
		g.count(mutation{"true: as it was said", s.Text, ""}, s.Text, false, check(i, s.Text), loose(i, s.Text), false)
		for kind, text := range reworded(s.Text) {
			g.count(mutation{"true: " + kind, text, ""}, s.Text, false, check(i, text), loose(i, text), false)
		}
		if !check(i, s.Text).OK {
			continue
		}
		for _, m := range g.mutations(s, a) {
			asked := strings.Contains(strings.ToLower(a.Question), strings.ToLower(m.value))
			g.count(m, s.Text, true, check(i, m.text), loose(i, m.text), asked)
		}
	}
}

func (g *grounding) count(m mutation, was string, mutated bool, got, loose ground.Result, asked bool) {
	kind := m.kind
	if got.OK == mutated && g.failed != nil {
		g.failed(kind, was, m.text, got.Why)
	}
	s := g.scores[kind]
	if s == nil {
		s = &GroundingScore{Kind: kind, Mutated: mutated}
		g.scores[kind] = s
	}
	s.Sentences++
	if !got.OK {
		s.Found++
	} else if asked && mutated {
		s.Asked++
	}
	if !loose.OK {
		s.WithoutBy++
	}
}

// reworded gives the same sentence with a fact in another form.
func reworded(text string) map[string]string {
	out := map[string]string{}
	for _, f := range ground.Facts(text) {
		switch f.Kind {
		case "number":
			if n := grouped(f.Text); n != f.Text {
				out["thousands separated"] = put(text, f, n)
			}
			if w, ok := words[f.Text]; ok {
				out["number as a word"] = put(text, f, w)
			}
		case "moment":
			if t, err := time.Parse("2006-01-02 15:04:05 UTC", f.Text); err == nil {
				out["time in ISO form"] = put(text, f, t.Format(time.RFC3339))
			}
		case "mac":
			out["MAC in capitals"] = put(text, f, strings.ToUpper(f.Text))
		case "name":
			if strings.ToUpper(f.Text) != f.Text {
				out["name in capitals"] = put(text, f, strings.ToUpper(f.Text))
			}
		}
	}
	return out
}

var words = map[string]string{"2": "two", "3": "three", "4": "four", "5": "five", "7": "seven", "12": "twelve", "21": "twenty-one", "100": "one hundred"}

func put(text string, f ground.Fact, with string) string { return text[:f.From] + with + text[f.End:] }

func grouped(s string) string {
	if len(s) < 4 || strings.Trim(s, "0123456789") != "" {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
