package register

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/fault"
)

// The limits of canary questions.
const (
	maxCanaries = 32
	maxDrift    = 20
	maxAnswer   = 2000 // bytes of an answer that are kept
)

// Canary is a question that is asked again and again: another answer is a hint
// that another model answers. It is a hint only, since an honest model may word
// the same in two ways, and a dishonest one may know the question.
type Canary struct {
	Question string `json:"question" yaml:"question"`
	Expect   string `json:"expect,omitempty" yaml:"expect"` // a word that must be in the answer
}

func checkCanaries(in []Canary) (out []Canary, problems []string) {
	if len(in) > maxCanaries {
		return nil, []string{fmt.Sprintf("canaries has %d questions, the limit is %d", len(in), maxCanaries)}
	}
	for _, c := range in {
		c.Question = strings.TrimSpace(c.Question)
		if c.Question == "" || len(c.Question) > maxLine || len(c.Expect) > maxLine || !utf8.ValidString(c.Question+c.Expect) {
			problems = append(problems, "a canary has no question, or one that is too long or not UTF-8")
			continue
		}
		out = append(out, c)
	}
	return out, problems
}

// Drift is what the canaries told at a time.
type Drift struct {
	At      time.Time     `json:"at"`
	By      string        `json:"by"`
	Answers []CanaryReply `json:"answers"`
	Same    int           `json:"same"`     // as in the first run
	SameNow int           `json:"same_now"` // as in the run before
	Missed  int           `json:"missed"`   // without the word that was expected
}

// CanaryReply is one answer. It is what a model wrote: untrusted.
type CanaryReply struct {
	Question   string  `json:"question"`
	Answer     string  `json:"answer"` // at most maxAnswer bytes
	SHA256     string  `json:"sha256"` // of all of it, without case and spacing
	Similarity float64 `json:"similarity"`
	Problem    string  `json:"problem,omitempty"`
}

// Asker puts a question to the model of an entry. It is the door's.
type Asker func(ctx context.Context, question string) (string, error)

// Probe asks the canary questions and keeps what they told. The first run is
// what later ones are held against.
func (r *Register) Probe(ctx context.Context, id, by string, ask Asker) (Drift, error) {
	e, err := r.Get(id)
	if err != nil {
		return Drift{}, err
	}
	if len(e.Canaries) == 0 {
		return Drift{}, fault.New(fault.NotFound, "the model %s has no canary questions", id).WithHint("give some in the card's file when you propose it")
	}
	now := Drift{At: r.cfg.Now().UTC(), By: by}
	for _, c := range e.Canaries {
		reply := CanaryReply{Question: c.Question}
		text, err := ask(ctx, c.Question)
		if err != nil {
			reply.Problem, _ = fault.Public(err)
		} else {
			reply.Similarity = 1 // to itself, in a first run
			reply.Answer, reply.SHA256 = strings.ToValidUTF8(text[:min(len(text), maxAnswer)], ""), digestOf(text)
		}
		if reply.Problem != "" || c.Expect != "" && !strings.Contains(strings.ToLower(text), strings.ToLower(c.Expect)) {
			now.Missed++
		}
		now.Answers = append(now.Answers, reply)
	}
	if len(e.Drift) > 0 {
		now.Same = now.compare(e.Drift[0])
		now.SameNow = now.compare(e.Drift[len(e.Drift)-1])
	} else {
		now.Same, now.SameNow = len(now.Answers), len(now.Answers)
	}
	return now, r.keepDrift(ctx, id, now)
}

// compare counts equal answers and sets how alike each is to the other run's.
func (d *Drift) compare(other Drift) int {
	same := 0
	for i := range d.Answers {
		a := &d.Answers[i]
		for _, b := range other.Answers {
			if b.Question != a.Question {
				continue
			}
			a.Similarity = alike(a.Answer, b.Answer)
			if a.SHA256 == b.SHA256 && a.Problem == "" {
				same++
			}
		}
	}
	return same
}

// keepDrift keeps the first run and the newest.
func (r *Register) keepDrift(ctx context.Context, id string, d Drift) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, err := r.find(id)
	if err != nil {
		return err
	}
	e, check := h.clone(), h.check
	e.Drift = append(e.Drift, d)
	if len(e.Drift) > maxDrift {
		e.Drift = slices.Delete(e.Drift, 1, 2)
	}
	if err := r.save(ctx, e, h.version); err != nil {
		return err
	}
	r.entries[id].check = check
	return nil
}

func words(s string) []string { return strings.Fields(strings.ToLower(s)) }

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(strings.Join(words(text), " ")))
	return hex.EncodeToString(sum[:])
}

// alike is the share of words that two answers have in common, 0 to 1.
func alike(a, b string) float64 {
	left := map[string]bool{}
	for _, w := range words(a) {
		left[w] = true
	}
	all, both := len(left), 0
	seen := map[string]bool{}
	for _, w := range words(b) {
		switch {
		case seen[w]:
			continue
		case left[w]:
			both++
		default:
			all++
		}
		seen[w] = true
	}
	if all == 0 {
		return 1
	}
	return float64(both) / float64(all)
}
