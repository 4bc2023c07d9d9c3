package ingest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"vedette/internal/event"
)

// End has the readings of all peers give what they held back, such as connections that
// are still open, because nothing more comes. Nothing may be read after it.
func (l *Live) End(ctx context.Context, sink func(*event.Event) error) (Report, error) {
	rep := Report{Path: "live"}
	counts := &counter{rep: &rep}
	defer counts.finish()
	keys := slices.SortedFunc(maps.Keys(l.open), func(a, b peer) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.name, b.name), cmp.Compare(a.format, b.format))
	})
	for _, k := range keys {
		o := l.open[k]
		p := &pump{ctx: ctx, reading: o.read, sink: marked(o.last, sink), counts: counts}
		if err := p.end(); err != nil {
			return rep, err
		}
	}
	return rep, nil
}
