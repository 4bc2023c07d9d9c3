package flow

import (
	"context"
	"errors"
)

// Together runs the parts until all have ended. The first that ends, with an
// error or without, ends the others.
func Together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(parts))
	for _, part := range parts {
		go func() { done <- part(ctx) }()
	}
	var errs []error
	for range parts {
		errs = append(errs, <-done)
		cancel()
	}
	return errors.Join(errs...)
}
