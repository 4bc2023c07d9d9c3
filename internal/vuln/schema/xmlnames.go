package schema

import (
	"strings"
	"sync"
)

// Names are the elements and attributes that a version of a format has.
type Names struct{ Elements, Attributes map[string]bool }

var xmlNames = sync.OnceValue(func() map[string]Names {
	text, err := files.ReadFile("cyclonedx/xml-names.txt")
	if err != nil {
		panic(err) // it is embedded
	}
	out := map[string]Names{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		set := make(map[string]bool, len(f))
		for _, name := range f[2:] {
			set[name] = true
		}
		n := out[f[0]]
		if f[1] == "e" {
			n.Elements = set
		} else {
			n.Attributes = set
		}
		out[f[0]] = n
	}
	return out
})

// XMLNames returns what the XML form of a CycloneDX version may name; false for
// a version that there is not.
func XMLNames(version string) (Names, bool) {
	n, ok := xmlNames()[version]
	return n, ok
}
