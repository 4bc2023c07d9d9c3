package query

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns up to n of the candidates, most alike first: by shared
// words and substrings, then by edit distance. It never returns none when
// there are candidates, since an error should name something real.
func Nearest(word string, candidates []string, n int) []string {
	type scored struct {
		name string
		cost float64
	}
	word = strings.ToLower(word)
	var list []scored
	seen := map[string]bool{}
	for _, c := range candidates {
		if seen[c] || c == "" {
			continue
		}
		seen[c] = true
		list = append(list, scored{c, unlikeness(word, strings.ToLower(c))})
	}
	slices.SortStableFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.name, b.name))
	})
	out := make([]string, 0, n)
	for _, s := range list[:min(n, len(list))] {
		out = append(out, s.name)
	}
	return out
}

func unlikeness(a, b string) float64 {
	const maxCompared = 64 // keeps hostile long values cheap
	a, b = a[:min(len(a), maxCompared)], b[:min(len(b), maxCompared)]
	cost := float64(EditDistance(a, b)) / float64(max(len(a), len(b), 1))
	if strings.Contains(b, a) || strings.Contains(a, b) && len(b) > 2 {
		cost /= 2
	}
	for _, w := range strings.FieldsFunc(a, isSeparator) {
		if len(w) > 2 && slices.Contains(strings.FieldsFunc(b, isSeparator), w) {
			cost *= 0.6
		}
	}
	return cost
}

func isSeparator(r rune) bool { return strings.ContainsRune(" ._-/:", r) }

// EditDistance is the optimal string alignment distance in bytes: insertions,
// deletions, substitutions and swaps of neighbours cost one each.
func EditDistance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			sub := prev[j-1]
			if a[i-1] != b[j-1] {
				sub++
			}
			cur[j] = min(sub, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
