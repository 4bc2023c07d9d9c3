package capture

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"vedette/internal/ingest"
)

// lossShown is for how long after the last loss the state tells of it.
const lossShown = time.Minute

// standing is how a capture is: what is worst is shown.
type standing struct {
	gauge *ingest.Gauge

	mu   sync.Mutex
	link string // why nothing is heard
	put  string // why what was heard is not taken
	loss string // what was lost, and what to do
	note string // of a capture that runs, and could run better
}

// show changes how it stands, and tells.
func (s *standing) show(change func(*standing)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	for _, text := range []string{s.link, s.put, s.loss} {
		if text != "" {
			s.gauge.Set(ingest.Failing, text)
			return
		}
	}
	s.gauge.Set(ingest.Running, s.note)
}

// look is what the kernel tells of the time since it was asked last.
type look struct {
	packets, drops int64 // packets are those that were dropped, too
	span, stalled  time.Duration
}

// toll keeps what was lost of late.
type toll struct {
	ring int // bytes; 0: there is none
	at   time.Time
	text string
}

// told is what to say after a look at now; empty when nothing was lost of late.
func (t *toll) told(l look, now time.Time) string {
	switch {
	case l.drops > 0:
		t.at = now
		share := 100 * float64(l.drops) / float64(max(l.packets, l.drops))
		t.text = fmt.Sprintf("lost %s %% of %d packets within %s: %s", percent(share), max(l.packets, l.drops), l.span.Round(time.Second), t.advice(l))
	case now.Sub(t.at) >= lossShown:
		t.text = ""
	}
	return t.text
}

// advice is what to do about a loss.
func (t *toll) advice(l look) string {
	const less = "or take less of each packet (snap: 256 keeps headers and most OT messages)"
	switch {
	case l.stalled > l.span/10:
		return "the spool takes packets slower than they come; a faster disk or machine helps, " + less
	case t.ring == 0:
		return "there is no ring shared with the kernel, which would hold bursts; see the note of its start, " + less
	case t.ring < MaxRing:
		return fmt.Sprintf("bursts are larger than the ring of %s; set ring: %s for this source, %s", sizeText(t.ring), sizeText(min(2*t.ring, MaxRing)), less)
	}
	return "the ring is as large as it may be; give the program more of the processor, " + less
}

// percent has two digits that count.
func percent(share float64) string {
	if share >= 10 {
		return strconv.FormatFloat(share, 'f', 0, 64)
	}
	return strconv.FormatFloat(share, 'g', 2, 64)
}

func sizeText(n int) string {
	if n >= 1<<30 && n%(1<<30) == 0 {
		return fmt.Sprintf("%dGB", n>>30)
	}
	return fmt.Sprintf("%dMB", n>>20)
}
