package mqtt

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mochi-mqtt/server/v2/packets"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// message is what was published.
type message struct {
	topic   string
	id      uint16 // 0: nobody waits for it to be acknowledged
	payload []byte
}

var errMalformed = errors.New("malformed")

// parse reads the body of a PUBLISH packet (MQTT 5, 3.3). What can be read is
// given also with an error, so that the message can be acknowledged.
func parse(body []byte, qos, version byte) (m message, err error) {
	if len(body) < 2 {
		return m, errMalformed
	}
	n := int(binary.BigEndian.Uint16(body))
	if body = body[2:]; n > len(body) {
		return m, errMalformed
	}
	m.topic, body = string(body[:n]), body[n:]
	if qos > 0 {
		if len(body) < 2 {
			return m, errMalformed
		}
		m.id, body = binary.BigEndian.Uint16(body), body[2:]
	}
	if version == 5 {
		size, used := binary.Uvarint(body)
		if used <= 0 || used > 4 || size > uint64(len(body)-used) { //nolint:gosec // G115: used is at most the length
			return m, errMalformed
		}
		body = body[used+int(size):] //nolint:gosec // G115: at most the length
	}
	m.payload = body
	if m.topic == "" || len(m.topic) > maxFilter || !clean(m.topic) || strings.ContainsAny(m.topic, "+#") {
		return m, errMalformed
	}
	return m, nil
}

// maxHeld is how many acknowledgements may wait for others while messages keep
// coming: so many come twice if we are killed.
const maxHeld = 32

// clean reports whether a text may be a topic.
func clean(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// publish takes a message, and acknowledges it when the spool has it. One that is
// refused is acknowledged too: the broker would send it for ever.
func (s *Source) publish(ctx context.Context, l *link, head packets.FixedHeader, size int, to ingest.Spooler) error {
	if head.Qos > 1 {
		return fault.New(fault.Unavailable, "the broker %s sent a message of quality of service %d, which nobody asked for", s.host, head.Qos)
	}
	body := make([]byte, min(size, s.cfg.MaxMessage+maxHeader))
	_, err := io.ReadFull(l.in, body)
	if err == nil && size > len(body) {
		_, err = io.CopyN(io.Discard, l.in, int64(size-len(body)))
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the broker %s is away: %v", s.host, err)
	}
	var m message
	broken := ingest.Bear(to, "source mqtt", s.cfg.Name, s.host, body, func() {
		m, err = parse(body, head.Qos, s.version)
		err = s.takes(ctx, m, head, err != nil || size > len(body), to)
	})
	if broken != nil {
		s.gauge.Refuse()
	} else if err != nil {
		return err
	}
	if m.id == 0 {
		return nil
	}
	return s.acknowledge(l, m)
}

// takes hands a message on unless it is refused or was taken before, and only the
// acknowledgement did not arrive. An error ends the connection.
func (s *Source) takes(ctx context.Context, m message, head packets.FixedHeader, bad bool, to ingest.Spooler) error {
	switch {
	case bad, len(m.payload) > s.cfg.MaxMessage:
		s.gauge.Refuse()
		return nil
	case head.Dup && s.seen.had(m), head.Retain && s.seen.retained(m):
		return nil
	}
	return s.put(ctx, m, head.Retain, to)
}

// acknowledge tells the broker that it need not send a message again. Those that
// come quickly are acknowledged together.
func (s *Source) acknowledge(l *link, m message) error {
	s.seen.took(m)
	ack := binary.BigEndian.AppendUint16([]byte{packets.Puback << 4, 2}, m.id)
	l.held++
	now := l.in.Buffered() == 0 || l.held >= maxHeld
	if now {
		l.held = 0
	}
	if err := l.write(ack, now); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the broker %s is away: %v", s.host, err)
	}
	return nil
}

// again is how long it waits before it puts a message once more into a spool that
// cannot be written.
const again = time.Second

// put hands a message on. It returns when the spool has it: a broker that is not
// read keeps what it has.
func (s *Source) put(ctx context.Context, m message, retained bool, to ingest.Spooler) error {
	p := s.naming.Payload(s.cfg.Name, m.topic, m.payload, s.cfg.Now())
	if retained {
		p.Meta["mqtt.retained"] = "true"
	}
	for {
		err := to.Put(ctx, p)
		if err == nil {
			s.gauge.Take(len(m.payload))
			s.gauge.Set(ingest.Running, "")
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		if kind := fault.KindOf(err); kind == fault.Invalid {
			s.gauge.Refuse()
			return nil
		}
		text, _ := fault.Public(err)
		s.gauge.Set(ingest.Failing, text)
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// The bounds of what is remembered of messages that came.
const (
	maxAcked    = 4096
	maxRetained = 16 << 10
)

// memory knows what was taken lately, so that what a broker sends again is not
// taken again: a message whose acknowledgement did not arrive, and what is retained
// of a topic, which comes with each new subscription.
type memory struct {
	seed  maphash.Seed
	acked map[uint16]uint64
	last  map[string]uint64
}

func (y *memory) sum(m message) uint64 {
	if y.acked == nil {
		y.seed, y.acked, y.last = maphash.MakeSeed(), map[uint16]uint64{}, map[string]uint64{}
	}
	var h maphash.Hash
	h.SetSeed(y.seed)
	_, _ = h.WriteString(m.topic) // it never fails
	_ = h.WriteByte(0)
	_, _ = h.Write(m.payload)
	return h.Sum64()
}

// had reports whether a message with this number and content was taken.
func (y *memory) had(m message) bool {
	sum := y.sum(m)
	was, known := y.acked[m.id]
	return known && was == sum
}

func (y *memory) took(m message) {
	sum := y.sum(m)
	if len(y.acked) >= maxAcked {
		clear(y.acked)
	}
	y.acked[m.id] = sum
}

// retained reports whether just this was retained of the topic when it came last.
func (y *memory) retained(m message) bool {
	sum := y.sum(m)
	if was, known := y.last[m.topic]; known && was == sum {
		return true
	}
	if len(y.last) >= maxRetained {
		clear(y.last)
	}
	y.last[m.topic] = sum
	return false
}
