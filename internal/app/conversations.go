package app

import (
	"context"
	"encoding/json"
	"fmt"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// conversations keeps the questions of each conversation as one record.
type conversations struct{ records store.Records }

const (
	conversationKind = "conversation"
	maxTurns         = 50 // a follow-up leans on at most so many questions
)

type talk struct {
	Questions []string `json:"questions"`
}

// Questions implements copilot.Conversations.
func (c conversations) Questions(ctx context.Context, id string) ([]string, error) {
	t, _, err := c.load(ctx, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "there is no conversation %q", id).WithHint("an answer names its conversation; leave --follow out to start one")
	}
	return t.Questions, err
}

// Append implements copilot.Conversations.
func (c conversations) Append(ctx context.Context, id, question string) error {
	t, version, err := c.load(ctx, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	t.Questions = append(t.Questions, question)
	if len(t.Questions) > maxTurns {
		t.Questions = t.Questions[len(t.Questions)-maxTurns:]
	}
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("writing a conversation: %w", err)
	}
	return c.records.Update(ctx, store.Change{Kind: conversationKind, ID: id, Version: version, JSON: data})
}

func (c conversations) load(ctx context.Context, id string) (talk, int64, error) {
	rec, err := c.records.Get(ctx, conversationKind, id)
	if err != nil {
		return talk{}, 0, err
	}
	var t talk
	if err := json.Unmarshal(rec.JSON, &t); err != nil {
		return talk{}, 0, fmt.Errorf("reading the conversation %s: %w", id, err)
	}
	return t, rec.Version, nil
}
