package passkey

import (
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"vedette/internal/fault"
)

// Limits of what ceremonies on their way may cost.
const (
	pendingLives = 5 * time.Minute
	confirmLives = 2 * time.Minute // the password was right just now
	maxPending   = 8192
	maxOfAddress = 256 // a whole site may come from one address
)

// purpose is what a ceremony is for. A challenge made for one is refused for
// another.
type purpose int

const (
	registering purpose = iota + 1 // by a session
	signingIn                      // by whoever has a passkey
	confirming                     // by one account, after its password
	enrolling                      // by one account, with its one-time link
)

// waiting is a ceremony that a browser is busy with.
type waiting struct {
	session webauthn.SessionData
	what    purpose
	of      string // the session of a registration, or what the caller bound to it
	address string
	site    string
	until   time.Time
}

// pending keeps the ceremonies on their way by their challenges.
type pending struct {
	now func() time.Time

	mu    sync.Mutex
	by    map[string]waiting
	of    map[string]int // how many by address
	swept time.Time
}

func newPending(now func() time.Time) *pending {
	return &pending{now: now, by: map[string]waiting{}, of: map[string]int{}}
}

// add keeps a ceremony; what is too much is refused rather than pushing out
// another's.
func (p *pending) add(w waiting) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	full := func() bool { return len(p.by) >= maxPending || p.of[w.address] >= maxOfAddress }
	if full() {
		p.sweep(now)
	}
	if full() {
		return fault.New(fault.Limited, "too many passkeys are being asked for").WithHint("wait five minutes, or sign in with the password")
	}
	w.until = now.Add(pendingLives)
	if w.what == confirming {
		w.until = now.Add(confirmLives)
	}
	p.by[w.session.Challenge] = w
	p.of[w.address]++
	return nil
}

// sweep drops what is too old, at most once a second: it looks at all.
func (p *pending) sweep(now time.Time) {
	if now.Sub(p.swept) < time.Second && !now.Before(p.swept) {
		return
	}
	p.swept = now
	for challenge, w := range p.by {
		if !now.Before(w.until) {
			p.drop(challenge, w)
		}
	}
}

func (p *pending) drop(challenge string, w waiting) {
	delete(p.by, challenge)
	if p.of[w.address]--; p.of[w.address] <= 0 {
		delete(p.of, w.address)
	}
}

// take ends the ceremony of a challenge.
func (p *pending) take(challenge string) (waiting, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.by[challenge]
	if !ok {
		return waiting{}, false
	}
	p.drop(challenge, w)
	return w, p.now().Before(w.until)
}
