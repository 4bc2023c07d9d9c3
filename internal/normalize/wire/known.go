package wire

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// maxKnown bounds the flows that are known from before: those that spoke last.
const maxKnown = 1 << 14

// known is a flow that was open when an engine stopped: which end began it, its uid, and
// when it spoke last.
type known struct {
	key    key
	client int
	uid    string
	last   int64
}

// Cut ends all flows because nobody listens any more. Those that have not ended by
// themselves are told as open, and [Engine.Known] has them from then on.
func (e *Engine) Cut(emit func(Happening)) {
	e.out.emit = emit
	var open []known
	for i := range e.table.lists {
		for f := e.table.lists[i].head; f != nil; f = e.table.lists[i].head {
			if f.open = f.list != laneClosed && !f.silent(e.pk.at); f.open {
				open = append(open, known{f.key, f.client, f.told.UID, f.last})
			}
			e.finish(f)
		}
	}
	slices.SortStableFunc(open, func(a, b known) int { return cmp.Compare(b.last, a.last) })
	e.cut = open[:min(len(open), maxKnown)]
}

// Known gives what [Engine.Learn] of another engine takes, of the flows that were open
// when this one was cut.
func (e *Engine) Known(give func(last time.Time, data []byte)) {
	for i := range e.cut {
		give(unixNano(e.cut[i].last), e.cut[i].append(nil))
	}
}

const knownSize = 32 + 4 + 3

func (k *known) append(b []byte) []byte {
	b = append(append(b, k.key.addr[0][:]...), k.key.addr[1][:]...)
	b = binary.BigEndian.AppendUint16(b, k.key.port[0])
	b = binary.BigEndian.AppendUint16(b, k.key.port[1])
	b = append(b, k.key.family, k.key.proto, uint8(k.client)) //nolint:gosec // G115: 0 or 1
	return append(b, k.uid...)
}

// Learn takes a flow that an earlier engine was cut in. Its next packet is no beginning,
// if it comes before the flow has ended by its silence.
func (e *Engine) Learn(last time.Time, data []byte) error {
	if len(data) < knownSize || len(data) > knownSize+event.UIDSize || data[knownSize-1] > 1 || last.IsZero() {
		return fault.New(fault.Invalid, "a record that is no flow of an earlier run")
	}
	k := known{client: int(data[knownSize-1]), uid: string(data[knownSize:]), last: last.UnixNano()}
	copy(k.key.addr[0][:], data)
	copy(k.key.addr[1][:], data[16:])
	k.key.port = [2]uint16{binary.BigEndian.Uint16(data[32:]), binary.BigEndian.Uint16(data[34:])}
	k.key.family, k.key.proto = data[36], data[37]
	if e.known == nil {
		e.known = map[key]known{}
	}
	if len(e.known) < maxKnown {
		e.known[k.key] = k
		e.knownTo = max(e.knownTo, k.last+silence[laneOpen])
	}
	return nil
}

// recall finds the flow of an earlier run that a packet goes on with; each goes on once.
func (e *Engine) recall(k *key, p *packet) (known, bool) {
	if len(e.known) == 0 {
		return known{}, false
	}
	if p.at > e.knownTo {
		e.known = nil
		return known{}, false
	}
	was, ok := e.known[*k]
	delete(e.known, *k)
	ends := silence[laneOther]
	if k.proto == protoTCP && k.family != familyEther {
		ends = silence[laneOpen]
	}
	return was, ok && !p.begins() && p.at-was.last <= ends
}

// begins reports whether a packet is the first of a TCP connection.
func (p *packet) begins() bool {
	return p.family != familyEther && p.proto == protoTCP && p.flags&(flagSYN|flagACK) == flagSYN
}

// ephemeral is the first port of those that Linux gives to clients; Windows and IANA
// begin later.
const ephemeral = 32768

// likelier reports whether it is more likely that a packet in the middle of a connection
// is from its server, by ports that no protocol is known by.
func likelier(p *packet) bool { return p.port[0] < ephemeral && p.port[1] >= ephemeral }
