package normalize_test

import (
	"encoding/json"
	"regexp"
	"strings"

	"vedette/internal/event"
)

// The values of records in the formats that have no header of columns and no
// JSON, read without the code under test.
var (
	cefPair  = regexp.MustCompile(`(\w+)=((?:\\.|[^\\])*?)(?: \w+=|$)`)
	leefPair = regexp.MustCompile(`(\w+)=([^\t^]*)`)
)

// timesOf are the keys whose values become the event's time.
var timesOf = map[string]bool{"rt": true, "start": true, "devTime": true}

// fieldsOf reads the values of a raw record; the key "text" asks for the value
// anywhere in the event.
func fieldsOf(dialect, raw string) []field {
	switch dialect {
	case "cef":
		var out []field
		for at := 0; ; {
			m := cefPair.FindStringSubmatchIndex(raw[at:])
			if m == nil {
				return out
			}
			out = append(out, valueOf(raw[at+m[2]:at+m[3]], cefPlain.Replace(raw[at+m[4]:at+m[5]]))...)
			at += m[5]
		}
	case "leef":
		var out []field
		for _, m := range leefPair.FindAllStringSubmatch(raw[strings.LastIndexByte(raw, '|')+1:], -1) {
			out = append(out, valueOf(m[1], m[2])...)
		}
		return out
	case "nfdump", "argus":
		var out []field
		for i, cell := range strings.Split(raw, ",") {
			if v := strings.TrimSpace(cell); i > 0 && v != "" { // the first is the time
				out = append(out, field{"col", v})
			}
		}
		return out
	}
	return nil
}

var cefPlain = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\n`, "\n")

func valueOf(key, v string) []field {
	if timesOf[key] || v == "" {
		return nil
	}
	return []field{{"text", v}}
}

// textOutsideRaw tells whether a value of the event other than raw has the text, in
// any case and with any marks between the digits of a MAC.
func textOutsideRaw(e *event.Event, v string) bool {
	c := e.Clone()
	c.Unset(event.SlotRaw)
	quoted, err := json.Marshal(v)
	if err != nil {
		return false
	}
	want := strings.ToLower(strings.Trim(string(quoted), `"`))
	have := strings.ToLower(string(c.AppendJSON(nil)))
	return strings.Contains(have, want) || strings.Contains(have, strings.ReplaceAll(want, "-", ":"))
}
