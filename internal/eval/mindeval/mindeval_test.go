package mindeval_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/eval"
	"vedette/internal/eval/mindeval"
)

func answer() *copilot.Answer {
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	return &copilot.Answer{
		Question: "which sources have the most logins",
		Answer: []copilot.Sentence{
			{Text: "10.0.0.5: 4200, last 2026-03-10 12:00:00 UTC", Status: "verified", Evidence: []string{"E1"}},
			{Text: "10.0.0.6: 17, last 2026-03-10 13:00:00 UTC", Status: "verified", Evidence: []string{"E1"}},
		},
		Evidence: []copilot.Evidence{{ID: "E1", Columns: []string{"src_endpoint.ip", "count", "last"}, Rows: [][]any{
			{"10.0.0.5", int64(4200), at}, {"10.0.0.6", int64(17), at.Add(time.Hour)},
		}, Total: 2}},
	}
}

// A small answer of which every mutation is found, and every form of the truth
// is kept. Mixing rows is what the check without rows does not find.
func TestGroundingCounts(t *testing.T) {
	missed := 0
	scores := mindeval.Grounding([]*copilot.Answer{answer(), {Question: "nothing"}}, 1, func(kind, was, text, why string) {
		t.Logf("%s: %q instead of %q: %s", kind, text, was, why)
		missed++
	})
	by := map[string]mindeval.GroundingScore{}
	for _, s := range scores {
		by[s.Kind] = s
	}
	all, kept := by["all mutated"], by["all true"]
	if missed > 0 || all.Sentences < 10 || all.Found != all.Sentences || kept.Sentences < 4 || kept.Found != 0 {
		t.Errorf("mutated %+v, true %+v", all, kept)
	}
	if other := by["number of another row"]; other.Sentences == 0 || other.WithoutBy != 0 {
		t.Errorf("without rows the check should find no figure of another row: %+v", other)
	}
	if all.Off != 0 {
		t.Error("without the check nothing is found")
	}
}

func TestPlannerCounts(t *testing.T) {
	planned := *answer()
	planned.Planner, planned.ModelNotes = copilot.Model{Name: "m"}, []string{"x"}
	planned.Answer = append(planned.Answer, copilot.Sentence{Text: "y", By: copilot.ByModel, Status: "verified"})
	got := mindeval.Planner("a model", []eval.Result{
		{Question: eval.Question{Half: "seen"}, Answer: answer(), Verdict: eval.Right},
		{Question: eval.Question{Half: "blind"}, Answer: &planned, Verdict: eval.Wrong},
	})
	want := mindeval.PlannerScore{Half: "all", Questions: 2, Engine: "m", Right: 1, Wrong: 1, Planned: 1, Refused: 1, Worded: 1}
	if last := got[len(got)-1]; len(got) != 3 || last != want {
		t.Errorf("got %+v, want %+v", last, want)
	}
}

func TestHistoryIsAppended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 {
		if err := mindeval.Keep(dir, mindeval.Record{Eval: "grounding", Model: "built-in", Version: "1", Scores: []int{1}}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(filepath.Join(dir, mindeval.HistoryName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		var r mindeval.Record
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil || r.Eval != "grounding" {
			t.Errorf("%v %+v", err, r)
		}
	}
	if n != 2 {
		t.Errorf("%d records", n)
	}
}
