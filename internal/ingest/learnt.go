package ingest

import (
	"context"

	"vedette/internal/event"
)

// maxLearnt bounds in bytes what is kept of what peers told once.
const maxLearnt = 8 << 20

// Learnt gives payloads that tell a new [Live] what peers told this one once, such
// as the templates of exporters, and a number that changes when they do. Beyond
// maxLearnt bytes it is not all of it.
func (l *Live) Learnt() (out []Payload, version uint64) {
	size := 0
	for k, o := range l.open {
		if o.read.Learnt == nil {
			continue
		}
		records, n := o.read.Learnt()
		version += n + 1
		for _, r := range records {
			if size += len(r); size > maxLearnt {
				break
			}
			p := Payload{Source: k.source, Peer: k.name, Format: k.format, Data: r}
			if o.last.Stream != "" {
				p.Peer, p.Stream = o.last.Peer, k.name
			}
			out = append(out, p)
		}
	}
	return out, version
}

// Learn takes what Learnt gave. It gives no event.
func (l *Live) Learn(ctx context.Context, told []Payload) {
	for _, p := range told {
		_, _ = l.Payload(ctx, p, 0, func(*event.Event) error { return nil }) // what cannot be read tells nothing
	}
}
