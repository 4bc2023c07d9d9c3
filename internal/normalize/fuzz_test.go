package normalize_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

func FuzzZeekTSV(f *testing.F)  { fuzz(f, "zeek-tsv") }
func FuzzZeekJSON(f *testing.F) { fuzz(f, "zeek-json") }
func FuzzEVE(f *testing.F)      { fuzz(f, "eve") }
func FuzzSyslog(f *testing.F)   { fuzz(f, "syslog") }
func FuzzCEF(f *testing.F)      { fuzz(f, "cef") }
func FuzzLEEF(f *testing.F)     { fuzz(f, "leef") }
func FuzzWindows(f *testing.F)  { fuzz(f, "windows") }
func FuzzAuditd(f *testing.F)   { fuzz(f, "auditd") }
func FuzzAccess(f *testing.F)   { fuzz(f, "access") }
func FuzzWebError(f *testing.F) { fuzz(f, "weberror") }
func FuzzW3C(f *testing.F)      { fuzz(f, "w3c") }
func FuzzRadius(f *testing.F)   { fuzz(f, "radius") }
func FuzzDetail(f *testing.F)   { fuzz(f, "radius-detail") }
func FuzzMQTTLog(f *testing.F)  { fuzz(f, "mqttlog") }
func FuzzText(f *testing.F)     { fuzz(f, "text") }
func FuzzOCSF(f *testing.F)     { fuzz(f, "ocsf") }
func FuzzNfdump(f *testing.F)   { fuzz(f, "nfdump") }
func FuzzArgus(f *testing.F)    { fuzz(f, "argus") }

// fuzz feeds a whole source to one dialect. What holds whatever is in it: no
// panic; a record gives one sound event, an error, or (a header) neither; the
// event is not much larger than what the source has said so far; reading twice
// gives the same events.
func fuzz(f *testing.F, name string) {
	for _, path := range samples(f)[name] {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range hostile(name) {
		if len(s.data) < 8<<10 { // large seeds make the fuzzer slow, TestHostile has them
			f.Add([]byte(s.data))
		}
	}
	d := dialect(f, name)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, x := range normalize.Dialects() {
			if n := x.Detect(data, "a.log"); n < 0 || n > 100 {
				t.Errorf("%s is %d %% sure", x.Name, n)
			}
		}
		first, again := parseLines(d, "fuzz.log", data), parseLines(d, "fuzz.log", data)
		for i, o := range first {
			checkOutcome(t, name, o, len(data))
			if o.event != nil && !bytes.Equal(o.event.AppendJSON(nil), again[i].event.AppendJSON(nil)) {
				t.Errorf("at %d: another event the second time", o.offset)
			}
		}
	})
}

// mayBeSilent are the dialects that have headers, or put several records into
// one event.
var mayBeSilent = map[string]bool{"nfdump": true, "argus": true, "zeek-tsv": true, "auditd": true, "w3c": true, "radius-detail": true}

func checkOutcome(t *testing.T, name string, o outcome, whole int) {
	t.Helper()
	switch {
	case o.err != nil && strings.Contains(o.err.Error(), "BROKEN"):
		t.Errorf("at %d: %v of %q", o.offset, o.err, o.raw)
	case o.event == nil && o.err == nil && !mayBeSilent[name]:
		t.Errorf("at %d: neither an event nor an error of %q", o.offset, o.raw)
	case o.event != nil:
		// Names come with each value, and the worst byte becomes \u00XX twice.
		if n, limit := weight(o.event), 4096+40*whole+600*len(o.raw); n > limit {
			t.Errorf("at %d: %d bytes of event of a record of %d", o.offset, n, len(o.raw))
		}
	}
}

// weight is how many bytes of text the event holds.
func weight(e *event.Event) int {
	n := 0
	for _, s := range e.Slots() {
		n += len(e.Str(s)) + 8
		for _, v := range e.List(s) {
			n += len(v)
		}
	}
	for _, x := range e.Extras() {
		n += len(x.Name) + len(x.Value)
	}
	return n
}
