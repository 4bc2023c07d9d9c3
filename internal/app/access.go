package app

import (
	"cmp"
	"context"
	"strconv"

	"vedette/internal/api"
	"vedette/internal/audit"
)

// RecordRead implements [api.Access]: what a program read that may hand it on
// to a model.
func (a *App) RecordRead(_ context.Context, c api.ReadCall) error {
	_, err := a.journal.Record(audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: cmp.Or(c.Person, "unknown")}, Action: "data.read", Object: c.Tool,
		Details: map[string]string{"door": c.Door, "client": c.Client, "bytes": strconv.Itoa(c.Bytes)},
	})
	return err
}
