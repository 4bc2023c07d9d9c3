package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
)

// Admit tells whether the model that an endpoint is configured for may be
// asked, and if so by which approval. The error is a [*model.Error] of kind
// NotRegistered, or of kind Loading while its files are being read again.
func (r *Register) Admit(ctx context.Context, to model.Endpoint) (approval string, err error) {
	refuse := func(cause error) (string, error) {
		return "", &model.Error{Kind: model.NotRegistered, Endpoint: to.Name, Cause: cause}
	}
	e, err := r.candidate(to)
	if err != nil {
		return refuse(err)
	}
	if err := e.covers(to); err != nil {
		return refuse(err)
	}
	step, err := r.inForce(e)
	if err != nil {
		return refuse(err)
	}
	if e.Files != nil {
		err := r.unchanged(ctx, e.ID)
		if _, waiting := errors.AsType[*stillReading](err); waiting {
			return "", &model.Error{Kind: model.Loading, Endpoint: to.Name, RetryAfter: 2 * time.Second, Cause: err}
		}
		if err != nil {
			return refuse(err)
		}
	}
	return fmt.Sprintf("%s revision %d, approved by %s, audit entry %d", e.ID, e.Revision, step.By, step.Audit), nil
}

// candidate finds the entry of an endpoint's model.
func (r *Register) candidate(to model.Endpoint) (Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var retired *held
	for _, h := range r.entries {
		if h.Endpoint == nil || h.Endpoint.Name != to.Name || h.Endpoint.Model != to.Model {
			continue
		}
		if h.State != Retired {
			return h.clone(), nil
		}
		retired = h
	}
	if retired != nil {
		return retired.clone(), nil
	}
	return Entry{}, fault.New(fault.Denied, "the model %.200q at endpoint %s is not in the register", to.Model, to.Name).
		WithHint("propose and approve it: vedette models propose --endpoint %s --model NAME", to.Name)
}

// covers tells whether an entry speaks of the endpoint as it is configured now.
func (e Entry) covers(to model.Endpoint) error {
	moved := func(what, was, is string) error {
		return fault.New(fault.Denied, "the endpoint %s of the model %s is not the one that was approved: its %s was %.200q and is %.200q", to.Name, e.ID, what, was, is).
			WithHint("propose it again as it is now, or put the configuration right")
	}
	have := e.Endpoint
	switch {
	case have.URL != to.URL:
		return moved("address", have.URL, to.URL)
	case have.Location != to.Location:
		return moved("location", string(have.Location), string(to.Location))
	case have.Wire != "" && to.Wire != "" && have.Wire != to.Wire:
		return moved("wire", string(have.Wire), string(to.Wire))
	}
	return nil
}

// inForce tells by which approval an entry may be used.
func (r *Register) inForce(e Entry) (Step, error) {
	switch e.State {
	case Approved:
	case Retired:
		return Step{}, fault.New(fault.Denied, "the model %s was retired", e.ID).WithHint("see who did, and why: vedette models show %s", e.ID)
	default:
		return Step{}, fault.New(fault.Denied, "the model %s is proposed and not approved", e.ID).WithHint(`approve it: vedette models approve %s --by NAME --why "..."`, e.ID)
	}
	step, ok := e.approval()
	if !ok || step.What != e.What() {
		return Step{}, fault.New(fault.Denied, "the model %s is not the one that was approved: its record was changed", e.ID).WithHint("propose it again; see who writes to the store")
	}
	ok, err := r.journal.holds(r.cfg.Journal, e.ID, step)
	if err != nil {
		return Step{}, err
	}
	if !ok {
		return Step{}, fault.New(fault.Denied, "the approval of the model %s is not in the audit journal", e.ID).
			WithHint("if the journal was moved away, propose and approve it again; else see who writes to the store")
	}
	if err := r.signed(e); err != nil {
		return Step{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if why := r.changed[e.ID]; why != "" {
		return Step{}, fault.New(fault.Denied, "the model %s is not the one that was approved: %s", e.ID, why).WithHint("propose it again as it is now")
	}
	return step, nil
}
