package schema

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	set := New()
	f := func(name, text, reason string) {
		t.Helper()
		doc, err := Decode([]byte(text))
		if err == nil {
			err = set.Check(name, doc)
		}
		if (err == nil) != (reason == "") || err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%.60q: %v, want %q", text, err, reason)
		}
	}
	for _, v := range []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"} {
		f(CycloneDX(v), `{"bomFormat":"CycloneDX","specVersion":"`+v+`","version":1,"components":[]}`, "")
		f(CycloneDX(v), `{"bomFormat":"Cyclone","specVersion":"`+v+`","version":1,"components":[]}`, "at bomFormat")
	}
	f(CSAF20, `{"document":{}}`, "missing propert")
	f(CSAF20, `{`, "no whole JSON")
	if CycloneDX("1.1") != "" {
		t.Error("there is no JSON schema of 1.1")
	}
}

// FuzzDecode: what is decoded is not deeper than it may be.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\\\"[[[",{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Decode(data)
		if err != nil {
			return
		}
		if deep(doc) > MaxDepth {
			t.Fatal("too deep")
		}
	})
}

func deep(v any) int {
	most := 0
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			most = max(most, deep(x))
		}
	case []any:
		for _, x := range v {
			most = max(most, deep(x))
		}
	default:
		return 0
	}
	return most + 1
}
