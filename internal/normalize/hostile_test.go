package normalize_test

import (
	"fmt"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// attack is a source that somebody wrote to confuse its reader. Its last
// record must be read as if nothing had been before it, or be refused.
type attack struct {
	name, data string
	refused    string // part of the reason why the last record is refused; "" if it is read
	check      func(e *event.Event) string
}

const (
	zeekTop = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
	zeekRow = "1747735200.5\tCWfw0i3jkXbSYoYG8e\t192.0.2.7\t50112\t198.51.100.20\t80"
	eveTop  = `{"timestamp":"2025-05-20T12:00:00+0200","event_type":"flow","src_ip":"192.0.2.7"`
)

// source is the check that the record came from 192.0.2.7.
func source(e *event.Event) string {
	if e.SrcEndpointIP() != "192.0.2.7" {
		return "source is " + e.SrcEndpointIP()
	}
	return ""
}

func extra(name, want string) func(*event.Event) string {
	return func(e *event.Event) string {
		if got := e.Extra(name); got != want {
			return fmt.Sprintf("%s is %q, not %q", name, got, want)
		}
		return ""
	}
}

func suspect(e *event.Event) string {
	if !e.MetadataClockSuspect() {
		return "a wrong time is believed: " + e.TimeField().String()
	}
	return ""
}

func hostile(dialect string) []attack {
	switch dialect {
	case "zeek-tsv":
		return hostileTSV()
	case "zeek-json", "eve":
		return hostileJSON(dialect)
	case "syslog":
		return hostileSyslog()
	}
	if all := hostileFormats(dialect); all != nil {
		return all
	}
	return []attack{
		{name: "controls", data: "a\x00b\x1b[2J\x07\x7f"},
		{name: "no text", data: "\xff\xfe\xfd", check: func(e *event.Event) string {
			if e.Message() != `\xff\xfe\xfd` {
				return e.Message()
			}
			return ""
		}},
		{name: "year 9999", data: "9999-12-31T23:59:59Z x", check: suspect},
		{name: "year 0000", data: "0000-01-01T00:00:00Z x", check: suspect},
	}
}

func hostileTSV() []attack {
	fields := "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tx\n"
	return []attack{
		{name: "fewer columns than named", data: zeekTop + "#fields" + strings.Repeat("\tf", 30) + "\n" + zeekRow, refused: "6 columns where the header names 30"},
		{name: "more columns than named", data: zeekTop + fields + zeekRow + "\ta\tb\tc", check: extra("col9", "c")},
		{name: "types do not fit", data: zeekTop + fields + "#types\tset[\tvector[\t\t\n" + zeekRow + "\ta", check: source},
		{name: "unknown types", data: zeekTop + fields + "#types\tx\ty\tz\tq\tw\te\tr\n" + zeekRow + "\ta", check: source},
		{name: "odd separator", data: "#separator ,\n#fields,ts,uid,id.orig_h\n1747735200.5,C1,192.0.2.7", check: source},
		{name: "no separator", data: "#separator \n", refused: "names no separator"},
		{name: "separator of a set is nothing", data: zeekTop + "#set_separator\t\n" + fields + zeekRow + "\ta", check: source},
		{name: "column twice", data: zeekTop + "#fields\tts\tid.orig_h\tx\tx\n1747735200.5\t192.0.2.7\ta\tb", check: extra("x#2", "b")},
		{name: "a million columns", data: zeekTop + fields + zeekRow + strings.Repeat("\ta", 1_000_000), refused: "more than 1000 columns"},
		{name: "a header of a million columns", data: zeekTop + "#fields" + strings.Repeat("\tf", 1_000_000), refused: "more than 1000 columns"},
		{name: "a long column name", data: zeekTop + "#fields\t" + strings.Repeat("f", 100_000), refused: "column name longer"},
		{name: "a refused header leaves no columns", data: zeekTop + "#fields\t" + strings.Repeat("f", 100_000) + "\n" + zeekRow, check: source},
		{name: "a path of a megabyte", data: "#path\t" + strings.Repeat("p\x1b", 500_000) + "\n" + fields + zeekRow + "\ta", check: source},
		{name: "a path that climbs", data: "#path\t../../etc/passwd\n" + fields + zeekRow + "\ta", check: extra("_path", "../../etc/passwd")},
		{name: "bytes that are no text", data: zeekTop + fields + zeekRow + "\ta\xff\x00b", check: extra("x", "a\\xff\x00b")},
		{name: "escaped bytes that are no text", data: zeekTop + fields + zeekRow + "\t\\xff\\xc3\\xa9\\x0", check: extra("x", `\xffé\x0`)},
		{name: "port out of range", data: zeekTop + "#fields\tts\tid.orig_h\tid.orig_p\n1\t192.0.2.7\t70000", check: extra("id.orig_p", "70000")},
		{name: "year 9999", data: zeekTop + fields + "253402300799.0" + zeekRow[12:] + "\ta", check: suspect},
		{name: "beyond all years", data: zeekTop + fields + "99999999999999999999.0" + zeekRow[12:] + "\ta", check: suspect},
		{name: "before 1970", data: zeekTop + fields + "-86400.5" + zeekRow[12:] + "\ta", check: suspect},
		{name: "no number", data: zeekTop + fields + "NaN" + zeekRow[12:] + "\ta", check: suspect},
	}
}

func hostileJSON(dialect string) []attack {
	top, ts := eveTop, "timestamp"
	if dialect == "zeek-json" {
		top, ts = `{"_path":"conn","id.orig_h":"192.0.2.7"`, "ts"
	}
	deep := strings.Repeat(`{"a":`, 10_000)
	return []attack{
		{name: "10,000 objects deep", data: top + `,"x":` + deep + "1" + strings.Repeat("}", 10_001), refused: "nested deeper"},
		{name: "10,000 arrays deep", data: top + `,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", refused: "nested deeper"},
		{name: "never closed", data: top + `,"x":` + deep, refused: "nested deeper"},
		{name: "breaks off", data: top + `,"x":"a`, refused: "breaks off"},
		{name: "an unknown key twice", data: top + `,"x":"a","x":"b"}`, check: extra("x#2", "b")},
		{name: "a known key twice", data: top + `,"proto":"TCP","proto":"udp"}`, check: extra("proto", "udp")},
		{name: "the source twice", data: top + `,"src_ip":"203.0.113.9","id.orig_h":"203.0.113.9"}`, check: source},
		{name: "many values", data: top + `,"x":{` + strings.Repeat(`"a":1,`, 5000) + `"b":1}}`, refused: "more than 4000 values"},
		{name: "a long key over many values", data: top + `,"` + strings.Repeat("k", 100_000) + `":{"a":1,"b":2}}`, refused: "JSON key longer"},
		{name: "long keys in each other", data: top + `,"x":` + strings.Repeat(`{"`+strings.Repeat("k", 200)+`":`, 20) + "1" + strings.Repeat("}", 21), refused: "JSON key longer"},
		{name: "a long list", data: top + `,"x":[` + strings.Repeat("1,", 100_000) + "1]}", check: source},
		{name: "a nameless key", data: top + `,"":"a"}`, check: extra("(no name)", "a")},
		{name: "controls and NUL", data: top + `,"x":"a\u0000\u001b[2J\u202e"}`, check: extra("x", "a\x00\x1b[2J\u202e")},
		{name: "half a surrogate", data: top + `,"x":"\ud800"}`, check: extra("x", "\uFFFD")},
		{name: "bytes that are no text", data: top + ",\"x\":\"\xff\xfe\"}", check: extra("x", "\uFFFD\uFFFD")},
		{name: "numbers out of range", data: top + `,"x":1e999999,"src_port":-1,"id.orig_p":65536,"duration":1e400}`, check: extra("x", "1e999999")},
		{name: "a port of text", data: top + `,"src_port":"80; drop","id.orig_p":"80; drop"}`, check: source},
		{name: "an address of text", data: top + `,"dest_ip":"x","id.resp_h":"x"}`, check: source},
		{name: "year 9999", data: strings.Replace(top, "2025", "9999", 1) + `,"ts":253402300799.5}`, check: suspect},
		{name: "a time of text", data: strings.Replace(top, "2025-05", "x", 1) + `,"` + ts + `":"yesterday"}`, check: suspect},
		{name: "a negative time", data: strings.Replace(top, "2025", "1901", 1) + `,"ts":-2177452800}`, check: suspect},
		{name: "no time", data: strings.Replace(top, `"timestamp":"2025-05-20T12:00:00+0200",`, "", 1) + `}`, check: suspect},
		{name: "a type of a megabyte", data: strings.Replace(strings.Replace(top, `"flow"`, `"`+strings.Repeat(`é\t`, 10)+strings.Repeat("f", 1_000_000)+`"`, 1), `"conn"`, `"`+strings.Repeat("f", 1_000_000)+`"`, 1) + `}`},
		{name: "two objects", data: top + `} {"a":1}`, refused: "text after"},
		{name: "no object", data: `[1,2]`, refused: "not a JSON object"},
		{name: "nothing", data: `null`, refused: "not a JSON object"},
	}
}

func hostileSyslog() []attack {
	const at = "May 20 10:00:00 gw sshd[1]: "
	user := func(want string) func(*event.Event) string {
		return func(e *event.Event) string {
			if e.UserName() != want {
				return fmt.Sprintf("user is %q", e.UserName())
			}
			return source(e)
		}
	}
	return []attack{
		{name: "a user that spells a source", data: at + "Failed password for invalid user a from 203.0.113.9 port 22 ssh2 from 192.0.2.7 port 5 ssh2", check: user("a from 203.0.113.9 port 22 ssh2")},
		{name: "an unknown user that spells a source", data: at + "Invalid user a from 203.0.113.9 port 1 from 192.0.2.7 port 2", check: user("a from 203.0.113.9 port 1")},
		{name: "a user that spells an acceptance", data: at + "Failed password for invalid user Accepted password for root from 203.0.113.9 port 1 ssh2 from 192.0.2.7 port 2 ssh2", check: func(e *event.Event) string {
			if e.Status() != event.Failure {
				return "status is " + e.Status()
			}
			return source(e)
		}},
		{name: "repeated in itself", data: at + strings.Repeat("message repeated 9 times: [ ", 20_000) + "Failed password for root from 192.0.2.7 port 2 ssh2" + strings.Repeat("]", 20_000)},
		{name: "a long line", data: at + strings.Repeat("A", 1<<20)},
		{name: "a long program", data: "<13>1 2025-05-20T10:00:00Z h " + strings.Repeat("p", 100_000) + " - - - x"},
		{name: "a program that climbs", data: "<13>1 2025-05-20T10:00:00Z h ../../é\x1b - - - x"},
		{name: "structured data with brackets", data: `<13>1 2025-05-20T10:00:00Z h a - - [x@1 k="a] b \] c"] m`, check: extra("x@1.k", "a] b ] c")},
		{name: "structured data that never ends", data: `<13>1 2025-05-20T10:00:00Z h a - - [x@1 k="` + strings.Repeat(`\"`, 100_000), check: func(e *event.Event) string {
			if !strings.HasPrefix(e.Message(), "[x@1") {
				return "the message is lost"
			}
			return ""
		}},
		{name: "much structured data", data: `<13>1 2025-05-20T10:00:00Z h a - - ` + strings.Repeat(`[x@1 k="1"]`, 20_000) + " m"},
		{name: "controls and NUL", data: at + "Failed password for \x00\x1b[2J from 192.0.2.7 port 2 ssh2", check: user("\x00\x1b[2J")},
		{name: "bytes that are no text", data: at + "Failed password for \xff from 192.0.2.7 port 2 ssh2", check: user(`\xff`)},
		{name: "29 February", data: "Feb 29 10:00:00 h a: x", check: func(e *event.Event) string {
			if e.TimeField().Year() != 2024 {
				return e.TimeField().String()
			}
			return ""
		}},
		{name: "31 February", data: "Feb 31 10:00:00 h a: x", check: suspect},
		{name: "year 9999", data: "9999-01-01T00:00:00Z h a: x", check: suspect},
		{name: "not a priority", data: "<999>May 20 10:00:00 h a: x", check: extra("pri", "999")},
	}
}

// TestHostile reads sources that lie. No attack may panic, take minutes, put
// text into a log's name or a wrong address into the source.
func TestHostile(t *testing.T) {
	for name := range samples(t) {
		for _, a := range hostile(name) {
			t.Run(name+"/"+strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) {
				all := parseLines(dialect(t, name), "a.log", []byte(a.data))
				last := all[len(all)-1]
				checkOutcome(t, name, last, len(a.data))
				switch {
				case a.refused != "" && (last.err == nil || !strings.Contains(last.err.Error(), a.refused)):
					t.Errorf("error %v, want %q", last.err, a.refused)
				case a.refused == "" && last.err != nil:
					t.Errorf("refused: %v", last.err)
				case a.check != nil && last.event == nil:
					t.Error("no event")
				case a.check != nil:
					if bad := a.check(last.event); bad != "" {
						t.Errorf("%s in %.2000s", bad, last.event.AppendJSON(nil))
					}
				}
				if last.err != nil && len(last.err.Error()) > 300 {
					t.Errorf("a reason of %d bytes", len(last.err.Error()))
				}
			})
		}
	}
}

// TestParserGoesOn checks that a refused record does not spoil the next one.
func TestParserGoesOn(t *testing.T) {
	good := map[string]string{
		"zeek-tsv": zeekRow, "zeek-json": `{"ts":1,"id.orig_h":"192.0.2.7"}`, "eve": eveTop + "}",
		"syslog": "May 20 10:00:00 gw sshd[1]: Failed password for root from 192.0.2.7 port 2 ssh2",
	}
	for name, line := range good {
		p := newParser(dialect(t, name), "conn.log", nil)
		for _, bad := range []string{"\x00", "{", strings.Repeat("a\t", 2000), `{"a":[}`} {
			if o := parseOne(p, normalize.Record{Raw: []byte(bad)}); o.err == nil {
				t.Errorf("%s takes %.20q", name, bad)
			}
		}
		if o := parseOne(p, normalize.Record{Raw: []byte(line), Offset: 9}); o.err != nil || source(o.event) != "" {
			t.Errorf("%s: %v", name, o.err)
		}
	}
}
