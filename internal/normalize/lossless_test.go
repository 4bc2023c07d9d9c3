package normalize_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// field is one value of a raw record, read without the code under test.
type field struct{ key, value string }

// TestSamplesAreLossless checks that each value of each raw record is
// somewhere in its event: under its own name as an extra, or in a field.
func TestSamplesAreLossless(t *testing.T) {
	for name, paths := range samples(t) {
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all := parseLines(dialect(t, name), filepath.Base(path), data)
			for _, lost := range lostValues(name, all) {
				t.Errorf("%s: %s", path, lost)
			}
		}
	}
}

// lostValues says which values of the raw records are not in their events.
func lostValues(dialect string, all []outcome) []string {
	var lost []string
	var header []string
	for _, o := range all {
		var fields []field
		switch dialect {
		case "zeek-tsv":
			if h, ok := strings.CutPrefix(string(o.raw), "#fields\t"); ok {
				header = strings.Split(h, "\t")
			}
			fields = cellsOf(string(o.raw), header)
		case "zeek-json", "eve", "windows", "ocsf":
			fields = leavesOf(o.raw)
		case "syslog":
			fields = wordsOf(string(o.raw))
		default:
			fields = fieldsOf(dialect, string(o.raw))
		}
		if o.event == nil {
			continue
		}
		if !strings.HasPrefix(o.event.Str(event.SlotRaw), string(o.raw[:min(4, len(o.raw))])) {
			lost = append(lost, fmt.Sprintf("offset %d: raw is %q", o.offset, o.event.Str(event.SlotRaw)))
		}
		for _, f := range fields {
			if !holds(o.event, f) {
				lost = append(lost, fmt.Sprintf("offset %d: %s=%q is not in %s", o.offset, f.key, f.value, o.event.AppendJSON(nil)))
			}
		}
	}
	return lost
}

// cellsOf cuts a row of tab-separated Zeek; nil for a header line.
func cellsOf(line string, header []string) []field {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	var out []field
	for i, cell := range strings.Split(line, "\t") {
		f := field{"col" + strconv.Itoa(i+1), cell}
		if i < len(header) {
			f.key = header[i]
		}
		if cell != "-" && cell != "(empty)" && cell != "" {
			out = append(out, f)
		}
	}
	return out
}

// leavesOf flattens a JSON object with encoding/json's own maps.
func leavesOf(raw []byte) []field {
	var out []field
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(strings.TrimPrefix(key+"."+k, "."), x)
			}
		case []any:
			for i, x := range v {
				if _, nested := x.(map[string]any); nested {
					walk(key+"."+strconv.Itoa(i), x)
				} else {
					walk(key, x)
				}
			}
		case nil:
		default:
			if s := fmt.Sprint(v); s != "" {
				out = append(out, field{key, s})
			}
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var m map[string]any
	if dec.Decode(&m) != nil {
		return nil
	}
	walk("", m)
	return out
}

var syslogTime = regexp.MustCompile(`^(?:<\d+>)?(?:1 )?(?:\d+: )?(?:(?:Mon|Tue|Wed) )?\*?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?[\d:.]{8,}(?: \d{4} )?|[\d-]+T\S+|- |date=)|\[\d\d/\w+/\d{4}[^\]]*\]|audit\([\d.]+|device_time`)

const wordRunes = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// wordsOf are the words after the time of a syslog line.
func wordsOf(line string) []field {
	var out []field
	for _, w := range strings.FieldsFunc(strings.ToValidUTF8(syslogTime.ReplaceAllString(line, ""), ""), func(r rune) bool {
		return r <= 127 && !strings.ContainsRune(wordRunes, r)
	}) {
		out = append(out, field{"word", w})
	}
	return out
}

// holds tells whether the event has the value: as an extra of that name, or in
// some known field; a value of several members may be in there in parts.
func holds(e *event.Event, f field) bool {
	switch f.key {
	case "word":
		return wordOutsideRaw(e, f.value)
	case "text":
		return textOutsideRaw(e, f.value)
	}
	if x := e.Extra(f.key); x == f.value || x != "" && contains(x, f.value) {
		return true
	}
	if isLast(e, f) {
		return true
	}
	if strings.HasPrefix(f.key, "col") { // no header named it
		for _, x := range e.Extras() {
			if x.Value == f.value {
				return true
			}
		}
	}
	for _, s := range e.Slots() {
		if s != event.SlotRaw && s != event.SlotMetadataUID && same(e, s, f.value) {
			return true
		}
	}
	return false
}

func wordOutsideRaw(e *event.Event, w string) bool {
	c := e.Clone()
	c.Unset(event.SlotRaw)
	return strings.Contains(string(c.AppendJSON(nil)), w)
}

// contains tells whether a joined list has the member, or all the members of
// another spelling of the list.
func contains(joined, v string) bool {
	have := map[string]bool{}
	for x := range strings.SplitSeq(joined, ", ") {
		have[x] = true
	}
	if have[v] {
		return true
	}
	for x := range strings.SplitSeq(v, ",") {
		if !have[x] && !have[unescaped(x)] {
			return false
		}
	}
	return true
}

// unescaped undoes \xNN where the result is text.
func unescaped(v string) string {
	s, err := strconv.Unquote(`"` + strings.ReplaceAll(v, `"`, `\"`) + `"`)
	if err != nil {
		return v
	}
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// renamed are the values that parsers give another word.
var renamed = map[string]string{
	"allowed": "Allowed", "blocked": "Blocked", "success": "ok", "Success": "ok", "0x00": "ok",
	"WrMultRegs": "WRITE_MULTIPLE_REGISTERS", "RdHoldRegs": "READ_HOLDING_REGISTERS",
}

func same(e *event.Event, s event.Slot, v string) bool {
	switch event.FieldOf(s).Kind {
	case event.Int:
		n, err := strconv.ParseInt(v, 0, 64)
		return err == nil && n == e.Int(s)
	case event.Float:
		n, err := strconv.ParseFloat(v, 64)
		return err == nil && n == e.Float(s)
	case event.Bool:
		return strings.EqualFold(v, strconv.FormatBool(e.Bool(s))) || v == "T" && e.Bool(s) || v == "F" && !e.Bool(s)
	case event.Time:
		return sameTime(v, e.Time(s))
	case event.List:
		return contains(strings.Join(e.List(s), ", "), v)
	case event.IP:
		a, err := netip.ParseAddr(v)
		return err == nil && a.Unmap().String() == e.Str(s)
	case event.String:
	}
	have := e.Str(s)
	return strings.EqualFold(have, strings.TrimSpace(v)) || have == renamed[v] || have == unescaped(v) || contains(have, v) ||
		strings.HasPrefix(e.MetadataLogName(), "suricata/") && have == "suricata/"+v || have == "zeek/"+v
}

func sameTime(v string, when time.Time) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.Equal(when)
		}
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return false
	}
	seconds := float64(when.UnixMicro()) / 1e6
	return math.Abs(f-seconds) < 1e-3 || math.Abs(f/1000-seconds) < 1e-3
}

// TestRecordIsKeptWhole checks that raw is the record to the byte where it is
// valid text.
func TestRecordIsKeptWhole(t *testing.T) {
	d := dialect(t, "eve")
	raw := []byte(`{"timestamp":"2025-05-20T12:00:00.5+0200", "event_type" : "flow","x":null,"y":[]}`)
	o := parseOne(newParser(d, "eve.json", raw), normalize.Record{Raw: raw})
	if o.err != nil || o.event.Str(event.SlotRaw) != string(raw) {
		t.Errorf("raw is %q, %v", o.event.Str(event.SlotRaw), o.err)
	}
}
