// Package redact keeps personal data, secrets and the names of a site out of
// what leaves it. [Find] knows them by form and context, a [Vault] puts
// pseudonyms in their place that hold for one conversation, and its last scan
// ([Vault.Leaks]) looks at the bytes that go out.
//
// Detectors are no guarantee: what is guaranteed is that a field that is not
// known is not sent ([ClassOf]), and that no value of the catalogue is in
// bytes that passed the last scan. It must not keep a map on disk, log a
// value, or restore a token that it did not issue.
package redact

import (
	"regexp"
)

// Span is a stretch of text that was found: bytes Start to End, exclusive.
type Span struct {
	Start, End int
	Type       string
}

// The types of spans.
const (
	Email = "EMAIL_ADDRESS"
	IP    = "IP_ADDRESS"
)

var forms = []struct {
	kind string
	re   *regexp.Regexp
}{
	{Email, regexp.MustCompile(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)},
	{IP, regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`)},
}

// Find returns what is personal, secret or of a site in text, in order and
// without overlaps.
func Find(text string) []Span {
	var out []Span
	for _, f := range forms {
		for _, m := range f.re.FindAllStringIndex(text, -1) {
			out = append(out, Span{m[0], m[1], f.kind})
		}
	}
	return settle(out)
}
