package flow_test

import (
	"context"
	"errors"
	"testing"

	"vedette/internal/flow"
)

func TestTogether(t *testing.T) {
	waits := func(ctx context.Context) error { <-ctx.Done(); return nil }
	if err := flow.Together(t.Context(), waits, func(context.Context) error { return nil }); err != nil {
		t.Errorf("a part that ends well: %v", err)
	}
	one, two := errors.New("one"), errors.New("two")
	err := flow.Together(t.Context(), func(context.Context) error { return one }, func(ctx context.Context) error { <-ctx.Done(); return two })
	if !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("both errors: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := flow.Together(ctx, waits, waits); err != nil {
		t.Errorf("ended from outside: %v", err)
	}
}
