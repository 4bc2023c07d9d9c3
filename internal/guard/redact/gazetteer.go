package redact

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"slices"
	"strings"
	"sync"
)

//go:embed gazetteer
var lists embed.FS

// gazetteer is general knowledge: which words are ordinary, which are names.
// It is read once, when the first text is looked at.
type gazetteer struct {
	words, proper   []string            // sorted
	given, surnames map[string]struct{} // lower case
	places          map[string]string   // lower case, up to four words → type
	longest         int                 // words in the longest place
}

var knowledge = sync.OnceValue(load)

func load() *gazetteer {
	g := &gazetteer{
		words: strings.Fields(unpack("words.txt.gz")), proper: strings.Fields(unpack("proper.txt.gz")),
		given: setOf(read("given.txt")), surnames: setOf(read("surnames.txt")),
		places: map[string]string{},
	}
	for _, name := range []string{"cities.txt", "countries.txt"} {
		for place := range strings.FieldsFuncSeq(read(name), func(r rune) bool { return r == '|' || r == '\n' }) {
			key := strings.ToLower(place)
			g.places[key] = Place
			g.longest = max(g.longest, strings.Count(key, " ")+1)
		}
	}
	for word := range strings.FieldsSeq(read("nationalities.txt")) {
		word = strings.ToLower(word)
		g.places[word], g.places[word+"s"] = Group, Group
	}
	return g
}

// read returns one of the embedded files. They are compiled in: one that is
// missing is a broken build.
func read(name string) string {
	b, err := lists.ReadFile("gazetteer/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func unpack(name string) string {
	z, err := gzip.NewReader(bytes.NewReader([]byte(read(name))))
	if err != nil {
		panic(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func setOf(text string) map[string]struct{} {
	out := map[string]struct{}{}
	for w := range strings.FieldsSeq(text) {
		out[w] = struct{}{}
	}
	return out
}

// ordinary reports whether a word in lower case is one of the language.
func (g *gazetteer) ordinary(w string) bool {
	if _, found := slices.BinarySearch(g.words, w); found {
		return true
	}
	stem, plural := strings.CutSuffix(w, "s")
	if !plural || len(stem) < 3 {
		return false
	}
	_, found := slices.BinarySearch(g.words, stem)
	return found
}

// isGiven and isSurname know common names of people, in lower case.
func (g *gazetteer) isGiven(w string) bool   { _, ok := g.given[w]; return ok }
func (g *gazetteer) isSurname(w string) bool { _, ok := g.surnames[w]; return ok || surnameEnd(w) }

// isProper knows names of any kind, in lower case.
func (g *gazetteer) isProper(w string) bool {
	_, found := slices.BinarySearch(g.proper, w)
	return found
}

// surnameEnds are endings that surnames have in many languages.
var surnameEnds = strings.Fields(`sson ssen nsen rsen tsen dsen ksen dóttir dottir ová ić ič vić vich owski owska ewski ewska ński ńska cki cka czyk wicz iewicz enko chuk yev yeva
	opoulos poulos akis idis iadis ides berg bergh qvist kvist quist gren ström strom stedt lund mann escu eanu iani etti elli ucci inen nen oglu zadeh yan dze shvili ez`)

func surnameEnd(w string) bool {
	if len(w) < 6 {
		return false
	}
	for _, end := range surnameEnds {
		if strings.HasSuffix(w, end) {
			return true
		}
	}
	return false
}
