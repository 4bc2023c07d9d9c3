package authz

import (
	"strconv"
	"sync"
	"time"

	"vedette/internal/audit"
)

// Limits of what refusals may write into the journal within a minute, so that
// whoever is refused cannot fill the disk: beyond them they are counted, and
// the next that is recorded tells how many were not.
const (
	refusalsEach = 10
	refusalsAll  = 60
	refusalsWho  = 1024 // principals that are told apart in one minute
)

type refusals struct {
	journal *audit.Journal
	now     func() time.Time

	mu      sync.Mutex
	since   time.Time
	all     int
	by      map[string]int
	skipped int64
}

// note records a refusal. That it could not be recorded changes nothing: it
// stays refused.
func (r *refusals) note(p Principal, do Action, zone, why string) {
	skipped, ok := r.admit(p.Kind + "/" + p.ID)
	if !ok {
		return
	}
	if why == "" {
		why = "no policy allows it"
	}
	details := map[string]string{"action": string(do), "why": why}
	if zone != "" {
		details["zone"] = clip(zone)
	}
	if skipped > 0 {
		details["not_recorded_before"] = strconv.FormatInt(skipped, 10)
	}
	name := clip(p.Name)
	if name == "" {
		name = "unknown"
	}
	_, err := r.journal.Record(audit.Entry{
		Actor: audit.Actor{Kind: actorKind(p), Name: name}, Action: "access.refuse", Object: clip(p.ID), Details: details,
	})
	if err != nil {
		r.mu.Lock()
		r.skipped += skipped + 1
		r.mu.Unlock()
	}
}

func (r *refusals) admit(who string) (skipped int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if r.by == nil || now.Sub(r.since) >= time.Minute || now.Before(r.since) {
		r.since, r.all, r.by = now, 0, map[string]int{}
	}
	if _, known := r.by[who]; !known && len(r.by) >= refusalsWho {
		who = "others"
	}
	if r.all >= refusalsAll || r.by[who] >= refusalsEach {
		r.skipped++
		return 0, false
	}
	r.all++
	r.by[who]++
	skipped, r.skipped = r.skipped, 0
	return skipped, true
}

func actorKind(p Principal) string {
	if p.Kind == Agent {
		return audit.Model
	}
	if p.Kind == "" {
		return audit.System
	}
	return audit.Person
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most]
	}
	return s
}
