package chosen

import (
	"context"
	"encoding/json"
	"fmt"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// sweepEvery is how many changes are made between two sweeps: each reads all
// versions.
const sweepEvery = 50

// sweep deletes texts that neither the document nor a version that is kept names.
// It is called under mu, or before anybody has the book.
func (b *Book) sweep(ctx context.Context) error {
	named := map[string]bool{}
	name := func(d *Doc) {
		for i := range d.Rules {
			named[d.Rules[i].Text], named[d.Rules[i].Test] = true, true
		}
	}
	name(&b.kept.Doc)
	for rec, err := range b.records.List(ctx, versionKind) {
		if err != nil {
			return fmt.Errorf("reading the history of the settings: %w", err)
		}
		var v Version
		if err := json.Unmarshal(rec.JSON, &v); err != nil {
			return fault.Wrap(fault.Internal, err, "reading version %s of the settings", rec.ID)
		}
		if v.Doc != nil {
			name(v.Doc)
		}
	}
	var gone []store.Change
	for rec, err := range b.records.List(ctx, textKind) {
		if err != nil {
			return fmt.Errorf("reading the texts of the settings: %w", err)
		}
		if !named[rec.ID] {
			gone = append(gone, store.Change{Kind: textKind, ID: rec.ID, Version: store.AnyVersion})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return b.records.Update(ctx, gone...)
}
