package mindeval

import (
	"vedette/internal/eval"
)

// PlannerScore compares how questions are answered without and with a model.
type PlannerScore struct {
	Half      string `json:"half"`
	Questions int    `json:"questions"`
	Engine    string `json:"engine"` // built-in, or the model's name
	Right     int    `json:"right"`
	Wrong     int    `json:"wrong"` // confidently wrong
	Hedged    int    `json:"hedged"`
	Planned   int    `json:"planned"`  // questions that the model read
	Refused   int    `json:"refused"`  // answers of the model that were not taken
	Worded    int    `json:"worded"`   // sentences of the model that were shown
	Unbacked  int    `json:"unbacked"` // sentences shown without the evidence bearing them
}

// Planner sums up results for each half and for all. engine is what answered;
// a run with a model is named by the model that spoke.
func Planner(engine string, results []eval.Result) []PlannerScore {
	parts := map[string]*PlannerScore{}
	for _, r := range results {
		if r.Answer.Planner.Name != "" {
			engine = r.Answer.Planner.Name
			break
		}
	}
	scores := eval.Summarise(results)
	out := make([]PlannerScore, len(scores))
	for i, s := range scores {
		out[i] = PlannerScore{Half: s.Half, Questions: s.Questions, Engine: engine, Right: s.Right, Wrong: s.Wrong, Hedged: s.Hedged}
		parts[s.Half] = &out[i]
	}
	for _, r := range results {
		for _, half := range []string{r.Question.Half, "all"} {
			parts[half].take(r)
		}
	}
	return out
}

func (s *PlannerScore) take(r eval.Result) {
	if r.Answer.Planner.Name != "" {
		s.Planned++
	}
	if len(r.Answer.ModelNotes) > 0 {
		s.Refused++
	}
	for _, x := range r.Answer.Answer {
		if x.By != "" {
			s.Worded++
		}
		if x.Status == "unsupported" {
			s.Unbacked++
		}
	}
}
