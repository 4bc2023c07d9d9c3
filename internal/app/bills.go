package app

import (
	"context"
	"slices"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/vuln/exposure"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/sbom"
)

// BillHistory returns the bills that a device or product has and had, the newest
// first; of all of them when it is "".
func (a *App) BillHistory(ctx context.Context, subject string) ([]api.BillEntry, error) {
	list, err := a.historyOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	out := make([]api.BillEntry, len(list))
	for i, b := range list {
		out[i] = entryFor(ctx, b)
	}
	return out, nil
}

// billsSeen returns the bills of a subject, or of all when it is "", as far as the context
// may see them: in a confined one those that devices in its zones run or ran, and no
// others. All that is told of bills comes through here.
func (a *App) billsSeen(ctx context.Context, subject string) ([]*vulnlib.Bill, error) {
	list, err := a.vulns.lib.History(ctx, subject)
	sight, confined := a.sightOf(ctx)
	if err != nil || !confined {
		return list, err
	}
	x, err := a.exposure(ctx)
	if err != nil {
		return nil, err
	}
	keys := x.view(ctx).Lists()
	return left(list, func(b *vulnlib.Bill) bool {
		uid, ofOne := strings.CutPrefix(b.Subject, ofDevice)
		_, run := slices.BinarySearch(keys, b.Key)
		return !run && (!ofOne || !sight.own(uid))
	}), nil
}

// entryFor is an entry as the context may see it: where the bill of a product came from
// concerns others too.
func entryFor(ctx context.Context, b *vulnlib.Bill) api.BillEntry {
	e := entryOf(b)
	if _, confined := query.Confined(ctx); confined && !strings.HasPrefix(b.Subject, ofDevice) {
		e.Path = ""
	}
	return e
}

func entryOf(b *vulnlib.Bill) api.BillEntry {
	e := api.BillEntry{ID: b.ID(), Subject: b.Subject, Path: b.Path, Format: b.BOM.Format, Version: b.BOM.Subject.Version, Components: len(b.BOM.Components), Imported: b.Imported}
	if !b.Until.IsZero() {
		e.Until = &b.Until
	}
	return e
}

// DeviceBills implements [api.Bills].
func (a *App) DeviceBills(ctx context.Context, uid string) ([]api.BillEntry, error) {
	d, err := a.FindDevice(ctx, uid)
	if err != nil {
		return nil, err
	}
	x, err := a.exposure(ctx)
	if err != nil {
		return nil, err
	}
	row := d.Row()
	a.vulns.mu.Lock()
	keys := x.billsOf(&row)
	a.vulns.mu.Unlock()
	all, err := a.billsSeen(ctx, "")
	if err != nil {
		return nil, err
	}
	out := []api.BillEntry{}
	for _, b := range all {
		if b.Subject == ofDevice+d.UID || slices.Contains(keys, b.Key) {
			out = append(out, entryFor(ctx, b))
		}
	}
	return out, nil
}

// ShowBill implements [api.Bills].
func (a *App) ShowBill(ctx context.Context, id string) (api.BillView, error) {
	b, err := a.billNamed(ctx, id)
	if err != nil {
		return api.BillView{}, err
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.BillView{}, err
	}
	out := api.BillView{Bill: entryFor(ctx, b), Product: b.BOM.Subject, Components: make([]api.BillComponent, len(b.BOM.Components))}
	for i, item := range itemsOf(index, b) {
		c := api.BillComponent{Component: b.BOM.Components[i], Vulnerabilities: []api.VulnRow{}}
		for _, m := range index.Match(item.Query) {
			if m.Status == match.NotAffected {
				c.Cleared++
				continue
			}
			c.Vulnerabilities = append(c.Vulnerabilities, vulnRow(index, exposure.Row{Subject: b.Subject, Component: item.Label, Match: m, Points: a.vulns.tree.Rate(index.Find(m.ID), vulnFacts(index, m.ID))}))
		}
		a.narrowWhy(ctx, c.Vulnerabilities)
		slices.SortStableFunc(c.Vulnerabilities, func(x, y api.VulnRow) int { return urgency(x) - urgency(y) })
		out.Components[i] = c
	}
	return out, nil
}

