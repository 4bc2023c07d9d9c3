package reading

import (
	"os"
	"sync"
	"testing"
)

// parsedLexicon is the vocabulary, read once: it does not change.
var parsedLexicon = sync.OnceValues(func() (*Lexicon, error) {
	text, err := os.ReadFile("../../../content/lexicon/lexicon.txt")
	if err != nil {
		return nil, err
	}
	return ParseLexicon(string(text))
})

func testLexicon(t testing.TB) *Lexicon {
	t.Helper()
	l, err := parsedLexicon()
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
