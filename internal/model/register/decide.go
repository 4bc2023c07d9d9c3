package register

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// The decisions.
const (
	actionPropose = "propose"
	actionApprove = "approve"
	actionRetire  = "retire"
	actionAttach  = "attach"
)

// Approve lets a proposed model be used. Its files are read once more and must
// be those that were proposed.
func (r *Register) Approve(ctx context.Context, id, by, why string) (Entry, error) {
	if err := person(by, why); err != nil {
		return Entry{}, err
	}
	e, err := r.Get(id)
	if err != nil {
		return Entry{}, err
	}
	switch e.State {
	case Proposed:
	case Approved:
		return Entry{}, fault.New(fault.Conflict, "approving the model %s: it is approved already", id)
	case Retired:
		return Entry{}, fault.New(fault.Conflict, "approving the model %s: it was retired", id).WithHint("propose it again first")
	}
	if err := r.signed(e); err != nil {
		return Entry{}, err
	}
	var c *check
	if e.Files != nil {
		if c = r.read(ctx, e); c.err != nil {
			return Entry{}, c.err
		}
	}
	got, err := r.decide(ctx, id, actionApprove, Approved, by, why, func(now *Entry) error {
		if now.What() != e.What() || now.State != Proposed {
			return fault.New(fault.Conflict, "approving the model %s: it was changed meanwhile", id).WithHint("look at it again: vedette models show %s", id)
		}
		return nil
	})
	if err != nil {
		return Entry{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.entries[id]; h != nil && h.What() == e.What() {
		h.check = c
	}
	return got, nil
}

// Retire ends the use of a model, at once.
func (r *Register) Retire(ctx context.Context, id, by, why string) (Entry, error) {
	if err := person(by, why); err != nil {
		return Entry{}, err
	}
	return r.decide(ctx, id, actionRetire, Retired, by, why, func(now *Entry) error {
		if now.State == Retired {
			return fault.New(fault.Conflict, "retiring the model %s: it is retired already", id)
		}
		return nil
	})
}

// The limits of an attached evaluation.
const (
	maxEvaluation  = 8 << 20
	maxEvaluations = 100
	maxFigures     = 64
)

// Attach keeps the result of a scored run with the model, by reference: its
// digest, and the figures in it.
func (r *Register) Attach(ctx context.Context, id, by, why, name, ref string, raw []byte) (Entry, error) {
	if err := person(by, why); err != nil {
		return Entry{}, err
	}
	if len(raw) > maxEvaluation || len(name) > maxWho || len(ref) > maxLine || name == "" {
		return Entry{}, fault.New(fault.Limited, "attaching an evaluation to the model %s: it is larger than %d bytes, or its name is missing or too long", id, maxEvaluation)
	}
	var top map[string]any
	if err := json.Unmarshal(raw, &top); err != nil {
		return Entry{}, fault.Wrap(fault.Invalid, err, "attaching an evaluation to the model %s: it is no JSON object", id).WithHint("hand over what vedette eval --output json wrote")
	}
	sum := sha256.Sum256(raw)
	ev := Evaluation{Name: name, Ref: ref, SHA256: hex.EncodeToString(sum[:]), Figures: map[string]float64{}, By: by, At: r.cfg.Now().UTC()}
	figures(ev.Figures, "", top, 0)
	return r.decide(ctx, id, actionAttach, "", by, why, func(now *Entry) error {
		if len(now.Evaluations) >= maxEvaluations {
			return fault.New(fault.Limited, "attaching an evaluation to the model %s: it has %d already", id, maxEvaluations)
		}
		now.Evaluations = append(now.Evaluations, ev)
		return nil
	})
}

// figures collects the numbers of an object and of those right below it.
func figures(to map[string]float64, prefix string, from map[string]any, depth int) {
	keys := make([]string, 0, len(from))
	for k := range from {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		switch v := from[k].(type) {
		case float64:
			if len(to) < maxFigures && len(prefix)+len(k) <= maxWho && !math.IsInf(v, 0) {
				to[prefix+k] = v
			}
		case map[string]any:
			if depth < 2 {
				figures(to, prefix+k+".", v, depth+1)
			}
		}
	}
}

// decide carries a decision out: allowed checks it and changes the entry, the
// journal takes it, then the store.
func (r *Register) decide(ctx context.Context, id, action string, to State, by, why string, allowed func(now *Entry) error) (Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, err := r.find(id)
	if err != nil {
		return Entry{}, err
	}
	e, c := h.clone(), h.check
	if err := allowed(&e); err != nil {
		return Entry{}, err
	}
	if to == "" {
		to = e.State
	}
	if err := r.step(&e, action, to, by, why); err != nil {
		return Entry{}, err
	}
	if err := r.save(ctx, e, h.version); err != nil {
		return Entry{}, err
	}
	r.entries[id].check = c
	return e.clone(), nil
}

// step writes a decision into the journal and into the entry's history. It is
// called with the lock held.
func (r *Register) step(e *Entry, action string, to State, by, why string) error {
	details := map[string]string{"why": why, "what": e.What(), "revision": strconv.Itoa(e.Revision), "state": string(to)}
	if e.Files != nil {
		details["digest"], details["path"] = e.Files.Digest, e.Files.Path
	}
	if e.Endpoint != nil {
		details["endpoint"], details["url"], details["model"] = e.Endpoint.Name, e.Endpoint.URL, e.Endpoint.Model
	}
	if n := len(e.Evaluations); action == actionAttach && n > 0 {
		details["evaluation"], details["evaluation_sha256"] = e.Evaluations[n-1].Name, e.Evaluations[n-1].SHA256
	}
	if last := len(e.History) - 1; action == actionApprove && last >= 0 && e.proposer() == by {
		details["same_person"] = "true" // who proposed it approves it
	}
	written, err := r.cfg.Journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: by}, Action: "model." + action, Object: e.ID, Details: details})
	if err != nil {
		return err
	}
	if action == actionApprove {
		r.journal.add(written)
	}
	e.State = to
	e.History = append(e.History, Step{At: written.Time, By: by, Action: action, To: to, Why: why, What: details["what"], Audit: written.Seq, Hash: written.Hash})
	return nil
}

// proposer is who proposed the model last.
func (e Entry) proposer() string {
	for _, s := range slices.Backward(e.History) {
		if s.Action == actionPropose {
			return s.By
		}
	}
	return ""
}

// SamePerson tells whether the model was approved by the person who proposed
// it.
func (e Entry) SamePerson() bool {
	s, ok := e.approval()
	return ok && s.By == e.proposer()
}
