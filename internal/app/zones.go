package app

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/vex"
)

// sight is what somebody may see of the devices. That of a context that is not
// confined sees all.
type sight struct {
	app  *App
	ctx  context.Context //nolint:containedctx // lives as long as one answer
	told map[string]bool // texts that were looked at, whether they are foreign
	part map[string]bool // and parts of them
	ours map[string]bool // uids that were looked at, whether they are theirs
}

// sightOf tells whether the context is confined to zones, and what it sees then.
func (a *App) sightOf(ctx context.Context) (sight, bool) {
	_, ok := query.Confined(ctx)
	return sight{a, ctx, map[string]bool{}, map[string]bool{}, map[string]bool{}}, ok
}

// own reports whether a uid is that of a device in the zones.
func (s sight) own(uid string) bool {
	is, known := s.ours[uid]
	if !known {
		zone, ok := s.app.devices.ZoneOf(uid)
		is = ok && query.Sees(s.ctx, zone)
		s.ours[uid] = is
	}
	return is
}

// Texts of more words, and names of more of them, are not looked at.
const (
	maxWords    = 200
	wordsOfName = 8
)

// foreign reports whether a text names a device outside of the zones: by uid,
// address, MAC or name. A text that is too long to be looked at counts as one.
func (s sight) foreign(text string) bool {
	is, known := s.told[text]
	if !known {
		is = s.names(text)
		s.told[text] = is
	}
	return is
}

