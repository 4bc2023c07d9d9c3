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
	case "radius", "radius-detail", "mqttlog":
		return hostileServers(dialect)
	case "access", "weberror", "w3c":
		return hostileWeb(dialect)
	case "ocsf":
		return hostileOCSF()
	case "nfdump", "argus":
		return hostileFlows(dialect)
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

func hostileWeb(dialect string) []attack {
	const access = `192.0.2.7 - - [20/May/2025:12:00:00 +0200] `
	const w3c = "#Fields: date time c-ip cs-uri-stem\n2025-05-20 12:00:00 192.0.2.7 "
	switch dialect {
	case "w3c":
		return []attack{
			{name: "a header of many columns", data: "#Fields:" + strings.Repeat(" f", 100_000), refused: "more than 200 columns"},
			{name: "a long column name", data: "#Fields: " + strings.Repeat("f", 100_000), refused: "column name longer"},
			{name: "fewer columns than named", data: "#Fields: a b c\n1 2", refused: "2 columns where the header names 3"},
			{name: "more columns than named", data: w3c + "/ more", check: extra("col5", "more")},
			{name: "a million columns", data: w3c + strings.Repeat(" x", 1_000_000), refused: "more than 200 columns"},
			{name: "a column twice", data: "#Fields: c-ip c-ip\n192.0.2.7 203.0.113.9", check: source},
			{name: "no header", data: "192.0.2.7 x", refused: "before any #Fields"},
			{name: "a date of text", data: "#Fields: date time c-ip\nx y 192.0.2.7", check: extra("date", "x")},
		}
	case "weberror":
		const top = "[Tue May 20 12:00:00 2025] [error] "
		return []attack{
			{name: "a client in the text", data: top + "[client 192.0.2.7] x [client 203.0.113.9] y", check: source},
			{name: "a client that is none", data: top + "[client ]:]:] x"},
			{name: "many clients", data: "2025/05/20 12:00:00 [error] 1#1: x" + strings.Repeat(", client: 192.0.2.7", 10_000), check: source},
			{name: "a long line", data: top + strings.Repeat("[", 1<<20)},
		}
	}
	return []attack{
		{name: "a request that spells a line", data: access + `"GET /\" 200 1 \"x HTTP/1.1" 404 9`, check: func(e *event.Event) string {
			if e.HTTPResponseCode() != 404 {
				return "another code"
			}
			return source(e)
		}},
		{name: "bytes on the port", data: access + `"\x16\x03\x01" 400 0`, check: extra("request", `\x16\x03\x01`)},
		{name: "a user with spaces", data: `192.0.2.7 - a b [c] [20/May/2025:12:00:00 +0200] "GET / HTTP/1.0" 200 1`, check: user("a b [c]")},
		{name: "an address of text", data: `x' - - [20/May/2025:12:00:00 +0200] "GET / HTTP/1.0" 200 1`},
		{name: "a code out of range", data: access + `"GET / HTTP/1.0" 999 99999999999999999999`, check: source},
		{name: "a long request", data: access + `"GET /` + strings.Repeat(`\"`, 500_000) + `" 200 1`, check: source},
		{name: "many fields", data: access + `"GET / HTTP/1.0" 200 1` + strings.Repeat(` "x"`, 100_000), check: source},
		{name: "31 February", data: strings.Replace(access, "20/May", "31/Feb", 1) + `"GET / HTTP/1.0" 200 1`, check: suspect},
	}
}

func hostileServers(dialect string) []attack {
	const auth = "Tue May 20 12:00:00 2025 : Auth: (1) Login incorrect: "
	const head = "Tue May 20 12:00:00 2025\n\tUser-Name = \"a\"\n"
	switch dialect {
	case "radius":
		return []attack{
			{name: "a user that spells a client", data: auth + "[x/y] (from client c port 1 cli 203.0.113.9) [b/z] (from client d port 2 cli 192.0.2.7)", check: source},
			{name: "a user with slashes", data: auth + "[a/b/c/pw] (from client d port 2)", check: user("a/b/c")},
			{name: "a long user", data: auth + "[" + strings.Repeat("a", 1<<20) + "] (from client d port 2)"},
			{name: "many brackets", data: auth + strings.Repeat("[", 200_000)},
			{name: "31 February", data: "Tue Feb 31 12:00:00 2025 : Info: x", check: suspect},
			{name: "no line", data: "x", refused: "not a line"},
		}
	case "radius-detail":
		return []attack{
			{name: "many attributes", data: head + strings.Repeat("\tA = 1\n", 10_000), check: user("a")},
			{name: "a long attribute", data: head + "\tA = " + strings.Repeat("x", 1<<20), check: user("a")},
			{name: "an attribute twice", data: head + "\tUser-Name = \"b\"", check: user("a")},
			{name: "attributes of nobody", data: "\tA = 1", refused: "without a request"},
			{name: "bytes that are no text", data: "Tue May 20 12:00:00 2025\n\tUser-Name = \"\\377\"", check: user(`\xff`)},
		}
	}
	return []attack{
		{name: "a client that spells an address", data: "1747735200: New client connected from 192.0.2.7:1 as x (p2, c1, k60, u'root'). as b (p2, c1, k60, u'y').", check: source},
		{name: "a user that spells a client", data: "1747735200: New client connected from 192.0.2.7:1 as b (p2, c1, k60, u'a').", check: user("a")},
		{name: "a long client", data: "1747735200: Client " + strings.Repeat("a ", 500_000) + " disconnected."},
		{name: "many pairs", data: "2025-05-20T10:00:09.1+00:00 [info] " + strings.Repeat("clientid: a, ", 50_000)},
		{name: "no line", data: "x", refused: "not a line"},
	}
}
