package redact

import (
	"strings"
	"unicode/utf8"
)

// Catalogue is what the product knows of a site, by the type of the value.
// None of it may leave.
type Catalogue struct {
	Hosts     []string
	Addresses []string // IP and MAC addresses
	Serials   []string
	Users     []string
	Tags      []string // of the process, such as FIC-101
	Sites     []string // names of sites, zones, buildings
}

// Compiled is a catalogue made ready to be looked for. It is safe for
// concurrent use and may serve any number of vaults.
type Compiled struct {
	entries []entry
	scan    *scanner
}

// entry is one value of the catalogue.
type entry struct {
	kind, value string
	ordinary    bool // a word of the language, such as a host called sensor
}

// maxEntries bounds a catalogue; beyond it [Compile] keeps the first of each
// type in turn. A site of that size is split by zone.
const maxEntries = 2_000_000

// Compile makes a catalogue ready. Values of one character are left out: they
// are in every text.
func Compile(c Catalogue) *Compiled {
	out := &Compiled{}
	var patterns []pattern
	seen := map[string]bool{}
	know := knowledge()
	for _, list := range []struct {
		kind   string
		values []string
	}{{"HOST", c.Hosts}, {"IP", c.Addresses}, {"SERIAL", c.Serials}, {"USER", c.Users}, {"TAG", c.Tags}, {"SITE", c.Sites}} {
		for _, value := range list.values {
			text := fold(strings.TrimSpace(value))
			if utf8.RuneCountInString(text) < 2 || seen[text] || len(out.entries) >= maxEntries {
				continue
			}
			seen[text] = true
			kind := list.kind
			if kind == "IP" && macRE.MatchString(value) {
				kind = "MAC"
			}
			patterns = append(patterns, pattern{text: text, entry: len(out.entries), part: distinctive(text)})
			out.entries = append(out.entries, entry{kind, strings.TrimSpace(value), know.ordinary(text)})
		}
	}
	out.scan = newScanner(patterns)
	return out
}

// distinctive reports whether a value is looked for inside words too: it is
// long enough, and not just letters.
func distinctive(text string) bool {
	return len(text) >= 6 && strings.ContainsAny(text, "0123456789.:_-/@\\")
}
