package automaton_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma/automaton"
)

// naive looks for each pattern by itself.
func naive(patterns []automaton.Pattern, text string) []int32 {
	var out []int32
	for _, p := range patterns {
		found := false
		switch p.Anchor {
		case automaton.Anywhere:
			found = strings.Contains(text, p.Literal)
		case automaton.AtStart:
			found = strings.HasPrefix(text, p.Literal)
		case automaton.AtEnd:
			found = strings.HasSuffix(text, p.Literal)
		}
		if found && p.Literal != "" {
			out = append(out, p.ID)
		}
	}
	slices.Sort(out)
	return out
}

func scan(patterns []automaton.Pattern, text string) []int32 {
	hits := automaton.New(patterns).Scan([]byte(text), make([]uint32, len(patterns)), 7, nil)
	slices.Sort(hits)
	return hits
}

func TestScan(t *testing.T) {
	f := func(text string, literals ...string) {
		t.Helper()
		var patterns []automaton.Pattern
		for i, l := range literals {
			patterns = append(patterns, automaton.Pattern{Literal: l, Anchor: automaton.Anchor(i % 3), ID: int32(i)})
		}
		if diff := cmp.Diff(naive(patterns, text), scan(patterns, text)); diff != "" {
			t.Errorf("%q in %q: -want +got\n%s", literals, text, diff)
		}
	}
	f("ushers", "he", "she", "his", "hers", "ush", "ers")
	f("aaaa", "a", "aa", "aaa", "aaaaa", "aaaa", "aaaa")
	f("", "a", "", "b")
	f("abcabc", "abc", "abc", "abc", "bc", "bc", "bc")
}

// FuzzScan: one pass finds what a search for each literal finds.
func FuzzScan(f *testing.F) {
	f.Add("he she his hers", "ushers")
	f.Add("a aa aaa b ab ba", "aabbaab")
	f.Add("\xff \x00", "\x00\xff")
	f.Fuzz(func(t *testing.T, literals, text string) {
		var patterns []automaton.Pattern
		for i, l := range strings.Split(literals, " ") {
			patterns = append(patterns, automaton.Pattern{Literal: l, Anchor: automaton.Anchor((i + len(text)) % 3), ID: int32(i)})
		}
		if diff := cmp.Diff(naive(patterns, text), scan(patterns, text)); diff != "" {
			t.Errorf("%q in %q: -want +got\n%s", literals, text, diff)
		}
		if len(naive(patterns, strings.ToLower(text))) > 0 && !automaton.New(patterns).May(text) {
			t.Errorf("%q may not be in %q, but are", literals, text)
		}
	})
}