func (a *App) billNamed(ctx context.Context, id string) (*vulnlib.Bill, error) {
	list, err := a.billsSeen(ctx, "")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(b *vulnlib.Bill) bool { return b.ID() == id })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "there is no bill of materials %.40q", id).WithHint("list them with: vedette sbom history")
	}
	return list[i], nil
}

// historyOf finds the bills of a subject; one without a kind is a device, or else
// a product.
func (a *App) historyOf(ctx context.Context, subject string) ([]*vulnlib.Bill, error) {
	switch {
	case subject == "" || strings.HasPrefix(subject, ofProduct):
	case strings.HasPrefix(subject, ofDevice):
		if d, err := a.FindDevice(ctx, strings.TrimPrefix(subject, ofDevice)); err == nil {
			subject = ofDevice + d.UID
		}
	default:
		if d, err := a.FindDevice(ctx, subject); err == nil {
			subject = ofDevice + d.UID
		} else {
			subject = ofProduct + subject
		}
	}
	list, err := a.billsSeen(ctx, subject)
	if err == nil && len(list) == 0 && subject != "" {
		err = fault.New(fault.NotFound, "there is no bill of materials of %.100q", subject).WithHint("list them with: vedette sbom history")
	}
	return list, err
}

// DiffBills tells what a later bill has otherwise than an earlier one: two by
// their ids, or the last two of a subject when after is "".
func (a *App) DiffBills(ctx context.Context, before, after string) (api.BillDiff, error) {
	older, newer, err := a.pair(ctx, before, after)
	if err != nil {
		return api.BillDiff{}, err
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.BillDiff{}, err
	}
	out := api.BillDiff{Before: entryFor(ctx, older), After: entryFor(ctx, newer), Difference: sbom.Diff(older.BOM, newer.BOM)}
	had, has := a.concerned(index, older), a.concerned(index, newer)
	out.Gone, out.Came = without(had, has), without(has, had)
	a.narrowWhy(ctx, out.Gone)
	a.narrowWhy(ctx, out.Came)
	return out, nil
}

func (a *App) pair(ctx context.Context, before, after string) (older, newer *vulnlib.Bill, err error) {
	if after == "" {
		list, err := a.historyOf(ctx, before)
		if err != nil {
			return nil, nil, err
		}
		for i := 1; i < len(list); i++ {
			if list[i].Key == list[0].Key {
				return list[i], list[0], nil
			}
		}
		return nil, nil, fault.New(fault.NotFound, "%.100q has one bill of materials so far", before).WithHint("name two by their ids: vedette sbom history")
	}
	if older, err = a.billNamed(ctx, before); err != nil {
		return nil, nil, err
	}
	newer, err = a.billNamed(ctx, after)
	return older, newer, err
}

// concerned are the vulnerabilities that a bill's components have or may have,
// with the components' names.
func (a *App) concerned(index *match.Index, b *vulnlib.Bill) map[string]api.VulnRow {
	out := map[string]api.VulnRow{}
	asked := map[string]bool{}
	for _, item := range itemsOf(index, b) {
		if asked[item.Label] {
			continue
		}
		asked[item.Label] = true
		for _, m := range index.Match(item.Query) {
			name, _, _ := strings.Cut(item.Label, " ")
			key := m.ID + "\x00" + strings.ToLower(name)
			if m.Status == match.NotAffected || out[key].Status == match.Affected {
				continue
			}
			out[key] = vulnRow(index, exposure.Row{Subject: b.Subject, Component: item.Label, Match: m, Points: a.vulns.tree.Rate(index.Find(m.ID), vulnFacts(index, m.ID))})
		}
	}
	return out
}

// without returns what a has and b does not, the most urgent first.
func without(a, b map[string]api.VulnRow) []api.VulnRow {
	out := []api.VulnRow{}
	for key, r := range a {
		if _, both := b[key]; !both {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y api.VulnRow) int {
		if u := urgency(x) - urgency(y); u != 0 {
			return u
		}
		return strings.Compare(x.ID+x.Component, y.ID+y.Component)
	})
	return out
}

// urgency orders rows: what is affected first, then by decision.
func urgency(r api.VulnRow) int {
	n := slices.Index([]string{"act", "attend", "track*", "track"}, r.Decision)
	if r.Status != match.Affected {
		n += 10
	}
	return n
}
