package normalize_test

import (
	"strings"

	"vedette/internal/event"
)

// hostileFormats are the attacks on the dialects that need few of them.
func hostileFormats(dialect string) []attack {
	switch dialect {
	case "cef":
		return hostileCEF()
	case "leef":
		return hostileLEEF()
	case "windows":
		return hostileWindows()
	case "auditd":
		return hostileAuditd()
	}
	return nil
}

const cefTop = "CEF:0|a|b|1|2|n|5|src=192.0.2.7 "

func user(want string) func(*event.Event) string {
	return func(e *event.Event) string {
		if e.UserName() != want {
			return "user is " + e.UserName()
		}
		return ""
	}
}

func hostileCEF() []attack {
	return []attack{
		{name: "a user that spells a source", data: cefTop + `suser=a src\=203.0.113.9`, check: user("a src=203.0.113.9")},
		{name: "the source twice", data: cefTop + "src=203.0.113.9", check: source},
		{name: "an address of text", data: "CEF:0|a|b|1|2|n|5|src=x", check: extra("src", "x")},
		{name: "a label for another field", data: cefTop + "cs1=a cs1Label=cs2 cs2=b", check: extra("cs2", "a")},
		{name: "a custom field twice", data: cefTop + "cs1=a cs1=b", check: extra("cs1", "b")},
		{name: "many pairs", data: cefTop + strings.Repeat("k=v ", 100_000), check: source},
		{name: "different pairs", data: cefTop + manyKeys(5000), check: source},
		{name: "many equals signs", data: cefTop + "x=" + strings.Repeat("=", 200_000), check: source},
		{name: "many escapes", data: cefTop + "x=" + strings.Repeat(`\`, 200_001), check: source},
		{name: "a header that never ends", data: "CEF:0|" + strings.Repeat("a", 100_000), refused: "neither"},
		{name: "a product that climbs", data: "CEF:0|a|../../\x1b|1|2|n|5|src=192.0.2.7", check: source},
		{name: "bytes that are no text", data: cefTop + "suser=\xff\x00", check: user("\\xff\x00")},
		{name: "year 9999", data: cefTop + "rt=253402300799000", check: suspect},
		{name: "a severity out of range", data: "CEF:0|a|b|1|2|n|9999999999999999999999|src=192.0.2.7", check: source},
	}
}

func hostileLEEF() []attack {
	const top = "LEEF:2.0|a|b|1|2|^|src=192.0.2.7^"
	return []attack{
		{name: "many pairs", data: top + strings.Repeat("k=v^", 100_000), check: source},
		{name: "no delimiter", data: "LEEF:2.0|a|b|1|2||src=192.0.2.7\tx=1", check: source},
		{name: "a delimiter out of range", data: "LEEF:2.0|a|b|1|2|xFFFF|src=192.0.2.7\tx=1", check: source},
		{name: "a long time format", data: top + "devTime=x^devTimeFormat=" + strings.Repeat("y", 100_000), check: suspect},
		{name: "a time format of text", data: top + "devTime=5^devTimeFormat=''''", check: source},
		{name: "bytes that are no text", data: top + "usrName=\xff", check: user(`\xff`)},
		{name: "breaks off", data: "LEEF:1.0|a|b", refused: "neither"},
	}
}

// manyKeys are n pairs of different keys.
func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k")
		b.WriteString(strings.Repeat("x", i%50))
		b.WriteString(string(rune('a' + i%26)))
		b.WriteString("=v ")
	}
	return b.String()
}

func hostileWindows() []attack {
	const top = `{"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws","SourceIp":"192.0.2.7","UtcTime":"2025-05-20 10:00:00.000"`
	return []attack{
		{name: "an id twice", data: top + `,"EventID":1}`, check: extra("EventID", "1")},
		{name: "a field twice", data: top + `,"SourceIp":"203.0.113.9"}`, check: source},
		{name: "an address of text", data: strings.Replace(top, "192.0.2.7", "x", 1) + `}`, check: extra("SourceIp", "x")},
		{name: "a port of text", data: top + `,"SourcePort":"99999999999999999999"}`, check: source},
		{name: "many answers", data: strings.Replace(top, ":3,", ":22,", 1) + `,"QueryResults":"` + strings.Repeat("192.0.2.1;", 100_000) + `"}`},
		{name: "a long channel", data: `{"EventID":1,"Channel":"` + strings.Repeat("é/", 100_000) + `","Hostname":"h","UtcTime":"2025-05-20 10:00:00"}`},
		{name: "data of one name", data: `{"Event":{"System":{"EventID":1},"EventData":{"Data":[{"Name":"a"},{"Name":"b","#text":"c"}]}}}`, check: extra("b", "c")},
		{name: "nested too deep", data: top + `,"x":` + strings.Repeat(`{"a":`, 10_000), refused: "nested deeper"},
		{name: "year 9999", data: `{"EventID":1,"Channel":"Security","Hostname":"h","TimeCreated":"9999-01-01T00:00:00Z"}`, check: suspect},
		{name: "no object", data: `[]`, refused: "not a JSON object"},
	}
}

func hostileAuditd() []attack {
	const top = "type=USER_LOGIN msg=audit(1747735200.243:1): "
	return []attack{
		{name: "an account that spells an address", data: top + `msg='acct="a addr=203.0.113.9" addr=192.0.2.7 res=failed'`, check: source},
		{name: "the address twice", data: top + "addr=192.0.2.7 addr=203.0.113.9", check: source},
		{name: "hexadecimal that is none", data: top + "addr=192.0.2.7 acct=ABCX", check: user("ABCX")},
		{name: "bytes in hexadecimal", data: top + "addr=192.0.2.7 acct=FF00", check: user(`\xff`)},
		{name: "a quote that never ends", data: top + `addr=192.0.2.7 acct="` + strings.Repeat("a ", 100_000), check: source},
		{name: "many events at once", data: strings.Repeat("type=SYSCALL msg=audit(1747735200.243:1): a=1\ntype=SYSCALL msg=audit(1747735200.243:2): a=1\n", 500)},
		{name: "msg in msg", data: top + strings.Repeat("msg='a=1 ", 10_000)},
		{name: "msg of msg", data: top + strings.Repeat("msg=", 100_000)},
		{name: "many pairs", data: top + "addr=192.0.2.7 " + manyKeys(5000), check: source},
		{name: "no time", data: "type=X msg=audit(:1): addr=192.0.2.7", refused: "not a record"},
		{name: "a far time", data: "type=X msg=audit(99999999999999999999.1:1): addr=192.0.2.7", check: suspect},
	}
}
