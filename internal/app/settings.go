package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/disk"
)

// The keys of what may be set here, as the configuration has them.
const (
	keyEvents = "retention.events"
	keyDisk   = "retention.disk"
)

// mayChange refuses changes where the configuration alone decides. It is called
// under setting.
func (a *App) mayChange() error {
	if a.cfg.From != nil && !a.cfg.Settings.Change {
		return fault.New(fault.Denied, "settings are not changed here: the configuration alone decides").WithHint("set settings.change to true in the configuration and start the server anew")
	}
	return nil
}

// stale refuses a change to what somebody else has changed.
func stale(c api.Change, now int64) error {
	if c.Seen == nil || *c.Seen == now {
		return nil
	}
	return fault.Wrap(fault.Conflict, api.ErrStale, "somebody changed it meanwhile: it is at version %d, not %d", now, *c.Seen).WithHint("look at it again, then decide")
}

// retention is how long events are kept: what the configuration says, else what
// was set here, else the default.
func (a *App) retention() Retention {
	doc, _ := a.set.Now()
	return a.retentionOf(doc.Retention)
}

func (a *App) retentionOf(set chosen.Retention) Retention {
	out := a.cfg.Retention
	var r config.Retention
	if a.cfg.From[keyEvents] == "" && set.Events != "" && len(r.Set("events", set.Events)) == 0 {
		out.Events = r.Events.Std()
	}
	if a.cfg.From[keyDisk] == "" && set.Disk != "" && len(r.Set("disk", set.Disk)) == 0 {
		out.Disk = int64(r.Disk)
	}
	return out
}

// Retention implements [api.Settings].
func (a *App) Retention(ctx context.Context) (api.RetentionSettings, error) {
	doc, _ := a.set.Now()
	return a.showRetention(ctx, doc.Retention, a.retentionOf(doc.Retention))
}

func (a *App) showRetention(ctx context.Context, set chosen.Retention, before Retention) (api.RetentionSettings, error) {
	now := a.retentionOf(set)
	usual := config.DefaultRetention()
	usual.Events, usual.Disk = cmp.Or(config.Duration(a.unsetRetention().Events), usual.Events), cmp.Or(config.Bytes(a.unsetRetention().Disk), usual.Disk)
	events, space := usual.Texts()
	shown := config.Retention{Events: config.Duration(now.Events), Disk: config.Bytes(now.Disk)}
	out := api.RetentionSettings{Version: set.Mark.Version}
	age, size := shown.Texts()
	out.Events = a.shownSetting(keyEvents, age, events, set.Events, set.Mark)
	out.Disk = a.shownSetting(keyDisk, size, space, set.Disk, set.Mark)
	var err error
	out.Effect, err = a.effectOf(ctx, now, before)
	return out, err
}

// unsetRetention is what counts when nothing is set here.
func (a *App) unsetRetention() Retention { return a.retentionOf(chosen.Retention{}) }

func (a *App) shownSetting(key, value, usual, set string, m chosen.Mark) api.Setting {
	s := api.Setting{Value: value, Default: usual, Origin: api.FromDefault}
	switch place := a.cfg.From[key]; {
	case place != "":
		s.Origin, s.Place, s.Fixed, s.Kept = api.FromFile, place, true, set
	case set != "":
		s.Origin = api.FromHere
		s.By = byOf(m)
	}
	return s
}

func byOf(m chosen.Mark) *api.SettingBy {
	return &api.SettingBy{Version: m.Version, By: m.By, At: m.At, Why: m.Why}
}

// effectOf counts what the next maintenance drops by a retention, and how much of
// that goes anyway.
func (a *App) effectOf(ctx context.Context, r, before Retention) (api.RetentionEffect, error) {
	bounds, err := a.events.Bounds(ctx)
	if err != nil {
		return api.RetentionEffect{}, err
	}
	out := api.RetentionEffect{Oldest: bounds.Oldest}
	if out.Bytes, err = disk.Size(a.cfg.Dir); err != nil {
		return out, fault.Wrap(fault.Unavailable, err, "measuring the data directory %s", a.cfg.Dir)
	}
	from, err := a.dropsBefore(ctx, r, bounds.Newest, out.Bytes)
	if err != nil || from.IsZero() {
		return out, err
	}
	gone, err := a.events.WouldDrop(ctx, from)
	if err != nil {
		return out, err
	}
	out.KeptFrom, out.Days, out.Events = from, gone.Days, gone.Rows
	if r == before {
		out.Anyway = out.Events
		return out, nil
	}
	if from, err = a.dropsBefore(ctx, before, bounds.Newest, out.Bytes); err != nil || from.IsZero() {
		return out, err
	}
	anyway, err := a.events.WouldDrop(ctx, from)
	out.Anyway = min(anyway.Rows, out.Events)
	return out, err
}

