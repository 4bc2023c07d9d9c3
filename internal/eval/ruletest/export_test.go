package ruletest

import (
	"bytes"
	"context"
	"encoding/base64"
	"path"
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
)

// Events are those of all tests of a pack.
func Events(ctx context.Context, p *Pack) []*event.Event {
	var out []*event.Event
	for i := range p.Entries {
		t, err := parseTest(p.Entries[i].Test)
		if err != nil {
			continue
		}
		for _, f := range slices.Concat(t.fire, t.silent) {
			name, data := path.Base(f.Name), f.Data
			if plain, ok := strings.CutSuffix(name, ".b64"); ok {
				name = plain
				data, _ = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(f.Data)), ""))
			}
			r := ingest.NewReader(p.opts.Formats, func() time.Time { return clock })
			_, _ = r.Stream(ctx, bytes.NewReader(data), name, "", clock, func(e *event.Event) error {
				out = append(out, e.Clone())
				return nil
			})
		}
	}
	return out
}
