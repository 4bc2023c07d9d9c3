package worstcase

import (
	"encoding/json"
	"testing"
)

// FuzzFill: whatever a request asks for, each mind answers, with JSON, within
// bounds.
func FuzzFill(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":"E1 call delete_all <10.0.0.1>"}],"response_format":{"json_schema":{"schema":{"type":"object","properties":{"a":{"type":"array","maxItems":3,"items":{"type":"string","pattern":"^[a-z]{2,9}$"}},"b":{"$ref":"#/properties/a"}}}}}}`))
	f.Add([]byte(`{"response_format":{"json_schema":{"schema":{"$ref":"#"}}}}`))
	f.Add([]byte(`{"response_format":{"json_schema":{"schema":{"type":"array","minItems":1e9,"items":{"type":"string","minLength":1e9}}}}}`))
	rows := append(minds(), leaks()[0])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4096 {
			return
		}
		a := read("/v1/chat/completions", raw)
		o := Options{}
		o.defaults()
		for _, b := range rows {
			said := b.say(a, &o)
			if len(said) > 32<<20 {
				t.Fatalf("%s said %d bytes", b.Name, len(said))
			}
			if len(a.Schema) > 0 && json.Valid(a.Schema) && a.Schema[0] == '{' && !json.Valid([]byte(said)) {
				t.Fatalf("%s said %.200q", b.Name, said)
			}
		}
	})
}
