package copilot

import (
	"fmt"
	"slices"

	"vedette/internal/guard/ground"
)

// The marks of a sentence.
const (
	verified    = "verified"
	unsupported = "unsupported"
)

// verify marks each sentence by what package ground says of it, whoever worded
// it.
func verify(sentences []Sentence, ans *Answer) []Sentence {
	basis := basisOf(ans)
	for i := range sentences {
		s := &sentences[i]
		if s.Evidence == nil {
			s.Evidence = []string{}
		}
		s.Status = unsupported
		if basis.Check(s.Text, s.Evidence, s.computed...).OK {
			s.Status = verified
		}
	}
	return sentences
}

// basisOf is what the sentences of an answer may stand on.
func basisOf(ans *Answer) *ground.Basis {
	evidence := make([]ground.Evidence, len(ans.Evidence))
	for i, e := range ans.Evidence {
		evidence[i] = ground.Evidence{ID: e.ID, Columns: e.Columns, Rows: e.Rows, Total: e.Total}
	}
	return ground.NewBasis(ans.Question, evidence, ans.own...)
}

// Basis is what sentences of this answer may stand on, for evaluation.
func (a *Answer) Basis() *ground.Basis { return basisOf(a) }

// Recheck gives a function that holds another text against what the sentences
// of this answer stand on: as if sentence i had said that. In spread the
// sentence may mix all rows of its evidence, which is how the check would be
// without rows. It is for evaluation.
func (a *Answer) Recheck(spread bool) func(i int, text string) ground.Result {
	basis := basisOf(a)
	return func(i int, text string) ground.Result {
		s := a.Answer[i]
		cites := s.Evidence
		if spread {
			for _, id := range s.Evidence {
				for _, e := range a.Evidence {
					for n := range e.Rows {
						if e.ID == id {
							cites = append(slices.Clip(cites), fmt.Sprintf("%s.%d", id, n+1))
						}
					}
				}
			}
		}
		return basis.Check(text, cites, s.computed...)
	}
}
