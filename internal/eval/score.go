package eval

import (
	"encoding/json"
	"slices"
)

// Score sums up one half of the questions, or all.
type Score struct {
	Half      string
	Questions int
	Right     int
	Wrong     int // confidently wrong
	Hedged    int
	QueryOK   int // plans that equal the expected query, where one is given
}

// Summarise scores each half and, last, all of them.
func Summarise(results []Result) []Score {
	all := Score{Half: "all"}
	halves := map[string]*Score{}
	for _, r := range results {
		s := halves[r.Question.Half]
		if s == nil {
			s = &Score{Half: r.Question.Half}
			halves[r.Question.Half] = s
		}
		for _, x := range []*Score{s, &all} {
			x.Questions++
			switch r.Verdict {
			case Right:
				x.Right++
			case Wrong:
				x.Wrong++
			case Hedged:
				x.Hedged++
			}
			if r.QueryOK {
				x.QueryOK++
			}
		}
	}
	out := make([]Score, 0, len(halves)+1)
	for _, s := range halves {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Score) int {
		if a.Half < b.Half {
			return -1
		}
		return 1
	})
	return append(out, all)
}

// String shows the expectation as JSON.
func (e Expect) String() string {
	j, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(j)
}
