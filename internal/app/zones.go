package app

import (
	"context"
	"strings"
	"unicode"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/query"
)

// sight is what somebody may see of the devices. That of a context that is not
// confined sees all.
type sight struct {
	app *App
	ctx context.Context //nolint:containedctx // lives as long as one answer
}

// sightOf tells whether the context is confined to zones, and what it sees then.
func (a *App) sightOf(ctx context.Context) (sight, bool) {
	_, ok := query.Confined(ctx)
	return sight{a, ctx}, ok
}

// own reports whether a uid is that of a device in the zones.
func (s sight) own(uid string) bool {
	d, ok := s.app.devices.Get(uid)
	return ok && query.Sees(s.ctx, d.Value(asset.KeyZone))
}

// Texts of more words, and names of more of them, are not looked at.
const (
	maxWords    = 200
	wordsOfName = 4
)

// foreign reports whether a text names a device outside of the zones: by uid,
// address, MAC or name. A text that is too long to be looked at counts as one.
func (s sight) foreign(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,;"'()[]{}<>=|“”`, r) })
	if len(words) > maxWords {
		return true
	}
	for i := range words {
		for n := 1; n <= wordsOfName && i+n <= len(words); n++ {
			if s.means(strings.Join(words[i:i+n], " ")) {
				return true
			}
		}
		for _, part := range strings.FieldsFunc(words[i], func(r rune) bool { return r == '/' || r == '@' }) {
			host, _, _ := strings.Cut(part, ":") // an address and its port
			if s.means(part) || s.means(host) {
				return true
			}
		}
	}
	return false
}

func (s sight) means(text string) bool {
	for _, t := range []string{text, strings.Trim(text, ".:!?")} {
		for _, d := range s.app.devices.Find(t) {
			if !query.Sees(s.ctx, d.Value(asset.KeyZone)) {
				return true
			}
		}
	}
	return false
}

// finding leaves out what a finding says of devices outside of the zones. The engine
// gives none whose ends are such devices; its reasons may still name them.
func (s sight) finding(f event.Finding) event.Finding {
	side := func(x event.Side) event.Side {
		if x.UID != "" && !s.own(x.UID) || s.foreign(x.IP) {
			return event.Side{}
		}
		return x
	}
	f.Src, f.Dst = side(f.Src), side(f.Dst)
	if f.Device != "" && !s.own(f.Device) {
		f.Device = ""
	}
	f.Entities, f.Reasons = left(f.Entities, func(o event.Observable) bool { return s.foreign(o.Value) }), left(f.Reasons, func(r event.Reason) bool { return s.foreign(r.Observed) || s.foreign(r.Usual) })
	if s.foreign(f.Title) {
		f.Title = f.Rule
	}
	return f
}

// left is a new list without what is to be left out.
func left[T any](list []T, out func(T) bool) []T {
	var kept []T
	for _, v := range list {
		if !out(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
