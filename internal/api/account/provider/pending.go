package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"vedette/internal/fault"
)

// Limits of what sign-ins on their way may cost.
const (
	pendingLives = 10 * time.Minute
	maxPending   = 8192
	maxOfAddress = 256 // a whole site may come from one address
	maxCode      = 4096
	secretLen    = 52
)

func newSecret() string { return rand.Text() + rand.Text() }

// waiting is a sign-in that went to the provider.
type waiting struct {
	nonce, verifier, redirect, address, session string

	browser [sha256.Size]byte // of the secret in the browser's cookie
	until   time.Time
}

// pending keeps the sign-ins on their way by the hash of their state.
type pending struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]waiting
	of    map[string]int // how many by address
	swept time.Time
}

func newPending(now func() time.Time) *pending {
	return &pending{now: now, byKey: map[[sha256.Size]byte]waiting{}, of: map[string]int{}}
}

func (p *pending) add(w waiting) (state, browser string, err error) {
	state, browser = newSecret(), newSecret()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	w.browser, w.until = sha256.Sum256([]byte(browser)), now.Add(pendingLives)
	if len(p.byKey) >= maxPending || p.of[w.address] >= maxOfAddress {
		p.sweep(now)
	}
	if len(p.byKey) >= maxPending || p.of[w.address] >= maxOfAddress {
		return "", "", fault.New(fault.Limited, "too many sign-ins are on their way").WithHint("wait ten minutes, or sign in with a password")
	}
	p.byKey[sha256.Sum256([]byte(state))] = w
	p.of[w.address]++
	return state, browser, nil
}

// sweep drops what is too old, at most once a second: it looks at all.
func (p *pending) sweep(now time.Time) {
	if now.Sub(p.swept) < time.Second {
		return
	}
	p.swept = now
	for key, w := range p.byKey {
		if !now.Before(w.until) {
			p.drop(key, w)
		}
	}
}

func (p *pending) drop(key [sha256.Size]byte, w waiting) {
	delete(p.byKey, key)
	if p.of[w.address]--; p.of[w.address] <= 0 {
		delete(p.of, w.address)
	}
}

// take ends the sign-in of a state. Shown by another browser it ends too: then
// the state has leaked.
func (p *pending) take(state, browser string) (waiting, bool) {
	if len(state) != secretLen {
		return waiting{}, false
	}
	key := sha256.Sum256([]byte(state))
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.byKey[key]
	if !ok {
		return waiting{}, false
	}
	p.drop(key, w)
	hash := sha256.Sum256([]byte(browser))
	return w, p.now().Before(w.until) && subtle.ConstantTimeCompare(hash[:], w.browser[:]) == 1
}
