package account

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// Sign-ins that failed make the next ones wait: of an account, so that its
// password cannot be guessed from many addresses, and of an address, so that
// one cannot try many accounts. The account's wait stays short, or anyone could
// lock people out.
const (
	freeTries      = 5
	freeAddress    = 20
	longestAccount = time.Minute
	longestAddress = 15 * time.Minute
	forgetAfter    = time.Hour
	maxKeys        = 8192
)

type tries struct {
	failed int
	last   time.Time
	until  time.Time
}

type throttle struct {
	now func() time.Time

	mu    sync.Mutex
	tries map[string]*tries
	swept time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, tries: map[string]*tries{}}
}

// begin counts a try as failed before it is made, so that tries at the same time
// cannot slip through, and refuses it while the account or address must wait.
func (t *throttle) begin(account, address string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	a, b := t.of("a/"+account, now), t.of("i/"+address, now)
	if wait := max(a.until.Sub(now), b.until.Sub(now)); wait > 0 {
		return &tooMany{wait: wait}
	}
	a.fail(now, freeTries, longestAccount)
	b.fail(now, freeAddress, longestAddress)
	return nil
}

// succeed takes back what begin counted; the account's failures are forgotten,
// the address's are not: who has one account must not guess at others.
func (t *throttle) succeed(account, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, "a/"+account)
	if b := t.tries["i/"+address]; b != nil && b.failed > 0 {
		b.failed--
		if b.failed < freeAddress {
			b.until = time.Time{}
		}
	}
}

func (t *throttle) of(key string, now time.Time) *tries {
	if got := t.tries[key]; got != nil && now.Sub(got.last) < forgetAfter {
		return got
	}
	if len(t.tries) >= maxKeys {
		t.sweep(now)
		if len(t.tries) >= maxKeys { // a flood of names or addresses shares one count
			key = key[:2] + "others"
			if got := t.tries[key]; got != nil {
				return got
			}
		}
	}
	got := &tries{last: now}
	t.tries[key] = got
	return got
}

// sweep drops what is forgotten, at most once a minute: it looks at all.
func (t *throttle) sweep(now time.Time) {
	if now.Sub(t.swept) < time.Minute {
		return
	}
	t.swept = now
	for k, v := range t.tries {
		if now.Sub(v.last) >= forgetAfter {
			delete(t.tries, k)
		}
	}
}

func (t *tries) fail(now time.Time, free int, longest time.Duration) {
	t.failed++
	t.last = now
	if over := t.failed - free; over >= 0 {
		t.until = now.Add(min(longest, time.Second<<min(over, 20)))
	}
}

// tooMany is the refusal of a try that came too early.
type tooMany struct{ wait time.Duration }

// Error implements error.
func (e *tooMany) Error() string { return "too many failed sign-ins" }

// Unwrap returns what a person is told.
func (e *tooMany) Unwrap() error {
	return fault.New(fault.Limited, "too many failed sign-ins").WithHint("try again in %s", e.wait.Truncate(time.Second)+time.Second)
}

// addressOf is the address that tries are counted by: of IPv6 the /64, which
// one host has all of.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// failuresPerMinute bounds what failed sign-ins write into the journal.
const failuresPerMinute = 60

// journalled records failures, at most so many a minute; the next that is
// recorded tells how many were not.
type journalled struct {
	journal *audit.Journal
	now     func() time.Time

	mu      sync.Mutex
	since   time.Time
	n       int
	skipped int64
}

func (j *journalled) note(actor, action, object string, details map[string]string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	if now.Sub(j.since) >= time.Minute || now.Before(j.since) {
		j.since, j.n = now, 0
	}
	if j.n >= failuresPerMinute {
		j.skipped++
		return
	}
	j.n++
	if j.skipped > 0 {
		details["not_recorded_before"] = strconv.FormatInt(j.skipped, 10)
	}
	if _, err := j.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.System, Name: actor}, Action: action, Object: object, Details: details}); err != nil {
		j.skipped++ // it stays refused
		return
	}
	j.skipped = 0
}
