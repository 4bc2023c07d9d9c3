package app

import (
	"context"
	"strconv"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/vuln/exposure"
	"vedette/internal/vuln/match"
)

// groupings are the words for what rows are counted by.
func groupings() map[string]exposure.By {
	return map[string]exposure.By{"device": exposure.BySubject, "component": exposure.ByComponent, "advisory": exposure.ByVulnerability}
}

// maxGroupText bounds the text that groups are searched for.
const maxGroupText = 200

// GroupVulns counts what is affected by device, component or vulnerability.
func (a *App) GroupVulns(ctx context.Context, f api.GroupFilter) (api.VulnGrouped, error) {
	by, ok := groupings()[f.By]
	if !ok {
		return api.VulnGrouped{}, fault.New(fault.Invalid, "it cannot be counted by %.40q", f.By).WithHint("by device, component or advisory")
	}
	if len(f.Text) > maxGroupText {
		return api.VulnGrouped{}, fault.New(fault.Invalid, "the text has more than %d bytes", maxGroupText)
	}
	check := api.VulnFilter{Status: f.Status, Decision: f.Decision, Offset: f.Offset, Limit: f.Limit}
	if err := checkFilter(&check); err != nil {
		return api.VulnGrouped{}, err
	}
	if f.Actor != "" {
		if err := a.noteIntel(f.Actor, "vulnerabilities.export", "by "+f.By, map[string]string{"status": f.Status, "decision": f.Decision, "text": f.Text}); err != nil {
			return api.VulnGrouped{}, err
		}
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.VulnGrouped{}, err
	}
	x, err := a.exposureNow(ctx)
	if err != nil {
		return api.VulnGrouped{}, err
	}
	names, err := a.rowsByUID(ctx, by == exposure.BySubject && strings.TrimSpace(f.Text) != "")
	if err != nil {
		return api.VulnGrouped{}, err
	}
	found := x.view(ctx).Groups(by, exposure.Filter{Status: f.Status, Decision: f.Decision, Offset: f.Offset, Limit: check.Limit}, wanted(f.Text, by, index, names))
	if by == exposure.BySubject && names == nil {
		names = a.rowsOf(found.Groups)
	}
	out := api.VulnGrouped{Rows: make([]api.VulnGroup, len(found.Groups)), Total: found.Total, Affected: counts(found.All.Affected), Undetermined: counts(found.All.Undetermined)}
	for i := range found.Groups {
		out.Rows[i] = groupRow(&found.Groups[i], by, index, names)
	}
	return out, nil
}

// rowsOf are the devices of a page.
func (a *App) rowsOf(groups []exposure.Group) map[string]store.Device {
	out := make(map[string]store.Device, len(groups))
	for i := range groups {
		if uid, ok := strings.CutPrefix(groups[i].Key, ofDevice); ok {
			if d, known := a.devices.Get(uid); known {
				out[uid] = d.Row()
			}
		}
	}
	return out
}

// rowsByUID are the devices as lists have them.
func (a *App) rowsByUID(ctx context.Context, needed bool) (map[string]store.Device, error) {
	if !needed {
		return nil, nil
	}
	rows, err := a.DeviceRows(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]store.Device, len(rows))
	for i := range rows {
		out[rows[i].UID] = rows[i]
	}
	return out, nil
}

// wanted says which groups have a text in what a person reads of them.
func wanted(text string, by exposure.By, index *match.Index, names map[string]store.Device) func(key, label string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil
	}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(strings.ToLower(p), text) {
				return true
			}
		}
		return false
	}
	switch by {
	case exposure.BySubject:
		return func(key, _ string) bool {
			d, ok := names[strings.TrimPrefix(key, ofDevice)]
			return has(key) || ok && has(d.Name, d.Vendor+" "+d.Model, d.Firmware, d.Zone)
		}
	case exposure.ByVulnerability:
		return func(key, _ string) bool { return has(key) || has(title(index.Find(key))) }
	case exposure.ByComponent:
	}
	return func(_, label string) bool { return has(label) }
}

func counts(c exposure.Counts) api.DecisionCounts {
	return api.DecisionCounts{Act: c[0], Attend: c[1], Close: c[2], Track: c[3]}
}

func groupRow(g *exposure.Group, by exposure.By, index *match.Index, names map[string]store.Device) api.VulnGroup {
	row := api.VulnGroup{Key: g.Key, Label: g.Label, Note: g.Query, Affected: counts(g.Affected), Undetermined: counts(g.Undetermined), Devices: g.Subjects, Status: match.Undetermined}
	var affected bool
	if row.Decision, affected = g.Worst(); affected {
		row.Status = match.Affected
	}
	switch by {
	case exposure.BySubject:
		row.Label = strings.TrimPrefix(g.Key, ofProduct)
		if d, ok := names[strings.TrimPrefix(g.Key, ofDevice)]; ok {
			row.Label = d.Name
			row.Note = strings.Join(strings.Fields(d.Vendor+" "+d.Model+" "+d.Firmware), " ")
			if d.Zone != "" {
				row.Note += ", zone " + d.Zone
			}
		}
	case exposure.ByVulnerability:
		abouts := index.Find(g.Key)
		row.Label, row.Note = title(abouts), noteOf(index, g.Key, abouts)
	case exposure.ByComponent: // as it is labelled
	}
	return row
}

// noteOf says in short what is known of a vulnerability whatever the device.
func noteOf(index *match.Index, id string, abouts []match.About) string {
	var out []string
	if since := index.Exploited(id); since != "" {
		out = append(out, "exploited, in KEV since "+since)
	}
	if c, ok := index.Chance(id); ok {
		out = append(out, "EPSS "+strconv.FormatFloat(c.Score*100, 'f', 1, 64)+" %")
	}
	best := 0.0
	for _, about := range abouts {
		for _, s := range about.Vulnerability.Scores {
			best = max(best, s.Base)
		}
	}
	if best > 0 {
		out = append(out, "CVSS "+strconv.FormatFloat(best, 'f', 1, 64))
	}
	return strings.Join(out, ", ")
}

// AdvisoryFeeds tells what is kept of whom.
func (a *App) AdvisoryFeeds(ctx context.Context) (api.AdvisoryFeeds, error) {
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return api.AdvisoryFeeds{}, err
	}
	bills, err := a.vulns.lib.Bills(ctx)
	if err != nil {
		return api.AdvisoryFeeds{}, err
	}
	problems, err := a.vulns.lib.Problems(ctx)
	if problems == nil {
		problems = []string{}
	}
	return api.AdvisoryFeeds{Publishers: index.Publishers(), Stats: index.Stats(), Bills: len(bills), Problems: problems}, err
}
