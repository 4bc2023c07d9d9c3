package behave

import (
	"bytes"
	"encoding/binary"
	"hash/crc64"
	"math"

	"vedette/internal/fault"
)

// A snapshot is: magic, version, counts, then calibration, groups, profiles and
// series, what findings were of and what persons accepted, each field in the order of the visit functions below, little endian,
// sets and metrics without their empty places; last the CRC-64 of all before.
// Windows of the minute at hand and open incidents are not kept.
const (
	snapshotMagic   = "VDBEHAVE"
	snapshotVersion = 2
	snapshotHead    = len(snapshotMagic) + 2 + 3*4
	snapshotTail    = 8
)

// Snapshot returns all that was learnt.
func (d *Detector) Snapshot() ([]byte, error) {
	c := &codec{write: true, b: make([]byte, 0, snapshotHead+snapshotTail+len(d.groups.all)*4096+d.table.live*512+d.series.live*1024)}
	c.b = append(c.b, snapshotMagic...)
	version, groups, profiles, series := uint16(snapshotVersion), uint32(len(d.groups.all)), uint32(d.table.live), uint32(d.series.live) //nolint:gosec // G115: bounded by the limits
	c.u16(&version)
	c.u32(&groups)
	c.u32(&profiles)
	c.u32(&series)
	c.level(&d.level)
	c.i64(&d.newest)
	c.covers(&d.covers)
	for _, g := range d.groups.all {
		c.group(g)
	}
	for i := range profiles {
		c.profile(d.table.at(i))
	}
	for i := range int(series) {
		c.series(d.series.at(i))
	}
	d.words(c)
	return binary.LittleEndian.AppendUint64(c.b, crc64.Checksum(c.b, crc64.MakeTable(crc64.ECMA))), nil
}

// Restore takes back what [Detector.Snapshot] returned. An error leaves the
// detector empty. Profiles beyond the configured bounds are left out.
func (d *Detector) Restore(data []byte) error {
	d.reset()
	if err := d.restore(data); err != nil {
		d.reset()
		return err
	}
	return nil
}

func damaged(what string) error {
	return fault.New(fault.Invalid, "the snapshot of the behaviour profiles cannot be read: %s", what).
		WithHint("remove it; devices are then learnt anew")
}

func (d *Detector) restore(data []byte) error {
	if len(data) < snapshotHead+snapshotTail || !bytes.HasPrefix(data, []byte(snapshotMagic)) {
		return damaged("it is none, or cut off")
	}
	body := data[:len(data)-snapshotTail]
	if crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)) != binary.LittleEndian.Uint64(data[len(body):]) {
		return damaged("its checksum is wrong")
	}
	c := &codec{b: body[len(snapshotMagic):]}
	var version uint16
	var groups, profiles, series uint32
	if c.u16(&version); version != snapshotVersion {
		return damaged("it is of another version")
	}
	c.u32(&groups)
	c.u32(&profiles)
	c.u32(&series)
	c.level(&d.level)
	d.level.budget, d.level.stale = d.cfg.Budget/1000, true
	c.i64(&d.newest)
	c.covers(&d.covers)
	d.restoreGroups(c, groups)
	d.restoreProfiles(c, profiles)
	d.restoreSeries(c, series)
	d.words(c)
	if c.bad || len(c.b) != 0 {
		return damaged("its content does not fit its counts")
	}
	return nil
}

func (d *Detector) restoreGroups(c *codec, count uint32) {
	for i := uint32(0); i < count && !c.bad; i++ {
		g := newGroup(0)
		c.group(g)
		switch {
		case c.bad:
		case i == 0:
			d.groups.all[0] = g
		case d.groups.of(g.key) == i:
			d.groups.all[i] = g
		case len(d.groups.all) < d.groups.limit:
			c.bad = true // twice the same
		}
	}
	d.groups.refused = 0
}

func (d *Detector) restoreProfiles(c *codec, count uint32) {
	var p profile
	for i := uint32(0); i < count && !c.bad; i++ {
		p = profile{}
		if c.profile(&p); c.bad {
			return
		}
		if d.table.find(p.key) != nil {
			c.bad = true
			return
		}
		if d.table.live >= d.table.limit {
			d.refused++
			continue
		}
		kept, _ := d.table.add(p.key, int64(p.first))
		*kept = p
	}
}

func (d *Detector) restoreSeries(c *codec, count uint32) {
	var s series
	for i := uint32(0); i < count && !c.bad; i++ {
		s = series{}
		if c.series(&s); c.bad {
			return
		}
		if _, twice := d.series.index[s.key]; twice {
			c.bad = true
			return
		}
		if kept := d.series.of(s.key); kept != nil {
			*kept = s
		}
	}
}

// codec writes fields, or reads them back in the same order. After the first
// thing that cannot be read it is bad and reads no more.
type codec struct {
	b     []byte
	write bool
	bad   bool
}

// take returns the next n bytes to read.
func (c *codec) take(n int) []byte {
	if c.bad || len(c.b) < n {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *codec) u8(v *uint8) {
	if c.write {
		c.b = append(c.b, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

func (c *codec) u16(v *uint16) {
	if c.write {
		c.b = binary.LittleEndian.AppendUint16(c.b, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.LittleEndian.Uint16(b)
	}
}

func (c *codec) u32(v *uint32) {
	if c.write {
		c.b = binary.LittleEndian.AppendUint32(c.b, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.LittleEndian.Uint32(b)
	}
}

func (c *codec) u64(v *uint64) {
	if c.write {
		c.b = binary.LittleEndian.AppendUint64(c.b, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

func (c *codec) i64(v *int64) {
	n := uint64(*v) //nolint:gosec // G115: the bits are kept
	c.u64(&n)
	*v = int64(n) //nolint:gosec // G115: the bits are kept
}

func (c *codec) f32(v *float32) {
	n := math.Float32bits(*v)
	c.u32(&n)
	*v = math.Float32frombits(n)
	c.within(float64(*v), mostStat)
}

func (c *codec) f64(v *float64) {
	n := math.Float64bits(*v)
	c.u64(&n)
	*v = math.Float64frombits(n)
	c.within(*v, mostCount)
	c.bad = c.bad || *v < 0
}

// How large numbers of a snapshot may be, so that nothing that is made of them
// overflows: surprises and logarithms, counts, readings and their squares.
const (
	mostStat   = 1e10
	mostCount  = 1e15
	mostValue  = 1e17
	mostSquare = 1e36
)

// within makes the codec bad if a number is none or larger than it can be.
func (c *codec) within(v, most float64) {
	if !(math.Abs(v) <= most) { // a NaN must fail too
		c.bad = true
	}
}

// readings visits numbers that may be larger than those of f32.
func (c *codec) readings(list []float32, most float64) {
	for i := range list {
		c.reading(&list[i], most)
	}
}

func (c *codec) reading(v *float32, most float64) {
	n := math.Float32bits(*v)
	c.u32(&n)
	*v = math.Float32frombits(n)
	c.within(float64(*v), most)
}

func (c *codec) f32s(list []float32) {
	for i := range list {
		c.f32(&list[i])
	}
}
