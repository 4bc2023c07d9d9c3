package window

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// The bounds of what is read back.
const (
	maxKeyText  = 1 << 10
	maxUIDText  = 1 << 8
	maxBeside   = 1 << 16
	markBytes   = 28
	chainBytes  = 20
	groupsBytes = 4
)

// AppendState appends what the table remembers, in no more than limit bytes:
// the newest groups first. beside gives what is kept beside a group, or nil.
// left is how many groups had no room.
func (t *Table) AppendState(b []byte, limit int, beside func(key string) []byte) (out []byte, left int) {
	keys := slices.SortedFunc(maps.Keys(t.groups), func(x, y string) int {
		return cmp.Or(cmp.Compare(t.groups[y].newest, t.groups[x].newest), cmp.Compare(x, y))
	})
	head := len(b)
	b = append(b, make([]byte, groupsBytes)...)
	count := uint32(0)
	for i, key := range keys {
		from := len(b)
		b = appendGroup(b, key, t.groups[key], beside(key))
		if len(b)-head > limit {
			b, left = b[:from], len(keys)-i
			break
		}
		count++
	}
	binary.LittleEndian.PutUint32(b[head:], count)
	return b, left
}

func appendGroup(b []byte, key string, g *group, beside []byte) []byte {
	if len(beside) > maxBeside {
		beside = nil
	}
	u32 := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }   //nolint:gosec // G115: lengths within the bounds above
	i64 := func(n int64) { b = binary.LittleEndian.AppendUint64(b, uint64(n)) } //nolint:gosec // G115: the bits are kept
	text := func(s string) {
		u32(len(s))
		b = append(b, s...)
	}
	text(key)
	i64(g.newest)
	u32(len(g.marks))
	for _, m := range g.marks {
		i64(m.at)
		u32(int(m.input))
		i64(int64(m.value))                 //nolint:gosec // G115: the bits are kept
		i64(int64(math.Float64bits(m.num))) //nolint:gosec // G115: the bits are kept
	}
	u32(len(g.seqs))
	for _, c := range g.seqs {
		i64(c.start)
		i64(c.last)
		u32(int(c.n))
	}
	u32(len(g.uids))
	for _, uid := range g.uids {
		text(uid[:min(len(uid), maxUIDText)])
	}
	text(string(beside))
	return b
}

// RestoreState takes back what [Table.AppendState] gave. beside is shown what
// was kept beside a group. An error leaves the table empty.
func (t *Table) RestoreState(data []byte, beside func(key string, data []byte) error) error {
	clear(t.groups)
	r := &reader{b: data}
	count := r.u32(MaxGroups)
	for range count {
		key, g := t.readGroup(r)
		extra := r.text(maxBeside)
		_, twice := t.groups[key]
		if r.bad || twice {
			r.bad = true
			break
		}
		t.groups[key] = g
		if err := beside(key, []byte(extra)); err != nil {
			clear(t.groups)
			return err
		}
	}
	if r.bad || len(r.b) > 0 {
		clear(t.groups)
		return fault.New(fault.Invalid, "what a correlation counted does not fit its lengths")
	}
	return nil
}

// readGroup reads a group. What cannot be of this table is bad.
func (t *Table) readGroup(r *reader) (string, *group) {
	key, g := r.text(maxKeyText), &group{}
	g.newest = r.i64()
	before := int64(math.MinInt64)
	marks := r.u32(min(MaxMarks, len(r.b)/markBytes))
	g.marks = make([]mark, 0, marks)
	for range marks {
		m := mark{at: r.i64(), input: int32(r.u32(max(t.inputs-1, 0))), value: uint64(r.i64()), num: math.Float64frombits(uint64(r.i64()))} //nolint:gosec // G115: bounded, or bits that are kept
		r.bad = r.bad || m.at < before || m.at > g.newest || math.IsNaN(m.num) || math.IsInf(m.num, 0)
		before = m.at
		g.marks = append(g.marks, m)
		g.sum += m.num
	}
	if t.spec.Type == rule.ValuePercentile {
		for _, m := range g.marks {
			g.sorted = append(g.sorted, m.num)
		}
		slices.Sort(g.sorted)
	}
	chains := r.u32(min(t.inputs, len(r.b)/chainBytes))
	r.bad = r.bad || chains != 0 && chains != t.inputs
	for range chains {
		g.seqs = append(g.seqs, chain{start: r.i64(), last: r.i64(), n: int32(r.u32(t.inputs))}) //nolint:gosec // G115: bounded
	}
	for range r.u32(event.MaxEvidence) {
		g.uids = append(g.uids, r.text(maxUIDText))
	}
	r.bad = r.bad || len(g.marks) == 0 && len(g.seqs) == 0
	return key, g
}

// reader reads what was appended. After the first thing that cannot be read it
// is bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// u32 reads a number that is at most so large.
func (r *reader) u32(most int) int {
	b := r.take(4)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if int64(n) > int64(most) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) i64() int64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // G115: the bits were kept
}

func (r *reader) text(most int) string { return string(r.take(r.u32(most))) }
