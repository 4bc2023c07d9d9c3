package behave

const slabSize = 512

// table holds profiles in slabs of fixed size, found by open addressing. A
// profile stays where it is until it is evicted.
type table struct {
	limit int
	live  int
	slabs []*[slabSize]profile
	index []uint32 // place plus one; 0: empty
	rand  uint64
}

func newTable(limit int) table { return table{limit: limit, index: make([]uint32, 1024), rand: 1} }

func (t *table) at(i uint32) *profile { return &t.slabs[i/slabSize][i%slabSize] }

func (t *table) home(key uint64) int { return int(mix(key, 3) & uint64(len(t.index)-1)) } //nolint:gosec // G115: below len

func (t *table) find(key uint64) *profile {
	for i := t.home(key); ; i = (i + 1) & (len(t.index) - 1) {
		at := t.index[i]
		if at == 0 {
			return nil
		}
		if p := t.at(at - 1); p.key == key {
			return p
		}
	}
}

// add makes the profile of a new device. When the table is full the least
// established of a few is forgotten; nil if those are all worth more.
func (t *table) add(key uint64, at int64) (p *profile, evicted bool) {
	place := uint32(t.live) //nolint:gosec // G115: bounded by limit
	if t.live >= t.limit {
		var ok bool
		if place, ok = t.victim(); !ok {
			return nil, false
		}
		t.remove(t.at(place).key)
		evicted = true
	} else {
		t.live++
		if t.live*2 > len(t.index) {
			t.grow()
		}
		if int(place)/slabSize >= len(t.slabs) {
			t.slabs = append(t.slabs, new([slabSize]profile))
		}
	}
	p = t.at(place)
	*p = profile{key: key, first: uint32(at), last: uint32(at)} //nolint:gosec // G115: checked by read
	t.put(place)
	return p, evicted
}

func (t *table) put(place uint32) {
	i := t.home(t.at(place).key)
	for t.index[i] != 0 {
		i = (i + 1) & (len(t.index) - 1)
	}
	t.index[i] = place + 1
}

func (t *table) grow() {
	t.index = make([]uint32, 2*len(t.index))
	for i := range t.live - 1 {
		t.put(uint32(i))
	}
}

// remove takes a key out of the index and closes the gap.
func (t *table) remove(key uint64) {
	mask := len(t.index) - 1
	i := t.home(key)
	for t.index[i] == 0 || t.at(t.index[i]-1).key != key {
		if t.index[i] == 0 {
			return
		}
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.index[j] != 0; j = (j + 1) & mask {
		home := t.home(t.at(t.index[j] - 1).key)
		if (j-home)&mask >= (j-i)&mask {
			t.index[i] = t.index[j]
			i = j
		}
	}
	t.index[i] = 0
}

// victims is how many profiles are looked at for one to forget.
const victims = 16

// victim is the least established of a few; the youngest of equals.
func (t *table) victim() (uint32, bool) {
	var best uint32
	worth, first := uint32(1<<31), uint32(0)
	for range victims {
		t.rand = mix(t.rand, 5)
		i := uint32(t.rand % uint64(t.live)) //nolint:gosec // G115: bounded by live
		p := t.at(i)
		if p.anchored != 0 {
			continue
		}
		if p.windows < worth || p.windows == worth && p.first > first {
			best, worth, first = i, p.windows, p.first
		}
	}
	return best, worth < 1<<31
}

// group is what devices of one type and maker do.
type group struct {
	key     uint64
	windows uint32
	learnt  uint32 // devices that were learnt
	day     uint16
	novelty [numKinds]float32
	stats   [numMetrics]stat
	known   groupSet
}

// groups are all groups; place 0 is of devices of which nothing is known and
// of those beyond the bound.
type groups struct {
	limit   int
	all     []*group
	index   map[uint64]uint32
	refused int64
}

func newGroups(limit int) groups {
	return groups{limit: limit, all: []*group{newGroup(0)}, index: make(map[uint64]uint32)}
}

func newGroup(key uint64) *group {
	g := &group{key: key}
	for k := range g.novelty {
		g.novelty[k] = startNovelty
	}
	return g
}

func (g *groups) at(i uint32) *group {
	if int(i) >= len(g.all) {
		i = 0
	}
	return g.all[i]
}

func (g *groups) of(key uint64) uint32 {
	if key == 0 {
		return 0
	}
	if i, ok := g.index[key]; ok {
		return i
	}
	if len(g.all) >= g.limit {
		g.refused++
		return 0
	}
	i := uint32(len(g.all)) //nolint:gosec // G115: bounded by limit
	g.all = append(g.all, newGroup(key))
	g.index[key] = i
	return i
}

// groupWindows is how much a group must have seen, and groupDevices how many
// devices of it must be learnt, before its word counts.
const (
	groupWindows = 120
	groupDevices = 2
	startNovelty = 0.3 // share of windows with something new, before anything is known
)

func (g *group) established() bool { return g.windows >= groupWindows && g.learnt >= groupDevices }

func (g *group) learnNovelty(k kind, hit float32) {
	a := max(4/float32(g.windows+4), 1./65536)
	g.novelty[k] += a * (hit - g.novelty[k])
}

// learn takes in a window of one of its devices.
func (g *group) learn(m metric, x float32) {
	g.stats[m].learn(x, g.windows, g.established())
}

// newDay lets peaks rise again.
func (g *group) newDay(day uint16) {
	if day > g.day {
		g.day = day
		for m := range g.stats {
			g.stats[m].day = 0
		}
	}
}

// usual is the group's word on a metric, or the prior.
func (g *group) usual(m metric) stat {
	q := prior(m)
	if g.windows < groupWindows {
		return q
	}
	s := g.stats[m]
	s.spread = max(s.spread, q.spread)
	s.peak = max(s.peak, q.peak)
	return s
}
