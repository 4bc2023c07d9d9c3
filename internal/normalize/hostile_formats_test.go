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
