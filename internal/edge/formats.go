package edge

import (
	"time"

	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
	"vedette/internal/normalize/record"
)

// Formats are the dialects of package normalize as package ingest takes them:
// agent and server read alike.
func Formats() []ingest.Format {
	dialects := normalize.Dialects()
	out := make([]ingest.Format, len(dialects))
	for i, d := range dialects {
		out[i] = ingest.Format{Name: d.Name, Detect: d.Detect, Cut: d.Cut, Filter: d.Filter, Piecemeal: d.Piecemeal, Memoryless: d.Memoryless, Open: func(o ingest.Origin) ingest.Reading {
			src := normalize.Source{ID: o.ID, Name: o.Name, Modified: o.Modified, Now: o.Now, Broke: func(part string, data []byte, what any) {
				o.Broke(ingest.Broke(part, data, what))
			}}
			r := reading(d.New(src))
			r.Salvage = func(raw []byte, offset int64, emit func(*event.Event)) {
				var e event.Event
				record.Unread(&e, &src, normalize.Record{Raw: raw, Offset: offset}, d.Name, d.Cut != nil, time.Time{})
				emit(&e)
			}
			return r
		}}
	}
	return out
}

func reading(p normalize.Parser) ingest.Reading {
	r := ingest.Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
		return p.Parse(normalize.Record{Raw: raw, Offset: offset}, emit)
	}}
	if holder, ok := p.(normalize.Ender); ok {
		r.End = holder.End
	}
	if b, ok := p.(record.Resetter); ok {
		r.Reset = b.Reset
	}
	if l, ok := p.(record.Learner); ok {
		r.Learnt = l.Learnt
	}
	if h, ok := p.(record.Hearer); ok {
		r.Told = func(received time.Time, meta map[string]string) {
			h.Hear(record.Carrier{Received: received, Topic: meta[ingest.MetaTopic], Client: meta[ingest.MetaClient], Metric: meta[ingest.MetaMetric]})
		}
	}
	return r
}
