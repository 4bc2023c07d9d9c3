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
	"vedette/internal/asset"
	"vedette/internal/config"
	"vedette/internal/fault"
)

// The most that is set here: who needs more writes it into the configuration.
const (
	maxQueryTime = time.Hour
	minQueryTime = time.Second
	maxDevices   = 5_000_000
)

// aLimit is a limit as it is shown.
type aLimit struct {
	key, about string
	live       bool
}

// limitKeys are the limits in the order of their importance. The event store takes its
// memory and threads when it is opened, and is locked against every change then.
func limitKeys() []aLimit {
	return []aLimit{
		{"query_time", "longest time of one query; counts for queries that begin after", true},
		{"devices", "most devices that are kept; those that are there stay", true},
		{"spool", "disk for what waits to be stored", true},
		{"memory", "memory of the event store; from the next start on, and in the configuration alone", false},
		{"threads", "threads of the event store, 0 for one for each core; from the next start on, and in the configuration alone", false},
	}
}

// limitsNow are the limits in force.
func (a *App) limitsNow() config.Limits {
	doc, _ := a.set.Now()
	return a.limitsIn(doc)
}

// limitsIn are those by a document: what the configuration says, else what was set
// here, else the default.
func (a *App) limitsIn(doc chosen.Doc) config.Limits {
	out := config.DefaultLimits()
	out.QueryTime = cmp.Or(config.Duration(a.cfg.Store.QueryTimeout), out.QueryTime)
	out.Devices = cmp.Or(a.cfg.Assets.MaxDevices, asset.DefaultMaxDevices)
	out.SpoolBytes = cmp.Or(config.Bytes(a.cfg.Spool), out.SpoolBytes)
	out.Threads = a.cfg.Store.Threads
	_ = out.Memory.UnmarshalText([]byte(a.cfg.Store.MemoryLimit)) // of the configuration, which was read; else the default
	for key, value := range doc.Limits.Values {
		next := out
		if a.cfg.From["limits."+key] == "" && len(next.Set(key, value)) == 0 && len(limitProblems(next)) == 0 {
			out = next
		}
	}
	return out
}

// limitProblems checks limits that are set here, as the file is and within bounds.
func limitProblems(l config.Limits) []config.Problem {
	out := l.Problems()
	if q := l.QueryTime.Std(); q < minQueryTime || q > maxQueryTime {
		out = append(out, config.Problem{Key: "query_time", Text: "is not between 1s and 1h", Hint: "more is set in the configuration"})
	}
	if l.Devices > maxDevices {
		out = append(out, config.Problem{Key: "devices", Text: fmt.Sprintf("is more than %d", maxDevices), Hint: "more is set in the configuration"})
	}
	return out
}

// applyLimits puts the limits that are set in force.
func (a *App) applyLimits() {
	l := a.limitsNow()
	a.events.SetQueryTimeout(l.QueryTime.Std())
	a.devices.SetMaxDevices(l.Devices)
	if live := a.live.Load(); live != nil {
		live.spool.SetMaxBytes(int64(l.SpoolBytes))
	}
}

// Limits implements [api.LimitSettings].
func (a *App) Limits(context.Context) (api.LimitsInForce, error) {
	doc, _ := a.set.Now()
	return a.showLimits(doc), nil
}

func (a *App) showLimits(doc chosen.Doc) api.LimitsInForce {
	now, usual := a.limitsIn(doc), a.limitsIn(chosen.Doc{})
	out := api.LimitsInForce{Version: doc.Limits.Mark.Version, Limits: []api.Limit{}, Notes: a.limitNotes(now)}
	for _, l := range limitKeys() {
		s := a.shownSetting("limits."+l.key, now.Text(l.key), usual.Text(l.key), doc.Limits.Values[l.key], doc.Limits.Mark)
		s.Fixed = s.Fixed || !l.live
		out.Limits = append(out.Limits, api.Limit{Key: l.key, About: l.about, Live: l.live, Setting: s})
	}
	return out
}

