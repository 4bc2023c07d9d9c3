package behave

// cover is a sort of record that a device can be seen in. A log that is taken
// in late shows an old device in a new light: what it does there was not seen
// before, which does not make it new.
type cover uint8

const (
	coverFlow cover = iota // peers and ports
	coverService
	coverOT // functions, writes, objects
	coverTopic
	coverName
	coverFailure
)

const numCovers = 6

func coverOf(k kind) cover {
	switch k {
	case kindPeer, kindPort:
	case kindService:
		return coverService
	case kindFunction, kindWrite, kindObject:
		return coverOT
	case kindTopic:
		return coverTopic
	case kindName:
		return coverName
	case kindFailure:
		return coverFailure
	}
	return coverFlow
}

// covered is since when a device is seen in each sort of record.
type covered struct {
	since     [numCovers]uint32 // seconds; 0: never
	otWindows uint16            // active minutes with OT, of which there must be enough too
}

// covers is how long each sort of record comes at all, from whatever device.
type covers [numCovers]struct {
	first, newest int64
	minutes       int64
}

// see counts the minute of an event for the sorts of record it shows.
func (c *covers) see(o *observation) {
	for i := range c {
		if s := &c[i]; o.covers&(1<<i) != 0 && o.at >= s.newest+windowSeconds {
			if s.first == 0 {
				s.first = o.at
			}
			s.newest = o.at
			s.minutes++
		}
	}
}

// long reports whether a sort of record has come for as long as a device must
// be seen to be learnt.
func (d *Detector) long(k kind) bool {
	s := &d.covers[coverOf(k)]
	return s.minutes >= int64(d.cfg.LearnWindows) && float64(s.newest-s.first) >= d.cfg.LearnFor.Seconds()
}

// mature reports whether enough is known of what a device does of a kind to
// call something of it new. What a device was never seen to do is new if
// others have been seen doing such things for long, so that this one would
// have been too. OT is different: its records are of few devices, so each must
// have been seen in them for long itself; that it speaks such a protocol at
// all is told as port and service.
func (d *Detector) mature(p *profile, k kind, at int64) bool {
	c := coverOf(k)
	since := p.covered.since[c]
	switch {
	case since == 0:
		return c != coverOT && d.long(k)
	case c == coverOT && int(p.covered.otWindows) < d.cfg.LearnWindows:
		return false
	}
	return float64(at-int64(since)) >= d.cfg.LearnFor.Seconds()
}

// cover notes that a device was seen doing something of a kind that was not
// unusual.
func (p *profile) cover(k kind, at int64) {
	if c := coverOf(k); p.covered.since[c] == 0 {
		p.covered.since[c] = uint32(at) //nolint:gosec // G115: checked by read
	}
}
