package wire

import "vedette/internal/normalize/wire/proto"

// lane is a list of flows that end after the same time of silence. In each
// the flow that was idle for longest comes first.
type lane uint8

const (
	laneTry    lane = iota // a SYN that was not answered
	laneOpen               // TCP
	laneClosed             // TCP after its end, waiting for stragglers
	laneOther              // what has no end of its own
	numLanes
)

// silence is after how many nanoseconds of the capture's time a flow has ended.
// The times are those of Zeek (tcp_inactivity_timeout and its like), but for an
// unanswered SYN, which is waited for as long as hosts try again.
var silence = [numLanes]int64{laneTry: 60e9, laneOpen: 300e9, laneClosed: 5e9, laneOther: 60e9}

// table holds the flows that are followed.
type table struct {
	flows map[key]*flow
	last  *flow // that was found or begun last: packets come in runs
	lists [numLanes]list
	free  *flow // ended ones, to be used again; linked by next
	max   int
	begun uint64
	held  int // bytes of memory that streams hold
	spare [][]byte
}

type list struct{ head, tail *flow }

func (t *table) init(limit int) {
	t.max = max(limit, 1)
	t.flows = make(map[key]*flow)
}

func (t *table) find(k *key) *flow {
	if t.last == nil || t.last.key != *k {
		t.last = t.flows[*k]
	}
	return t.last
}

// count is how many flows were begun.
func (t *table) count() uint64 { return t.begun }

// add begins a flow, or returns nil if the table is full.
func (t *table) add(k key) *flow {
	if len(t.flows) >= t.max {
		return nil
	}
	f := t.free
	if f != nil {
		t.free = f.next
		f.next = nil
	} else {
		f = new(flow)
	}
	f.key = k
	f.list = laneOther
	if k.proto == protoTCP && k.family != familyEther {
		f.list = laneTry
	}
	t.begun++
	t.flows[k] = f
	t.push(f)
	return f
}

// remove forgets a flow and keeps its memory for another one.
func (t *table) remove(f *flow) {
	t.unlink(f)
	t.last = nil
	delete(t.flows, f.key)
	for i := range f.sides {
		t.drop(&f.sides[i].in)
	}
	*f = flow{next: t.free}
	t.free = f
}

// Buffers that are kept for the next stream: so many, up to this size.
const (
	maxSpare     = 64
	maxSpareSize = 16 << 10
)

// extend appends to the bytes that a stream holds.
func (t *table) extend(s *stream, data []byte) {
	if n := len(t.spare); s.buf == nil && n > 0 {
		s.buf = t.spare[n-1]
		t.spare = t.spare[:n-1]
		t.held += cap(s.buf)
	}
	before := cap(s.buf)
	s.buf = append(s.buf, data...)
	t.held += cap(s.buf) - before
}

// release takes the buffer from a stream.
func (t *table) release(s *stream) {
	t.held -= cap(s.buf)
	if c := cap(s.buf); c > 0 && c <= maxSpareSize && len(t.spare) < maxSpare {
		t.spare = append(t.spare, s.buf[:0])
	}
	s.buf = nil
}

// drop forgets all that a stream holds.
func (t *table) drop(s *stream) {
	t.release(s)
	t.held -= s.ahead
	s.segs, s.ahead = nil, 0
}

// move puts a flow into another lane.
func (t *table) move(f *flow, to lane) {
	if f.list != to {
		t.unlink(f)
		f.list = to
		t.push(f)
	}
}

// touch makes a flow the last to become idle.
func (t *table) touch(f *flow) {
	if t.lists[f.list].tail != f {
		t.unlink(f)
		t.push(f)
	}
}

func (t *table) push(f *flow) {
	l := &t.lists[f.list]
	f.prev, f.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = f
	} else {
		l.head = f
	}
	l.tail = f
}

func (t *table) unlink(f *flow) {
	l := &t.lists[f.list]
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		l.head = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		l.tail = f.prev
	}
	f.prev, f.next = nil, nil
}

// oldest is the flow that was idle for longest; of a table that is not empty.
func (t *table) oldest() *flow {
	var found *flow
	for i := range t.lists {
		if f := t.lists[i].head; f != nil && (found == nil || f.last < found.last) {
			found = f
		}
	}
	return found
}

// lateness is how many nanoseconds one reader of an interface may be behind another
// without flows being split: the kernel hands over what it gathers within 100 ms, and the
// rest is for a spool that is slow.
const lateness = 2e9

// expire ends the flows that were silent for too long, but for those of which a late
// packet may say otherwise.
func (e *Engine) expire(now int64) {
	if e.Live {
		now -= lateness
	}
	for i := range e.table.lists {
		for f := e.table.lists[i].head; f != nil && f.silent(now); f = e.table.lists[i].head {
			e.finish(f)
		}
	}
}

// finish ends a flow: what its decoder has not taken is shown for the last
// time, and its event is emitted.
func (e *Engine) finish(f *flow) {
	for _, s := range []proto.Side{proto.Client, proto.Server} {
		e.drain(f, s)
	}
	e.emitFlow(f)
	e.table.remove(f)
}

// room makes sure that n more bytes may be held, and ends idle flows until
// they may. It reports false if there is no flow but f left to end.
func (e *Engine) room(f *flow, n int) bool {
	for e.table.held+n > e.limits.Held {
		old := e.table.lists[laneOpen].head
		if old == nil || old == f {
			return false
		}
		e.finish(old)
	}
	return true
}