// limitNotes say what limits refuse as things are.
func (a *App) limitNotes(l config.Limits) []string {
	out := []string{}
	if n := a.devices.Stats().Devices; n >= l.Devices {
		out = append(out, fmt.Sprintf("there are %d devices, so no new one is kept with a limit of %d", n, l.Devices))
	}
	if live := a.live.Load(); live != nil {
		if s := live.spool.Stats(); s.Pending > 0 && s.Bytes >= int64(l.SpoolBytes) {
			out = append(out, fmt.Sprintf("%d bytes wait to be stored, so sources are refused with a limit of %s until they are", s.Bytes, l.SpoolBytes))
		}
	}
	return out
}

// SetLimits implements [api.LimitSettings].
func (a *App) SetLimits(ctx context.Context, c api.LimitsChange) (api.LimitsInForce, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	next := doc
	var err error
	if next.Limits, err = a.nextLimits(doc.Limits, c); err != nil {
		return api.LimitsInForce{}, err
	}
	if err := errors.Join(a.mayChange(), stale(c.Change, doc.Limits.Mark.Version)); err != nil {
		return api.LimitsInForce{}, err
	}
	would := a.showLimits(next)
	if c.Check {
		return would, nil
	}
	for _, note := range would.Notes {
		if !c.Confirm && !slices.Contains(a.limitNotes(a.limitsIn(doc)), note) {
			return would, fault.New(fault.Conflict, "%s", note).WithHint("if that is meant, confirm it")
		}
	}
	_, err = a.set.Change(ctx, c.Actor, c.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		next.Limits.Mark = m
		d.Limits = next.Limits
		return chosen.Deed{Action: "settings.limits", Object: "limits", Before: a.saidLimits(doc), After: a.saidLimits(next)}, nil
	})
	if err != nil {
		return would, err
	}
	a.applyLimits()
	return a.showLimits(next), nil
}

// nextLimits are limits with a change, checked as the file is.
func (a *App) nextLimits(set chosen.Limits, c api.LimitsChange) (chosen.Limits, error) {
	if len(c.Set) == 0 {
		return set, fault.New(fault.Invalid, "nothing is to be set").WithHint("give a limit, such as query_time: 1m")
	}
	set.Values = maps.Clone(set.Values)
	if set.Values == nil {
		set.Values = map[string]string{}
	}
	checked := config.DefaultLimits()
	var problems []config.Problem
	for _, key := range slices.Sorted(maps.Keys(c.Set)) {
		at := slices.IndexFunc(limitKeys(), func(l aLimit) bool { return l.key == key })
		value := strings.TrimSpace(c.Set[key])
		switch {
		case at < 0:
			return set, fault.New(fault.Invalid, "there is no limit %.40q", key).WithHint("list them with: vedette settings limits")
		case a.cfg.From["limits."+key] != "":
			return set, fault.New(fault.Conflict, "limits.%s is set by the configuration, at %s", key, a.cfg.From["limits."+key]).WithHint("change it there, or take it out there and set it here")
		case !limitKeys()[at].live:
			return set, fault.New(fault.Invalid, "limits.%s is taken when the server starts", key).WithHint("set it in the configuration and start the server anew")
		case value == "":
			delete(set.Values, key)
			continue
		}
		problems = append(problems, checked.Set(key, value)...)
		set.Values[key] = value
	}
	return set, refusal(append(problems, limitProblems(checked)...))
}

func (a *App) saidLimits(doc chosen.Doc) string {
	now := a.limitsIn(doc)
	var out []string
	for _, l := range limitKeys() {
		if l.live {
			out = append(out, l.key+" "+now.Text(l.key))
		}
	}
	return strings.Join(out, ", ")
}

// changedLimits says what becomes of limits between two documents.
func (a *App) changedLimits(from, to chosen.Doc) []string {
	if was, is := a.saidLimits(from), a.saidLimits(to); was != is {
		return []string{"limits: " + is + " instead of " + was}
	}
	return nil
}
