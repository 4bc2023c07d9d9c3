package jsonleaf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// leaf is what a test sees of a Leaf.
type leaf struct {
	Key, Value string
	List       []string
}

func scanned(s *Scanner, raw string) ([]leaf, error) {
	pairs, err := s.Read(raw)
	if err != nil {
		return nil, err
	}
	out := []leaf{}
	for _, p := range pairs {
		out = append(out, leaf{p.Key.Name, p.Value, append([]string(nil), p.List...)})
	}
	return out, nil
}

// TestJSONLeaves shows what becomes of each kind of value.
func TestLeaves(t *testing.T) {
	plain := func(kv ...string) []leaf {
		out := []leaf{}
		for i := 0; i < len(kv); i += 2 {
			out = append(out, leaf{Key: kv[i], Value: kv[i+1]})
		}
		return out
	}
	for _, c := range []struct {
		name, in string
		want     []leaf
	}{
		{"nothing", ` { } `, plain()},
		{"words", `{"a":true,"b":false,"c":null}`, plain("a", "true", "b", "false", "c", "")},
		{"numbers keep their text", `{"a":-0,"b":0.10,"c":1E+05,"d":12345678901234567890.5e-3}`, plain("a", "-0", "b", "0.10", "c", "1E+05", "d", "12345678901234567890.5e-3")},
		{"nested", `{"a":{"b":{"c":1}},"d":{}}`, plain("a.b.c", "1")},
		{"nested under no name", `{"":{"":{"a":1}},"b":{"":2}}`, plain("a", "1", "b.", "2")},
		{"the same key twice", `{"a":1,"a":2,"b":{"c":3},"b.c":4}`, plain("a", "1", "a", "2", "b.c", "3", "b.c", "4")},
		{"a list", `{"a":["x",1,null,"",true]}`, []leaf{{"a", "x, 1, true", []string{"x", "1", "true"}}}},
		{"a list of one", `{"a":["x"]}`, []leaf{{"a", "x", []string{"x"}}}},
		{"lists of nothing", `{"a":[],"b":[null,""],"c":[[],{}]}`, plain()},
		{"lists in a list", `{"a":[1,[2,[3],4],{"b":5},6]}`, []leaf{{"a.1.1", "3", []string{"3"}}, {"a.1", "2, 4", []string{"2", "4"}}, {"a.2.b", "5", nil}, {"a", "1, 6", []string{"1", "6"}}}},
		{"white space", "\t{\r\n\"a\" : [ 1 , 2 ] , \"b\" :{ } }\n", []leaf{{"a", "1, 2", []string{"1", "2"}}}},
		{"escapes", `{"\u0061\n":"\"\\\/\b\f\n\r\t\u00e9\u20AC"}`, plain("a\n", "\"\\/\b\f\n\r\té€")},
		{"a pair of surrogates", `{"a":"\ud83d\ude00"}`, plain("a", "😀")},
		{"half pairs", `{"a":"\ud83d","b":"\ude00","c":"\ud83dx","d":"\ud83d\u0041","e":"\ud83d\ud83d\ude00","f":"\ude00\ud83d"}`, plain("a", "\ufffd", "b", "\ufffd", "c", "\ufffdx", "d", "\ufffdA", "e", "\ufffd😀", "f", "\ufffd\ufffd")},
		{"a NUL that is written out", `{"a":"\u0000"}`, plain("a", "\x00")},
		{"not UTF-8", "{\"a\xff\":\"\xffé\xc3\",\"b\":\"\xed\xa0\x80\\n\xfe\"}", plain("a\ufffd", "\ufffdé\ufffd", "b", "\ufffd\ufffd\ufffd\n\ufffd")},
		{"UTF-8", `{"é":"日本語 😀"}`, plain("é", "日本語 😀")},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			got, err := scanned(&Scanner{}, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			old, err := byEncodingJSON([]byte(c.in))
			if diff := cmp.Diff(old, got); err != nil || diff != "" {
				t.Errorf("encoding/json: %v %s", err, diff)
			}
		})
	}
}

