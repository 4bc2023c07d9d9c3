package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// Bounds of what findings say of vulnerabilities: of the last 90 days, the newest
// five thousand that name one.
const (
	sightedSpan = 90 * oneDay
	sightedMost = 5000
)

// sightedHere tells which vulnerabilities findings on devices of ours are about, by
// id, each with where and when it was seen last. That something tried to exploit
// one is exploitation, whether it succeeded or not; what a person called false or
// benign is not.
func (a *App) sightedHere(ctx context.Context) (map[string]string, error) {
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	list, err := a.aboutVulns(ctx, now)
	if err != nil {
		return nil, err
	}
	doubted := a.incidents.Doubted(list)
	out := map[string]string{}
	for i := range list { // the newest first
		if doubted[i] {
			continue
		}
		f := &list[i]
		where := a.ofOurs(f)
		for _, id := range f.Vulnerabilities {
			if where != "" && out[id] == "" {
				out[id] = sightedText(f, where)
			}
		}
	}
	return out, nil
}

// aboutVulns are the newest findings that name vulnerabilities, the newest first.
func (a *App) aboutVulns(ctx context.Context, now time.Time) ([]event.Finding, error) {
	q := findingQuery(&query.Expr{Field: "raw", Op: query.Contains, Value: "cve"})
	q.Time = query.TimeRange{From: now.Add(-sightedSpan)}
	q.Sort, q.Limit = []query.Sort{{By: "time", Desc: true}}, sightedMost
	found, err := a.findings(ctx, q)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found.List, func(f event.Finding) bool { return len(f.Vulnerabilities) == 0 }), nil
}

// ofOurs names the device of ours that a finding is about; "" if there is none.
func (a *App) ofOurs(f *event.Finding) string {
	for _, uid := range []string{f.Device, f.Dst.UID, f.Src.UID} {
		if uid == "" {
			continue
		}
		if _, ok := a.devices.Get(uid); ok {
			name, _ := a.devices.NameOf(uid)
			return cmp.Or(name, uid)
		}
	}
	return ""
}

// sightedWords begins the reason that tells where a vulnerability was seen.
const sightedWords = "seen here"

func sightedText(f *event.Finding, where string) string {
	return fmt.Sprintf(sightedWords+" on %s at %.100q: finding %s, %.200q", f.Time.UTC().Format(time.DateOnly), where, f.UID, f.Title)
}
