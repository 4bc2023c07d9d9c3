// Package demo simulates a living plant: four zones, their devices, ordinary
// days and a few incidents, written as the log lines that Zeek, Suricata and
// sshd write. Everything is a function of a seed and of time: the same seed,
// start and time range give the same bytes.
//
// It must not hold domain rules and takes no side door: what it writes goes
// through the same sources and parsers as any other log. Its devices behave as if
// they had no defect; makers and models are there to look like a plant, and what
// it gives of advisories and bills goes through the same import and matcher.
package demo

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// History is how far before its start a plant's past goes.
const History = 72 * time.Hour

// cell is the step in which the plant lives: each habit draws its events of a
// cell from a generator of its own, so that any time range can be computed
// without the ones before it.
const cell = time.Minute

// Plant is the simulated plant. It holds no state that changes.
type Plant struct {
	seed  uint64
	start time.Time
}

// New makes a plant whose incidents unfold around start.
func New(seed uint64, start time.Time) *Plant {
	return &Plant{seed: seed, start: start.UTC()}
}

// Source is what one sensor wrote in a time range.
type Source struct {
	Name  string // as the file on the sensor is called
	Text  []byte
	Lines int
}

// Logs returns what the sensors wrote from one time up to another, a source
// for each log that has lines. The lines of adjoining ranges together are those
// of the whole range.
func (p *Plant) Logs(from, to time.Time) []Source {
	var lines []line
	// A habit may write some seconds past its cell, so the one before counts too.
	for n := p.cellOf(from) - 1; n <= p.cellOf(to); n++ {
		lines = append(lines, p.live(n)...)
	}
	lines = slices.DeleteFunc(lines, func(l line) bool { return l.at.Before(from) || !l.at.Before(to) })
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var out []Source
	for log, name := range logNames {
		s := Source{Name: name}
		for _, l := range lines {
			if l.log == logKind(log) {
				s.Text = append(append(s.Text, l.text...), '\n')
				s.Lines++
			}
		}
		if s.Lines > 0 {
			out = append(out, s)
		}
	}
	return out
}

// cellOf counts cells from the start; those before it are negative.
func (p *Plant) cellOf(t time.Time) int64 {
	d := t.Sub(p.start)
	n := int64(d / cell)
	if d < 0 && d%cell != 0 {
		n--
	}
	return n
}

// live returns all lines of one cell.
func (p *Plant) live(n int64) []line {
	begin := p.start.Add(time.Duration(n) * cell)
	var out []line
	for _, h := range habits() {
		w := p.writer(h.name, n, begin)
		for range w.draw(h.perMinute * h.rhythm(begin)) {
			h.act(w, w.within(cell))
		}
		out = append(out, w.lines...)
	}
	for _, s := range stories() {
		w := p.writer(s.name, n, begin)
		s.tell(w, begin.Sub(p.start))
		out = append(out, w.lines...)
	}
	return out
}

func (p *Plant) writer(habit string, n int64, begin time.Time) *writer {
	h := fnv.New64a()
	_, _ = h.Write([]byte(habit)) // never fails
	return &writer{
		rng:   rand.New(rand.NewPCG(p.seed^h.Sum64(), uint64(n))), //nolint:gosec // G115, G404: any bits and no secrets
		begin: begin,
	}
}
