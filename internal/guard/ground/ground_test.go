package ground_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"vedette/internal/guard/ground"
)

var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func basis() *ground.Basis {
	return ground.NewBasis("what about port 23 and T1110.001?", []ground.Evidence{
		{ID: "E1", Columns: []string{"ip", "count", "time", "title"}, Rows: [][]any{
			{"10.0.0.5", int64(42), at, "exploit of CVE-2021-44228 seen"},
			{"10.0.0.6", int64(1234567), at.Add(time.Hour), "user maria of plc-07.example.net"},
		}, Total: 7},
		{ID: "E2", Columns: []string{"ip"}, Rows: [][]any{{"10.0.0.99"}}, Total: 1},
		{ID: "E3", Columns: []string{"src_endpoint.ip", "dst_endpoint.ip", "dst_endpoint.port", "traffic.bytes_out", "ratio(failed, count)", "failed", "count"}, Rows: [][]any{
			{"10.0.0.1", "10.0.0.2", int64(502), int64(24130), 0.75, int64(3), int64(4)},
		}, Total: 1},
		{ID: "E4", Columns: []string{"ics.function", "count"}, Rows: [][]any{
			{"End Upload", int64(8)}, {"End Request: Time Functions", int64(2)}, {"System Data Block", int64(4)}, {"Data Block", int64(1)},
		}, Total: 4},
		{ID: "E5", Columns: []string{"http_response.code", "count"}, Rows: [][]any{{int64(5), int64(4)}, {int64(9), int64(7)}, {int64(2), int64(6)}}, Total: 3},
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		text  string
		cites []string
		want  bool
	}{
		{"10.0.0.5 did it 42 times", []string{"E1"}, true},
		{"10.0.0.5 did it 42 times", []string{"E1.1"}, true},
		{"10.0.0.5 did it 42 times", []string{"E1.2"}, false},
		{"at 2026-03-10 12:00:00 UTC", []string{"E1"}, true},
		{"at 2026-03-10T12:00:00Z", []string{"E1"}, true},
		{"on 2026-03-10 at 12:00", []string{"E1.1"}, true},
		{"at 13:00 on 2026-03-10", []string{"E1.1"}, false},
		{"7 rows in all", []string{"E1"}, true},
		{"seven rows in all", []string{"E1"}, true},
		{"eight rows in all", []string{"E1"}, false},
		{"it is about CVE-2021-44228", []string{"E1"}, true},
		{"port 23 and technique T1110.001", []string{"E1"}, true}, // the question said so
		{"10.0.0.6 did it 1,234,567 times", []string{"E1"}, true},
		{"10.0.0.6 did it 1,234,568 times", []string{"E1"}, false},
		{"10.0.0.6 did it 1.23 million times", []string{"E1"}, true},
		{"10.0.0.6 did it 1.24 million times", []string{"E1"}, false},
		{"10.0.0.6 did it 42 times", []string{"E1"}, false}, // of two rows
		{"10.0.0.7 did it", []string{"E1"}, false},
		{"it happened 43 times", []string{"E1"}, false},
		{"at 2026-03-10 12:00:01 UTC", []string{"E1"}, false},
		{"this is CVE-2021-44229", []string{"E1"}, false},
		{"10.0.0.99 did it", []string{"E1"}, false}, // only evidence that is not cited has it
		{"the device 00:11:22:33:44:55 did it", []string{"E1"}, false},
		{"nothing in particular, without a fact", []string{"E1"}, true},
		{"it was maria on plc-07.example.net", []string{"E1"}, true},
		{"it was marko on plc-07.example.net", []string{"E1"}, false},
		{"it was maria on plc-08.example.net", []string{"E1"}, false},
		{"cites nothing real", []string{"E9"}, false},
		{"cites no row", []string{"E1.9"}, false},
		{"10.0.0.1 → 10.0.0.2 port 502", []string{"E3"}, true},
		{"10.0.0.2 → 10.0.0.1 port 502", []string{"E3"}, false},
		{"10.0.0.2 to 10.0.0.1", []string{"E3"}, false},
		{"10.0.0.1 → 10.0.0.2 port 503", []string{"E3"}, false},
		{"failed 3, count 4", []string{"E3"}, true},
		{"failed 4, count 3", []string{"E3"}, false},
		{"75 % of 4", []string{"E3"}, true},
		{"74 % of 4", []string{"E3"}, false},
		{"it sent 24.1 kB", []string{"E3"}, true},
		{"it sent 24.2 kB", []string{"E3"}, false},
		{"it sent 24,130 bytes", []string{"E3"}, true},
		{"3 of 3", []string{"E3"}, false}, // one 3 backs one 3
		{"::1 did it", []string{"E1"}, false},
		{"10.0.0.0/24 did it", []string{"E1"}, false},
		{"10.0.0.1:502 did it", []string{"E3"}, false},
		{"see 10.0.0.2:502", []string{"E3"}, true},
		{"End Request: Time Functions: 8", []string{"E4"}, false},
		{"End Upload: 8", []string{"E4"}, true},
		{"System Data Block: 4", []string{"E4"}, true},
		{"System Data Block: 1", []string{"E4"}, false},
		{"Data Block: 1", []string{"E4"}, true},
		{"5: 4", []string{"E5"}, true},
		{"4: 5", []string{"E5"}, false},
		{"two hundred rows", []string{"E1"}, false},
	} {
		if got := basis().Check(c.text, c.cites); got.OK != c.want {
			t.Errorf("%q on %v: %t (%s)", c.text, c.cites, got.OK, got.Why)
		}
	}
}

func TestComputedValuesAreComputedAgain(t *testing.T) {
	for _, c := range []struct {
		text string
		by   ground.Computed
		want bool
	}{
		{"1234609 in all", ground.Computed{Fn: ground.Sum, Evidence: "E1", Column: "count"}, true},
		{"1234610 in all", ground.Computed{Fn: ground.Sum, Evidence: "E1", Column: "count"}, false},
		{"5 more are listed", ground.Computed{Fn: ground.Rest, Evidence: "E1", N: 2}, true},
		{"4 more are listed", ground.Computed{Fn: ground.Rest, Evidence: "E1", N: 2}, false},
		{"75 %", ground.Computed{Fn: ground.Percent, Evidence: "E3", Column: "failed", Whole: "count"}, true},
		{"76 %", ground.Computed{Fn: ground.Percent, Evidence: "E3", Column: "failed", Whole: "count"}, false},
		{"at most 42", ground.Computed{Fn: ground.Max, Evidence: "E1", Column: "count"}, false}, // not all rows are here
		{"sum of nothing", ground.Computed{Fn: ground.Sum, Evidence: "E1", Column: "nothing"}, false},
		{"sum of nothing", ground.Computed{Fn: ground.Sum, Evidence: "E8", Column: "count"}, false},
		{"sum of texts", ground.Computed{Fn: ground.Sum, Evidence: "E1", Column: "title"}, false},
	} {
		cite := "E1"
		if c.by.Evidence == "E3" {
			cite = "E3"
		}
		if got := basis().Check(c.text, []string{cite}, c.by); got.OK != c.want {
			t.Errorf("%q by %v: %t (%s)", c.text, c.by, got.OK, got.Why)
		}
	}
}

// Checking never panics, and a text taken from a cell is always backed by it.
func FuzzCellBacksItself(f *testing.F) {
	for _, s := range []string{"10.0.0.1:80", "1,234 ms", "::", "T1110.001 'x'", "-5 %", "2026-03-10 12:00:00+02:00", "twenty-one hundred", "a\u202e\x00b", "\xff\xfe", "9999999999999999999999e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		b := ground.NewBasis("", []ground.Evidence{{ID: "E1", Columns: []string{"title"}, Rows: [][]any{{cell}}, Total: 1}})
		if got := b.Check(ground.Clean(cell), []string{"E1.1"}); !got.OK {
			t.Errorf("%q does not back itself: %s", cell, got.Why)
		}
	})
}

// A claim about a large result is checked well within the time that a person
// waits for a sentence.
func BenchmarkCheck(b *testing.B) {
	rows := make([][]any, 1000)
	for i := range rows {
		rows[i] = []any{fmt.Sprintf("10.0.%d.%d", i/250, i%250), "host-" + strconv.Itoa(i), int64(i * 7), at.Add(time.Duration(i) * time.Second)}
	}
	evidence := []ground.Evidence{{ID: "E1", Columns: []string{"src_endpoint.ip", "name", "count", "last"}, Rows: rows, Total: 1000}}
	for name, c := range map[string]struct {
		text string
		cite string
	}{
		"row":     {"host-700 (10.0.2.200): 4900, last 2026-03-10 12:11:40 UTC", "E1.701"},
		"whole":   {"host-700 (10.0.2.200): 4900, last 2026-03-10 12:11:40 UTC", "E1"},
		"refused": {"host-700 (10.0.2.200): 4901, last 2026-03-10 12:11:40 UTC", "E1"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ground.NewBasis("", evidence).Check(c.text, []string{c.cite})
			}
		})
	}
}
