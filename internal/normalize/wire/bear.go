package wire

import (
	"errors"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

var errBroken = errors.New("the decoder failed, which is a fault of this program")

// decode shows a decoder what a side said. A decoder that panics is let go of, and
// its flow is only counted from then on; what it was shown is kept as bytes that
// nobody has read. What panics in emit is not the decoder's, and goes on.
func (e *Engine) decode(f *flow, p proto.Payload) (taken int, err error) {
	defer func() {
		if what := recover(); what != nil {
			if e.out.giving {
				panic(what)
			}
			e.broken(f.app.proto.Name, p.Data, what)
			e.unread(f, p.Data)
			taken, err = 0, errBroken
		}
	}()
	return f.app.decoder.Decode(p, &e.out)
}

// broken notes a part that panicked. It is called by the deferred function.
func (e *Engine) broken(name string, data []byte, what any) {
	e.failed = name
	if e.Broke != nil {
		e.Broke("decoder "+name, data, what)
	}
}

// unread emits what a decoder failed on.
func (e *Engine) unread(f *flow, data []byte) {
	if len(data) == 0 {
		return
	}
	e.out.flow = f
	ev := e.out.blank(event.BaseEvent, f.app.log)
	ev.SetAppName(f.app.proto.Name)
	ev.SetStatusDetail("not read: " + errBroken.Error())
	e.out.give(data)
}

// probe asks a protocol whether bytes are its own. One that panics says no.
func (c *catalogue) probe(p *proto.Protocol, data []byte, s proto.Side, onPort bool) (sure int) {
	defer func() {
		if what := recover(); what != nil {
			c.broke(p.Name, data, what)
			sure = 0
		}
	}()
	return p.Probe(data, s, onPort)
}

// adoption makes the decoder of a flow; one that cannot be made gives up.
func (e *Engine) adoption(f *flow, p *proto.Protocol) {
	defer func() {
		if what := recover(); what != nil {
			e.broken(p.Name, nil, what)
			e.giveUp(f, errBroken.Error())
		}
	}()
	f.app.decoder = p.New(&f.told)
}
