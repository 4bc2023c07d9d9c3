package copilot

import (
	"testing"
	"time"

	"vedette/internal/guard/ground"
)

func TestVerifierMarksWhatNothingBacks(t *testing.T) {
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	ans := &Answer{
		Question: "what about port 23 and T1110.001?",
		Evidence: []Evidence{
			{ID: "E1", Columns: []string{"ip", "count", "time", "title"}, Rows: [][]any{{"10.0.0.5", int64(42), at, "exploit of CVE-2021-44228 seen"}}, Total: 7},
			{ID: "E2", Columns: []string{"ip"}, Rows: [][]any{{"10.0.0.99"}}, Total: 1},
		},
	}
	for text, want := range map[string]string{
		"10.0.0.5 did it 42 times":              "verified",
		"at 2026-03-10 12:00:00 UTC":            "verified",
		"7 rows in all":                         "verified",
		"it is about CVE-2021-44228":            "verified",
		"port 23 and technique T1110.001":       "verified", // the question said so
		"10.0.0.6 did it":                       "unsupported",
		"it happened 43 times":                  "unsupported",
		"at 2026-03-10 12:00:01 UTC":            "unsupported",
		"this is CVE-2021-44229":                "unsupported",
		"10.0.0.99 did it":                      "unsupported", // only evidence that is not cited has it
		"the device 00:11:22:33:44:55 did it":   "unsupported",
		"nothing in particular, without a fact": "verified",
	} {
		got := verify([]Sentence{{Text: text, Evidence: []string{"E1"}}}, ans)[0].Status
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if got := verify([]Sentence{{Text: "cites nothing real", Evidence: []string{"E9"}}}, ans)[0].Status; got != "unsupported" {
		t.Errorf("a sentence that cites unknown evidence is %s", got)
	}
	if got := verify([]Sentence{{Text: "75 percent", Evidence: []string{"E1"}, computed: []ground.Computed{{Fn: ground.Given, Text: "75 %"}}}}, ans)[0].Status; got != "verified" {
		t.Errorf("a recomputed number is %s", got)
	}
}
