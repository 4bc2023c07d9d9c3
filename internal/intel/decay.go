package intel

import (
	"math"
	"strings"
	"time"
)

const day = 24 * time.Hour

// HalfLife is the time in which half of the confidence in an indicator is gone,
// counted from when its source last vouched for it; 0: it stays. Addresses change
// hands soon and names later; a hash is always the same file.
func (t Type) HalfLife() time.Duration {
	switch t {
	case IP, Subnet, Endpoint, URL, Path:
		return 60 * day
	case Domain, Email:
		return 180 * day
	default:
		return 0
	}
}

// Decayed is a confidence after a time; what had one keeps at least 1.
func Decayed(confidence int, t Type, age time.Duration) int {
	half := t.HalfLife()
	if half == 0 || age <= 0 || confidence <= 0 {
		return confidence
	}
	return max(1, int(math.Round(float64(confidence)*math.Exp2(-float64(age)/float64(half)))))
}

// Reliability is how far a source is trusted, as the Admiralty code grades it: A
// (completely) to E (not), F when it cannot be judged; "" when nobody graded it.
type Reliability string

// GoodReliability reads a grade.
func GoodReliability(text string) (Reliability, bool) {
	r := Reliability(strings.ToUpper(strings.TrimSpace(text)))
	return r, r == "" || len(r) == 1 && r >= "A" && r <= "F"
}

// Weigh is a confidence that the source gave as its grade lets it count. F counts
// as the middle of the others.
func (r Reliability) Weigh(confidence int) int {
	share, ok := map[Reliability]int{"A": 100, "B": 90, "C": 75, "D": 50, "E": 25, "F": 60}[r]
	if !ok || confidence <= 0 {
		return confidence
	}
	return max(1, (confidence*share+50)/100)
}

// Vouched says when a source was last taken in. Without it nothing of the source
// loses confidence with time.
func (b *Builder) Vouched(source string, at time.Time) {
	if b.vouched == nil {
		b.vouched = map[uint32]time.Time{}
	}
	b.vouched[b.word(source)] = at
}

// age lets the confidence of a hit count less, the longer ago its source vouched
// for it.
func (s *Set) age(h *Hit, source uint32, at time.Time) {
	said, ok := s.vouched[source]
	if !ok || at.IsZero() {
		return
	}
	for _, t := range []time.Time{h.First, h.Sighted} {
		if t.After(said) {
			said = t
		}
	}
	if now := Decayed(h.Confidence, h.Type, at.Sub(said)); now != h.Confidence {
		h.Stated, h.Confidence = h.Confidence, now
	}
}
