package automaton_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma/automaton"
)

// naive looks for each pattern by itself.
func naive(patterns []automaton.Pattern, text string, in func(text, literal string) bool) []int32 {
	var out []int32
	for _, p := range patterns {
		if p.Literal != "" && in(text, p.Literal) {
			out = append(out, p.ID)
		}
	}
	return out
}

// check compares all ways of looking with the naive ones.
func check(t *testing.T, text string, literals []string) {
	t.Helper()
	var patterns, reversed []automaton.Pattern
	for i, l := range literals {
		patterns = append(patterns, automaton.Pattern{Literal: l, ID: int32(i)})
		reversed = append(reversed, automaton.Pattern{Literal: automaton.Reversed(l), ID: int32(i)})
	}
	a, back := automaton.New(patterns), automaton.New(reversed)
	seen := make([]uint32, len(patterns))
	compare := func(what string, want, got []int32) {
		t.Helper()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q %s %q: -want +got\n%s", literals, what, text, diff)
		}
	}
	compare("in", naive(patterns, text, strings.Contains), a.Scan([]byte(text), seen, 1, nil))
	compare("at the start of", naive(patterns, text, strings.HasPrefix), a.Starts([]byte(text), seen, 2, nil))
	compare("at the end of", naive(patterns, text, strings.HasSuffix), back.Ends([]byte(text), seen, 3, nil))
}

func TestScan(t *testing.T) {
	check(t, "ushers", []string{"he", "she", "his", "hers", "ush", "ers"})
	check(t, "aaaa", []string{"a", "aa", "aaa", "aaaaa", "aaaa", "aaaa"})
	check(t, "", []string{"a", "", "b"})
	check(t, "abcabc", []string{"abc", "abcd", "bc", "bc", "c"})
}

// FuzzScan: one pass finds what a search for each literal finds.
func FuzzScan(f *testing.F) {
	f.Add("he she his hers", "ushers")
	f.Add("a aa aaa b ab ba", "aabbaab")
	f.Add("\xff \x00", "\x00\xff")
	f.Fuzz(func(t *testing.T, literals, text string) { check(t, text, strings.Split(literals, " ")) })
}