// dropsBefore is the day before which a retention drops events; zero: none.
func (a *App) dropsBefore(ctx context.Context, r Retention, newest time.Time, size int64) (time.Time, error) {
	var from time.Time
	if now := trustedNow(a.cfg.Now(), newest); r.Events > 0 && !now.IsZero() {
		from = keptFrom(now, r.Events)
	}
	if r.Disk <= 0 || size <= r.Disk {
		return from, nil
	}
	days, err := a.events.Days(ctx)
	if err != nil {
		return from, err
	}
	if before, _ := tooLarge(days, size, r.Disk); before.After(from) {
		from = before
	}
	return from, nil
}

// SetRetention implements [api.Settings].
func (a *App) SetRetention(ctx context.Context, c api.RetentionChange) (api.RetentionSettings, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	before := a.retentionOf(doc.Retention)
	next, err := a.nextRetention(doc.Retention, c)
	if err != nil {
		return api.RetentionSettings{}, err
	}
	if err := a.fixedRetention(c); err != nil {
		return api.RetentionSettings{}, err
	}
	if err := errors.Join(a.mayChange(), stale(c.Change, doc.Retention.Mark.Version)); err != nil {
		return api.RetentionSettings{}, err
	}
	would, err := a.showRetention(ctx, next, before)
	if err != nil || c.Check {
		return would, err
	}
	if err := destroys(would.Effect, c.Confirm); err != nil {
		return would, err
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		next.Mark = m
		d.Retention = next
		return chosen.Deed{Action: "settings.retention", Object: "retention", Before: a.saidRetention(before), After: a.saidRetention(a.retentionOf(next))}, nil
	})
	if err != nil {
		return would, err
	}
	return a.showRetention(ctx, next, a.retentionOf(next))
}

func (a *App) saidRetention(r Retention) string {
	events, size := config.Retention{Events: config.Duration(r.Events), Disk: config.Bytes(r.Disk)}.Texts()
	return "events " + events + ", disk " + size
}

// nextRetention is a retention with a change, checked as the file is.
func (a *App) nextRetention(set chosen.Retention, c api.RetentionChange) (chosen.Retention, error) {
	if c.Events == nil && c.Disk == nil {
		return set, fault.New(fault.Invalid, "nothing is to be set").WithHint(`give events, such as "90d", or disk, such as "100GB"`)
	}
	if c.Events != nil {
		set.Events = strings.TrimSpace(*c.Events)
	}
	if c.Disk != nil {
		set.Disk = strings.TrimSpace(*c.Disk)
	}
	checked := config.DefaultRetention()
	var problems []config.Problem
	for _, v := range [][2]string{{"events", set.Events}, {"disk", set.Disk}} {
		if v[1] != "" {
			problems = append(problems, checked.Set(v[0], v[1])...)
		}
	}
	return set, refusal(append(problems, checked.Problems()...))
}

// refusal makes one error of problems; nil if there are none.
func refusal(problems []config.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	var text, hint []string
	for _, p := range problems {
		text = append(text, strings.TrimPrefix(p.Key+": "+p.Text, ": "))
		if p.Hint != "" {
			hint = append(hint, p.Hint)
		}
	}
	return fault.New(fault.Invalid, "%s", strings.Join(text, "; ")).WithHint("%s", strings.Join(hint, "; "))
}

// againstIt refuses what a check found a problem in, unless it is confirmed.
func againstIt(checks []api.SourceCheck, confirmed bool) error {
	for _, c := range checks {
		if c.State == "problem" && !confirmed {
			return fault.New(fault.Conflict, "%s", c.Text).WithHint("correct it, or confirm that it is set all the same")
		}
	}
	return nil
}

// fixedRetention refuses to set what the configuration says.
func (a *App) fixedRetention(c api.RetentionChange) error {
	for key, set := range map[string]bool{keyEvents: c.Events != nil, keyDisk: c.Disk != nil} {
		if place := a.cfg.From[key]; set && place != "" {
			return fault.New(fault.Conflict, "%s is set by the configuration, at %s", key, place).WithHint("change it there, or take it out there and set it here")
		}
	}
	return nil
}

// destroys refuses a change that drops more than goes anyway, unless that is
// meant.
func destroys(e api.RetentionEffect, confirmed bool) error {
	if e.Events <= e.Anyway || confirmed {
		return nil
	}
	return fault.New(fault.Conflict, "this drops %d events of before %s for good", e.Events-e.Anyway, e.KeptFrom.Format(time.DateOnly)).WithHint("if that is meant, confirm it")
}

