package normalize_test

import (
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"

	"vedette/internal/event"
)

// The values of records in the formats that have no header of columns and no
// JSON, read without the code under test.
var (
	cefPair   = regexp.MustCompile(`(\w+)=((?:\\.|[^\\])*?)(?: \w+=|$)`)
	auditPair = regexp.MustCompile(`(\w+)=("[^"]*"|[^\s']+)`)
	leefPair  = regexp.MustCompile(`(\w+)=([^\t^]*)`)
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
	switch dialect {
	case "radius", "radius-detail", "mqttlog":
		return wordsAfterTime(radiusTime.ReplaceAllString(raw, " "))
	case "access", "weberror", "w3c":
		return wordsAfterTime(raw)
	case "auditd":
		var out []field
		for _, m := range auditPair.FindAllStringSubmatch(raw, -1) {
			if m[1] != "msg" && m[1] != "type" {
				out = append(out, valueOf(m[1], unhex(m[1], m[2]))...)
			}
		}
		return out
	}
	return nil
}

var anyTime = regexp.MustCompile(`\[?\d{2,4}[-/](?:\d{2}|[A-Z][a-z]{2})[-/]\d{2,4}[: T]\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?|^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]+ \d{4}\]`)

// radiusTime is the time of radius.log and what detail files call the things that
// have a field, and the time of brokers.
var radiusTime = regexp.MustCompile(`^[A-Z][a-z]{2} [A-Z][a-z]{2} \d+ [\d:]+ \d{4}|(?m)^\t[\w-]+ = |^\d{10}:|^[\d-]+T[\d:.+]+|\\\\`)

// dotted is the MAC of a Cisco device, whose dots are not kept.
var dotted = regexp.MustCompile(`\b([0-9a-f]{2})([0-9a-f]{2})\.[0-9a-f]{4}\.[0-9a-f]{2}([0-9a-f]{2})\b`)

// wordsAfterTime are the words of a line but for its time.
func wordsAfterTime(raw string) []field {
	if strings.HasPrefix(raw, "#") {
		return nil
	}
	raw = dotted.ReplaceAllString(raw, "$1:$2:$3")
	var out []field
	for _, w := range strings.FieldsFunc(anyTime.ReplaceAllString(raw, " "), func(r rune) bool { return r <= 127 && !strings.ContainsRune(wordRunes, r) }) {
		if w != "HTTP" && w != "client" {
			out = append(out, field{"text", w})
		}
	}
	return out
}

// unhex undoes hexadecimal digits in the values of the audit log that are
// written so in the sample.
func unhex(key, v string) string {
	if v == "?" {
		return ""
	}
	if v = strings.Trim(v, `"'`); key == "proctitle" || key == "cmd" || key == "a2" && len(v) > 8 {
		if b, err := hex.DecodeString(v); err == nil {
			return strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return v
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

// isLast tells whether a value of an event of Windows is kept under its own
// name, without the objects around it.
func isLast(e *event.Event, f field) bool {
	if !strings.HasPrefix(e.MetadataLogName(), "windows/") {
		return false
	}
	last := f.key[strings.LastIndexByte(f.key, '.')+1:]
	for _, x := range e.Extras() {
		if x.Name == last && (x.Value == f.value || contains(x.Value, f.value)) {
			return true
		}
		if x.Value == f.value && !strings.Contains(f.key, "event_data") && !strings.Contains(f.key, "EventData") {
			return true // of the frame, whose names differ
		}
	}
	return namesField(e, f)
}

// namesField finds a value that is itself the name of a field.
func namesField(e *event.Event, f field) bool {
	return strings.HasSuffix(f.key, "Name") && e.Extra(f.value) != ""
}
