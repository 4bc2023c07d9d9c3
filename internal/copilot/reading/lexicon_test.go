package reading

import (
	"os"
	"testing"
)

func testLexicon(t testing.TB) *Lexicon {
	t.Helper()
	text, err := os.ReadFile("../../../content/lexicon/lexicon.txt")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseLexicon(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLexiconIsWellFormed(t *testing.T) {
	l := testLexicon(t)
	for phrase, entries := range l.phrases {
		kinds := map[kind]*entry{}
		for _, e := range entries {
			if other := kinds[e.kind]; other != nil && e.kind != kStop {
				t.Errorf("phrase %q is two things of kind %s: %s and %s", phrase, e.kind, other.key, e.key)
			}
			kinds[e.kind] = e
		}
	}
}