// SettingsHistory implements [api.Settings].
func (a *App) SettingsHistory(ctx context.Context, most int) ([]api.SettingsVersion, error) {
	list, err := a.set.History(ctx, most)
	out := make([]api.SettingsVersion, len(list))
	for i, v := range list {
		out[i] = api.SettingsVersion{Version: v.Version, At: v.At, By: v.By, Why: v.Why, Action: v.Action, Object: v.Object, Before: v.Before, After: v.After, Opens: v.Opens}
	}
	return out, err
}

// UndoSettings implements [api.Settings].
func (a *App) UndoSettings(ctx context.Context, u api.SettingsUndo) (api.SettingsUndone, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, version := a.set.Now()
	out := api.SettingsUndone{Version: version}
	if err := errors.Join(a.mayChange(), stale(u.Change, version)); err != nil {
		return out, err
	}
	to, err := a.set.At(ctx, u.Version)
	if err != nil {
		return out, err
	}
	out.Changes = a.differences(doc, to)
	named := namedAnew(doc, to)
	remember(&to, named)
	if len(out.Changes) == 0 {
		return out, fault.New(fault.Conflict, "version %d is what is in force", u.Version)
	}
	if err := a.foretell(ctx, doc, to, &out); err != nil || u.Check {
		return out, err
	}
	if err := destroys(*out.Effect, u.Confirm); err != nil {
		return out, err
	}
	if err := opens(out.Loosens, u.Confirm); err != nil {
		return out, err
	}
	if out.Zones != nil {
		if err := widens(*out.Zones, u.Confirm); err != nil {
			return out, err
		}
	}
	if err := a.retireGone(ctx, doc, to, u.Change); err != nil {
		return out, err
	}
	gone := goneUsers(doc, to)
	err = a.nameAnew(ctx, named, to, func(more []store.Change) error {
		v, err := a.set.Change(ctx, u.Actor, u.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
			d.Restore(to, m)
			return chosen.Deed{Action: "settings.undo", Object: fmt.Sprintf("version %d", u.Version), After: strings.Join(out.Changes, "; "), Opens: strings.Join(out.Loosens, "; "), More: append(more, gone...)}, nil
		})
		out.Version = v.Version
		return err
	})
	if err != nil {
		return out, err
	}
	return out, a.applyAll(ctx, doc, to)
}

// foretell tells what going from one document to another does.
func (a *App) foretell(ctx context.Context, doc, to chosen.Doc, out *api.SettingsUndone) error {
	effect, err := a.effectOf(ctx, a.retentionOf(to.Retention), a.retentionOf(doc.Retention))
	if err != nil {
		return err
	}
	out.Effect, out.Loosens = &effect, a.loosened(doc, to)
	if len(changedZones(doc, to)) == 0 {
		return nil
	}
	moved, err := a.zoneEffect(ctx, doc, to, namedAnew(doc, to))
	out.Zones = &moved
	return err
}

// applyAll puts what two documents have otherwise in force; one part that fails does
// not keep the others from it.
func (a *App) applyAll(ctx context.Context, doc, to chosen.Doc) error {
	for name := range changedSources(doc, to) {
		a.applySource(name) //nolint:contextcheck // it runs by the context of the server, not of who asked
	}
	var zones, pulls, rules error
	if len(changedZones(doc, to)) > 0 {
		zones = a.applyZones(ctx)
	}
	if len(changedPulls(doc, to)) > 0 {
		pulls = a.applyPulls()
	}
	if len(changedRules(doc, to)) > 0 {
		rules = a.applyRules(ctx)
	}
	if !maps.Equal(doc.Limits.Values, to.Limits.Values) {
		a.applyLimits()
	}
	a.applyUsers(doc, to) //nolint:contextcheck // a source runs by the context of the server, not of who asked
	var models error
	if len(changedModels(doc, to)) > 0 {
		models = a.hangDoor()
	}
	return errors.Join(zones, pulls, rules, models)
}

// differences say in words what a document would change.
func (a *App) differences(from, to chosen.Doc) []string {
	out := []string{}
	if was, is := a.retentionOf(from.Retention), a.retentionOf(to.Retention); was != is {
		out = append(out, "retention: "+a.saidRetention(is)+" instead of "+a.saidRetention(was))
	}
	return slices.Concat(out, sourceWords(changedSources(from, to)), changedRules(from, to), changedZones(from, to), changedPulls(from, to), changedModels(from, to), a.changedLimits(from, to), changedUsers(from, to))
}