// TestJSONRefused lists what is no record, and what is said of it.
func TestRefused(t *testing.T) {
	const (
		off   = "the JSON object breaks off"
		bad   = "not valid JSON"
		other = "not a JSON object"
		after = "text after the JSON object"
	)
	nested := func(n int, open, end string) string {
		return `{"a":` + strings.Repeat(open, n) + strings.Repeat(end, n) + "}"
	}
	for in, want := range map[string]string{
		"": off, " ": off, "{": off, `{"`: off, `{"a`: off, `{"a"`: off, `{"a":`: off, `{"a":1`: off, `{"a":1,`: off, `{"a":[`: off, `{"a":[1`: off, `{"a":[1,`: off,
		`{"a":"\`: off, `{"a":"\u`: off, `{"a":"\u12`: off, `{"a":"\ud800\u12`: off, `{"a":-`: off, `{"a":1.`: off, `{"a":1e`: off, `{"a":1e+`: off, `{"a":tru`: off, "tru": off, `"a`: off,
		"1": other, "-1.5e3": other, `"a"`: other, "true": other, "null": other, "[": other, "[]": other, `[{"a":1}]`: other,
		"}": bad, "]": bad, ",": bad, ":": bad, "x": bad, "\x00": bad, "\ufeff{}": bad, "'a'": bad, "nul{}": bad, "+1": bad,
		"{,}": bad, `{"a"}`: bad, `{"a",1}`: bad, `{"a" 1}`: bad, `{"a":}`: bad, `{"a":1,}`: bad, `{"a":1,,"b":2}`: bad, `{"a":1 "b":2}`: bad, `{"a":1]`: bad, `{"a"::1}`: bad, `{a:1}`: bad, `{1:1}`: bad, `{null:1}`: bad, `{"a":1;}`: bad,
		`{"a":[,]}`: bad, `{"a":[1,]}`: bad, `{"a":[1 2]}`: bad, `{"a":[1}`: bad, `{"a":[1:2]}`: bad, `{"a":[}`: bad,
		`{"a":01}`: bad, `{"a":-01}`: bad, `{"a":+1}`: bad, `{"a":.5}`: bad, `{"a":1.}`: bad, `{"a":1.e5}`: bad, `{"a":1e}`: bad, `{"a":-}`: bad, `{"a":0x10}`: bad, `{"a":1_0}`: bad, `{"a":NaN}`: bad, `{"a":Infinity}`: bad, `{"a":--1}`: bad, `{"a":1-}`: bad,
		`{"a":True}`: bad, `{"a":tru}`: bad, `{"a":trueish}`: bad, `{"a":nullx}`: bad, `{"a":falsE}`: bad,
		"{\"a\":\"\n\"}": bad, "{\"a\":\"\x00\"}": bad, "{\"a\":\"\\n\x1f\"}": bad, "{\"a\n\":1}": bad, `{"a":'b'}`: bad, `{"a":"\x41"}`: bad, `{"a":"\'"}`: bad, `{"a":"\u12G4"}`: bad, `{"a":"\u"}`: bad, `{"a":"\U0041"}`: bad, `{"a":"\ud800\uZZZZ"}`: bad, `{"a":"\ud800\x"}`: bad,
		"{\"a\":1\x00}": bad, "{\"a\":\u00a01}": bad, "{\"a\":1}\v": after, "{\v\"a\":1}": bad, "{/**/}": bad,
		"{}{}": after, "{} x": after, "{},": after, "{}\x00": after, "{}}": after, "{}]": after, `{} "`: after,
		nested(33, "[", "]"): "JSON nested deeper than 32", nested(33, `{"a":`, "}"): "JSON nested deeper than 32", nested(17, `[{"a":`, "}]"): "JSON nested deeper than 32",
		`{"` + strings.Repeat("k", 513) + `":1}`:                                          "a JSON key longer than 512 bytes",
		`{"` + strings.Repeat(`\u006b`, 513) + `":1}`:                                     "a JSON key longer than 512 bytes",
		`{"k":{"` + strings.Repeat("k", 512) + `":1}}`:                                    "a JSON key longer than 512 bytes",
		`{"a":1` + strings.Repeat(`,"a":1`, 4000) + `}`:                                   "more than 4000 values in one record",
		`{"a":[` + strings.Repeat(`{"a":1},`, 4001) + `{}]}`:                              "more than 4000 values in one record",
		`{"a":[` + strings.Repeat(`[1],`, 4000) + `1]}`:                                   "more than 4000 values in one record",
		`{"a":` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20) + "} trail": after,
	} {
		_, err := (&Scanner{}).Read(in)
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %q", in, err, want)
		}
		if _, old := byEncodingJSON([]byte(in)); old == nil || old.Error() != want {
			t.Errorf("%.60q: by encoding/json %v, want %q", in, old, want)
		}
	}
}

// TestJSONWithinBounds reads what just fits.
func TestWithinBounds(t *testing.T) {
	for name, in := range map[string]string{
		"depth":  `{"a":` + strings.Repeat("[", 32) + "1" + strings.Repeat("]", 32) + "}",
		"key":    `{"` + strings.Repeat("k", 512) + `":1}`,
		"leaves": `{"a":1` + strings.Repeat(`,"a":1`, 3999) + `}`,
		"list":   `{"a":[` + strings.Repeat(`"x",`, 5000) + `1]}`,
	} {
		got, err := scanned(&Scanner{}, in)
		if err != nil || len(got) == 0 {
			t.Errorf("%s: %d leaves, %v", name, len(got), err)
			continue
		}
		if name == "list" && len(got[0].List) != maxItems {
			t.Errorf("a list of %d", len(got[0].List))
		}
	}
}

// TestJSONTextsStay checks that a text kept from one record is not changed by
// those read after it.
func TestTextsStay(t *testing.T) {
	var s Scanner
	type kept struct{ got, want string }
	var all []kept
	for i := range 3000 {
		long := strings.Repeat("é", i%900)
		in := fmt.Sprintf(`{"k%d":"\u0061%d","l":["\n%d","x"],"long":"\t%s","bad":"`+"\xff"+`%d"}`, i, i, i, long, i)
		pairs, err := s.Read(in)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{fmt.Sprint("a", i), fmt.Sprint("\n", i, ", x"), "\t" + long, fmt.Sprint("\ufffd", i)}
		for n, w := range want {
			all = append(all, kept{pairs[n].Value, w})
		}
		all = append(all, kept{pairs[0].Key.Name, fmt.Sprint("k", i)}, kept{pairs[1].List[0], fmt.Sprint("\n", i)})
	}
	for _, k := range all {
		if k.got != k.want {
			t.Fatalf("%.40q became %.40q", k.want, k.got)
		}
	}
	if n := len(s.keys.known); n > maxKnownKeys {
		t.Errorf("%d keys are kept", n)
	}
}

// TestJSONSaysTwice checks that two leaves of one name are never missed: they
// are kept apart only if the scanner says so.
func TestSaysTwice(t *testing.T) {
	var s Scanner
	many := ""
	for i := range maxKnownKeys + 5 {
		many += fmt.Sprintf(`"m%d":1,`, i)
	}
	for in, want := range map[string]bool{
		`{"a":1,"b":2}`: false, `{"a":1,"a":2}`: true, `{"a":{"b":1},"a.b":2}`: true,
		`{"":1,".":2}`: false, `{"":{"a":1},"a":2}`: true, `{` + many + `"m0":1}`: true,
	} {
		for range 3 { // a known key is told as a new one
			if _, err := s.Read(in); err != nil || s.Twice() != want {
				t.Errorf("%.40s: %v, %v", in, s.Twice(), err)
			}
		}
	}
}

func TestDoesNotAllocate(t *testing.T) {
	for _, name := range []string{"eve/types.json", "zeek-json/mixed.json"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var s Scanner
		records := strings.Split(strings.TrimSpace(string(data)), "\n")
		read := func() {
			for _, r := range records {
				_, _ = s.Read(r)
			}
		}
		read()
		broken := 0.0 // a refused record makes an error, of a text and its frame
		for _, r := range records {
			if _, err := s.Read(r); err != nil {
				broken += 3
			}
		}
		if n := testing.AllocsPerRun(50, read); n > broken {
			t.Errorf("%s: %v allocations for %d records", name, n, len(records))
		}
	}
}

// FuzzJSONAgrees compares the scanner with encoding/json: it takes what that
// takes as one object, within the bounds, finds the same leaves, and gives the
// same reason for what it refuses. One scanner reads a whole source, so that
// nothing is left over from one record for the next.
func FuzzJSONAgrees(f *testing.F) {
	for _, dir := range []string{"eve", "zeek-json"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", dir, map[string]string{"eve": "types.json", "zeek-json": "mixed.json"}[dir]))
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			f.Add(line)
		}
	}
	for _, s := range []string{
		`{"a":[1,[2,{"b":null}],""]}`, `{"\ud83d\ude00":"\ud800\u0041"}`, "{\"a\":\"\xff\xed\xa0\x80\"}", `{"a":-0.0e-0,"":{"":[]}}`, `[1]`, `{} {}`, `{"a":tru`,
		"{\"a\":1}\n{\"a\":1}", `{"a":1,"a":[{"a":1},{"a":2}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Scanner
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			agree(t, &s, line)
		}
		agree(t, &s, data)
	})
}

func agree(t *testing.T, s *Scanner, raw []byte) {
	t.Helper()
	got, err := scanned(s, string(raw))
	want, wantErr := byEncodingJSON(raw)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%q: %v, encoding/json says %v", raw, err, wantErr)
	}
	object := json.Valid(raw) && bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
	bounded := err != nil && strings.Contains(err.Error(), " than ") // a bound of ours
	if !bounded && object != (err == nil) {
		t.Fatalf("%q: %v, encoding/json takes it as an object: %v", raw, err, object)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q: %s", raw, diff)
	}
	names := map[string]bool{}
	for _, l := range got {
		if names[l.Key] && !s.Twice() {
			t.Fatalf("%q: two leaves %q were missed", raw, l.Key)
		}
		names[l.Key] = true
	}
}
