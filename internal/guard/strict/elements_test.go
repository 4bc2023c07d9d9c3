package strict_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/guard/strict"
)

// take feeds a text in pieces of n bytes.
func take(text string, n int) []string {
	var e strict.Elements
	var out []string
	for i := 0; i < len(text); i += n {
		out = append(out, e.Take(text[:min(i+n, len(text))])...)
	}
	return out
}

func TestElements(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{`{"claims":[{"a":1},{"b":"]}\"{"}, [2,[3]] ]}`, []string{`{"a":1}`, `{"b":"]}\"{"}`, `[2,[3]]`}},
		{`{"x":"[{","claims":[{"a":{"c":[1]}}`, []string{`{"a":{"c":[1]}}`}},
		{`{"claims":[{"a":1},{"b":`, []string{`{"a":1}`}},
		{`{"claims":[1,"two"]}`, nil},
		{`{"claims":[]},[{"late":1}]`, nil},
		{`[{"a":1}]`, nil},
		{`prose with [ and {`, nil},
		{`}}}]]]`, nil},
		{``, nil},
	} {
		for n := 1; n <= 5; n++ {
			if diff := cmp.Diff(test.want, take(test.text, n)); diff != "" {
				t.Errorf("%q in pieces of %d: %s", test.text, n, diff)
			}
		}
	}
}

// FuzzElements: how the text is cut changes nothing, and of valid JSON the
// elements are those that the array has.
func FuzzElements(f *testing.F) {
	f.Add(`{"claims":[{"a":1},{"b":"]}"}]}`, 3)
	f.Add(`{"a":{"b":[{}]},"c":[{}]}`, 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		whole := take(text, len(text)+1)
		if n > 0 {
			if diff := cmp.Diff(whole, take(text, n)); diff != "" {
				t.Fatalf("in pieces of %d: %s", n, diff)
			}
		}
		if !json.Valid([]byte(text)) {
			return
		}
		for _, part := range whole {
			if !json.Valid([]byte(part)) {
				t.Fatalf("%q is no JSON", part)
			}
		}
	})
}
