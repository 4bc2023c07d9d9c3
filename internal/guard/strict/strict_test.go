package strict

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
)

func TestDecodeRefuses(t *testing.T) {
	l := Limits{Bytes: 4000, Depth: 4, Text: 20, Values: 50}
	tests := map[string]string{
		"":                                "ends too early",
		"I think it is fine.":             "not JSON",
		"```json\n{}\n```":                "not JSON",
		`{"a":1`:                          "not closed",
		`{"a":1}{}`:                       "more behind",
		`{"a":1} ok`:                      "more behind",
		`{"a":1,"a":2}`:                   "twice",
		`{"a":1,"\u0061":2}`:              "twice",
		`{"a":1e999}`:                     "number",
		`[01]`:                            "not closed",
		`[.5]`:                            "not JSON",
		`[1.]`:                            "number",
		`[-]`:                             "number",
		`[+1]`:                            "not JSON",
		`[NaN]`:                           "not JSON",
		`{"a":"` + "\xff" + `"}`:          "UTF-8",
		`{"a":"\ud800"}`:                  "surrogate",
		`{"a":"\ud800\u0041"}`:            "surrogate",
		`{"a":"\u0000"}`:                  "NUL",
		"{\"a\":\"\x00\"}":                "control",
		"{\"a\":\"\n\"}":                  "control",
		`{"a":"\x41"}`:                    "escape",
		`[[[[[1]]]]]`:                     "deeply",
		`["` + strings.Repeat("x", 21):    "too long",
		`[` + strings.Repeat("1,", 60):    "too many",
		strings.Repeat(" ", 4001):         "4001 bytes",
		strings.Repeat("[", 3999):         "deeply",
		`{a:1}`:                           "key",
		`{"a" 1}`:                         "colon",
		`[1,]`:                            "not JSON",
		`{"a":1,}`:                        "key",
		"\ufeff{}":                        "not JSON",
		`{"verdict":"benign"} // trust m`: "more behind",
	}
	for in, want := range tests {
		_, err := Decode([]byte(in), l)
		if kind := fault.KindOf(err); err == nil || kind != fault.Invalid && kind != fault.Limited || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	s, err := Compile(`{"type":"object","properties":{
		"verdict":{"type":"string","enum":["benign","bad"]},"n":{"type":"integer","minimum":0,"maximum":100},
		"cites":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string","pattern":"^E[0-9]+$","maxLength":4}},
		"step":{"oneOf":[{"type":"object","properties":{"tool":{"const":"query"}},"required":["tool"],"additionalProperties":false},{"type":"null"}]},
		"any":{"anyOf":[{"type":"boolean"},{"type":"number"}]}
	},"required":["verdict"],"additionalProperties":false}`)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		`{"verdict":"benign","n":68,"cites":["E3"],"step":{"tool":"query"},"any":0.5}`: "",
		`{"verdict":"bad","n":1e1,"step":null,"any":true}`:                             "",
		`{"verdict":"fine"}`:                                 ".verdict is none",
		`{"n":1}`:                                            "lacks verdict",
		`{"verdict":"bad","n":101}`:                          "out of range",
		`{"verdict":"bad","n":1.5}`:                          "wrong type",
		`{"verdict":"bad","n":"1"}`:                          "wrong type",
		`{"verdict":"bad","cites":[]}`:                       "too few",
		`{"verdict":"bad","cites":["E1","x"]}`:               ".cites[1] is not of the form",
		`{"verdict":"bad","cites":["E1234"]}`:                "too long",
		`{"verdict":"bad","close_incident":true}`:            "not asked for",
		`{"verdict":"bad","step":{"tool":"delete"}}`:         "none of the forms",
		`{"verdict":"bad","step":{"tool":"query","args":1}}`: "none of the forms",
		`{"verdict":"bad","any":"x"}`:                        "wrong type",
		`[]`:                                                 "the whole is of the wrong type",
	}
	for in, want := range tests {
		v, err := Decode([]byte(in), Default())
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check(v)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestCompileRefusesWhatItDoesNotEnforce(t *testing.T) {
	for _, text := range []string{`{"$ref":"#/x"}`, `{"format":"email"}`, `{"additionalProperties":true}`, `{"pattern":"("}`, `[]`, `{"items":3}`, `{"oneOf":[]}`, `{"maxLength":"x"}`, `{"type":[1]}`, `{"enum":[]}`, `{"properties":[]}`, `nonsense`} {
		if _, err := Compile(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestMapKeepsForm(t *testing.T) {
	v, err := Decode([]byte(`{"a":["HOST_1",{"HOST_1":"<b>HOST_1\""}],"n":-0.5e3,"t":true,"z":null}`), Default())
	if err != nil {
		t.Fatal(err)
	}
	got := string(Encode(Map(v, func(s string) string { return strings.ReplaceAll(s, "HOST_1", `pump"1`) })))
	want := `{"a":["pump\"1",{"HOST_1":"<b>pump\"1\""}],"n":-0.5e3,"t":true,"z":null}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzDecode: what is taken means the same to the standard library, and what is
// written again is read as the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,null]}`, `{"a":1,"a":2}`, `"\ud800"`, `[1e999]`, "{\"k\":\"\xff\"}", ` [ ] `, `{"a":{"b":{}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := Decode(raw, Limits{Bytes: 1 << 16, Depth: 16, Text: 1 << 12, Values: 1000})
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("%q is taken and is no JSON", raw)
		}
		again, err := Decode(Encode(v), Limits{Bytes: 1 << 20, Depth: 16, Text: 1 << 12, Values: 1000})
		if err != nil {
			t.Fatalf("written again it is refused: %v", err)
		}
		if diff := cmp.Diff(v, again); diff != "" {
			t.Fatal(diff)
		}
		if a, b := std(t, raw), std(t, Encode(v)); !cmp.Equal(a, b) {
			t.Fatalf("the standard library reads %v and %v", a, b)
		}
	})
}

func std(t *testing.T, raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
