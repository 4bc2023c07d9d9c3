package eval

import (
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/copilot"
)

func answer(status copilot.AnswerStatus, total int64, columns []string, rows ...[]any) *copilot.Answer {
	return &copilot.Answer{Status: status, Evidence: []copilot.Evidence{{ID: "E1", Columns: columns, Rows: rows, Total: total}}}
}

func TestGrade(t *testing.T) {
	at := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	ok := copilot.StatusAnswered
	table := answer(ok, 2, []string{"ip", "count"}, []any{"10.0.0.1", int64(9)}, []any{"10.0.0.2", int64(3)})
	for name, c := range map[string]struct {
		want Expect
		got  *copilot.Answer
		is   Verdict
	}{
		"number":                      {Expect{Number: new(42.0)}, answer(ok, 1, []string{"count"}, []any{int64(42)}), Right},
		"number off by one":           {Expect{Number: new(42.0)}, answer(ok, 1, []string{"count"}, []any{int64(43)}), Wrong},
		"large number off by one":     {Expect{Number: new(100000.0)}, answer(ok, 1, []string{"count"}, []any{int64(100001)}), Wrong},
		"fraction nearly":             {Expect{Number: new(12.345)}, answer(ok, 1, []string{"avg"}, []any{12.3449}), Right},
		"number of listed events":     {Expect{Number: new(7.0)}, answer(ok, 7, []string{"time", "user"}, []any{at, "a"}, []any{at, "b"}), Right},
		"none":                        {Expect{Number: new(0.0)}, answer(ok, 0, []string{"count"}), Right},
		"rows":                        {Expect{Rows: [][]any{{"10.0.0.1", 9.0}, {"10.0.0.2", 3.0}}}, table, Right},
		"rows, wrong figure":          {Expect{Rows: [][]any{{"10.0.0.1", 9.0}, {"10.0.0.2", 4.0}}}, table, Wrong},
		"rows, one missing":           {Expect{Rows: [][]any{{"10.0.0.1", 9.0}}}, table, Wrong},
		"rows, wrong order":           {Expect{Rows: [][]any{{"10.0.0.2", 3.0}, {"10.0.0.1", 9.0}}}, table, Wrong},
		"set":                         {Expect{Set: &[]string{"10.0.0.2", "10.0.0.1"}}, table, Right},
		"set, one too few":            {Expect{Set: &[]string{"10.0.0.1"}}, table, Wrong},
		"time":                        {Expect{Time: &at}, answer(ok, 1, []string{"first"}, []any{at.Add(400 * time.Millisecond)}), Right},
		"time of another day":         {Expect{Time: &at}, answer(ok, 1, []string{"first"}, []any{at.Add(24 * time.Hour)}), Wrong},
		"yes":                         {Expect{Yes: new(true)}, answer(ok, 1, []string{"count"}, []any{int64(3)}), Right},
		"no":                          {Expect{Yes: new(false)}, answer(ok, 1, []string{"count"}, []any{int64(0)}), Right},
		"yes that is no":              {Expect{Yes: new(true)}, answer(ok, 1, []string{"count"}, []any{int64(0)}), Wrong},
		"refused as it should":        {Expect{Refuse: true}, &copilot.Answer{Status: copilot.StatusRefused}, Right},
		"answered the unanswerable":   {Expect{Refuse: true}, table, Wrong},
		"refused the answerable":      {Expect{Number: new(1.0)}, &copilot.Answer{Status: copilot.StatusNotUnderstood}, Hedged},
		"wrong but said to be partly": {Expect{Number: new(1.0)}, answer(copilot.StatusPartly, 1, []string{"count"}, []any{int64(2)}), Hedged},
		"one of several readings":     {Expect{AnyOf: []Expect{{Number: new(5.0)}, {Number: new(6.0)}}}, answer(ok, 1, []string{"count"}, []any{int64(6)}), Right},
	} {
		if got := Grade(c.want, c.got); got != c.is {
			t.Errorf("%s: %s, want %s", name, got, c.is)
		}
	}
}

// The questions that ship are well formed and enough, and half of them blind.
func TestQuestionsAreWellFormed(t *testing.T) {
	sets, questions, err := Parse(content.Questions())
	if err != nil {
		t.Fatal(err)
	}
	names, used, halves := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, s := range sets {
		names[s.Name] = true
	}
	ids := map[string]bool{}
	for _, q := range questions {
		if ids[q.ID] || !names[q.Dataset] || q.Half != "seen" && q.Half != "blind" {
			t.Errorf("question %s (%s, %s) is double or of no known set or half", q.ID, q.Dataset, q.Half)
		}
		e := q.Expect
		if e.Number == nil && e.Rows == nil && e.Set == nil && e.Time == nil && e.Yes == nil && !e.Refuse && len(e.AnyOf) == 0 {
			t.Errorf("question %s expects nothing", q.ID)
		}
		ids[q.ID], used[q.Dataset] = true, true
		halves[q.Half]++
	}
	if len(questions) < 100 || len(used) < 3 || halves["blind"] < halves["seen"] {
		t.Errorf("%d questions over %d sets, %v", len(questions), len(used), halves)
	}
}

func TestParseTellsWhatIsWrong(t *testing.T) {
	for _, text := range []string{
		"-- datasets --\nonly one part\n", "-- q --\nquestion: x\n", "-- q --\nno key\n", "-- q --\ndataset: d\nquestion: x\nexpect: {\n", "-- q --\nwhat: x\n",
	} {
		if _, _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