func (s sight) names(text string) bool {
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

// means reports whether a part of a text is what a device outside is known by.
func (s sight) means(text string) bool {
	is, known := s.part[text]
	if !known {
		is = s.meant(text)
		s.part[text] = is
	}
	return is
}

func (s sight) meant(text string) bool {
	others := func(zone string) bool { return !query.Sees(s.ctx, zone) }
	if s.app.devices.ZonesMeant(text, others) {
		return true
	}
	bare := strings.Trim(text, ".:!?")
	return bare != text && s.app.devices.ZonesMeant(bare, others)
}

// device leaves out why a device is believed to be what it is where that names one
// outside of the zones.
func (s sight) device(d asset.Device) asset.Device {
	d.Evidence = left(d.Evidence, func(e asset.Evidence) bool { return s.foreign(e.Value) || s.foreign(e.What) })
	d.Changes = left(d.Changes, func(c asset.Change) bool {
		return s.foreign(c.Other) || s.foreign(c.Why) || slices.ContainsFunc(slices.Concat(c.IPs, c.MACs), s.foreign)
	})
	return d
}

// narrowWhy leaves out of the reasons of rows where else something was seen, and what
// a person of the site wrote: nobody knows what that tells.
func (a *App) narrowWhy(ctx context.Context, rows []api.VulnRow) {
	sight, confined := a.sightOf(ctx)
	if !confined {
		return
	}
	for i := range rows {
		rows[i].Why = sight.reasons(rows[i].Why)
		if strings.HasSuffix(rows[i].Source, "("+vex.Publisher+")") {
			rows[i].Reason = personSays
		}
	}
}

// abouts are what others than persons of this site say of a vulnerability, for who is
// confined to zones; of all for everybody else.
func (a *App) abouts(ctx context.Context, list []match.About) []match.About {
	if _, confined := query.Confined(ctx); !confined {
		return list
	}
	return left(list, func(m match.About) bool { return m.Advisory.Rank == advisory.BySelf })
}

// reasons keeps those that name no device outside of the zones; of a sighting it
// keeps that there was one, because a device may have another name by now.
func (s sight) reasons(why []string) []string {
	out := []string{}
	for _, line := range why {
		if before, _, seen := strings.Cut(line, sightedWords); seen {
			line = before + "seen on this site"
		}
		if !s.foreign(line) {
			out = append(out, line)
		}
	}
	return out
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

// Own implements [correlate.Sight].
func (s sight) Own(uid string) bool { return s.own(uid) }

// Foreign implements [correlate.Sight].
func (s sight) Foreign(text string) bool { return s.foreign(text) }

// Reads implements [correlate.Sight]: who is limited to these zones or to more sees all
// that a writer saw who was limited to them, by what they are called now.
func (s sight) Reads(zones []string) bool {
	return !slices.ContainsFunc(s.app.zonesNow(zones), func(z string) bool { return !query.Sees(s.ctx, z) })
}

// Findings implements [correlate.Sight]: the engine knows. What cannot be asked is
// not seen.
func (s sight) Findings(uids []string) map[string]bool {
	may := map[string]bool{}
	in := make([]any, len(uids))
	for i, uid := range uids {
		in[i] = uid
	}
	for part := range slices.Chunk(in, findingsAtOnce) {
		res, err := s.app.events.Query(s.ctx, query.Query{
			Where: &query.Expr{Field: "metadata.uid", Op: query.In, Value: part}, Select: []string{"metadata.uid"}, Limit: len(part),
		})
		if err != nil {
			s.app.cfg.Log.Warn("which findings of an incident may be seen could not be looked up", "component", "correlate", "err", err)
			return may
		}
		for _, row := range res.Rows {
			uid, _ := row[0].(string)
			may[uid] = true
		}
	}
	return may
}

// findingsAtOnce is how many findings one query is asked for.
const findingsAtOnce = 1000

// unasked is a sight that looks up no findings: lists do not show them.
type unasked struct{ sight }

// Findings implements [correlate.Sight].
func (unasked) Findings([]string) map[string]bool { return nil }

// incidents are those that touch a device of the zones, and what may be seen of them.
func (s sight) incidents(all bool) []correlate.Incident {
	return s.cut(s.app.incidents.Timelines(all, s.own))
}

// cut narrows incidents for a list.
func (s sight) cut(list []correlate.Incident) []correlate.Incident {
	out := []correlate.Incident{}
	for _, full := range list {
		full.Merges, full.Computed = nil, nil // not in these lists
		if seen, ok := full.Within(unasked{s}); ok {
			seen.Timeline = nil
			out = append(out, seen)
		}
	}
	return out
}

// incident returns what may be seen of an incident, by its uid or the start of it.
// Any other is not there.
func (s sight) incident(text string) (api.IncidentDetail, error) {
	full, err := s.whole(text)
	if err != nil {
		return api.IncidentDetail{}, err
	}
	seen, ok := full.Within(s)
	if !ok {
		return api.IncidentDetail{}, noIncident(text)
	}
	return api.IncidentDetail{Incident: seen, Similar: []correlate.Similar{}}, nil
}

// ruled returns the incident that somebody decides on, if all of it is theirs. What is
// taken back has to be something that they see. This is so that the journal has no
// decisions on what somebody does not see; [correlate.Desk] asks again when one takes effect.
func (s sight) ruled(d *api.IncidentDecision) (correlate.Incident, error) {
	text := d.Incident
	if d.Action == api.IncidentUndo {
		uid, ok := s.app.incidents.IncidentOf(text)
		if note, _, is := s.app.incidents.NoteOf(text); is {
			ok = len(note.Zones) > 0 && s.Reads(note.Zones)
		}
		if !ok {
			return correlate.Incident{}, correlate.NothingToUndo(text)
		}
		text = uid
	}
	full, err := s.whole(text)
	if err != nil {
		return full, err
	}
	return full, full.Decidable(s)
}

func noIncident(text string) error {
	return fault.New(fault.NotFound, "there is no incident %q", text).WithHint("list them with: vedette incidents --all")
}

// whole finds an incident that touches a device of the zones, by its uid or the start
// of it, in full.
func (s sight) whole(text string) (correlate.Incident, error) {
	var found []correlate.Incident
	if i, ok := s.app.incidents.Get(text); ok {
		if slices.ContainsFunc(i.Devices, s.own) {
			found = []correlate.Incident{i}
		}
	} else if len(text) >= 4 {
		for _, i := range s.app.incidents.Incidents() {
			if strings.HasPrefix(i.UID, text) && slices.ContainsFunc(i.Devices, s.own) {
				full, _ := s.app.incidents.Get(i.UID)
				found = append(found, full)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) > 1 {
		return correlate.Incident{}, fault.New(fault.Conflict, "%d incidents begin with %q", len(found), text).WithHint("give more of the uid, such as %s", found[0].UID)
	}
	return correlate.Incident{}, noIncident(text)
}
