package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/exposure"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/priority"
	"vedette/internal/vuln/reach"
	"vedette/internal/vuln/remedy"
	"vedette/internal/vuln/version"
)

// exposed is the index of what is exposed to what, with what it was told: it is
// brought up to date by differences.
type exposed struct {
	index      *exposure.Index
	planner    *remedy.Planner
	advisories *match.Index
	bills      map[string]*vulnlib.Bill   // by key
	devices    map[string]store.Device    // what matters of each, by uid
	byName     map[string][]string        // keys of the bills of a product, by its name
	byUID      map[string][]string        // keys of the bills of a device
	alias      map[string]string          // uids of devices that were merged into another
	loose      map[string]map[string]bool // subjects of bills that are no device's: their keys
	seen       *seen                      // who addressed the devices; nil until it is first looked at
	rules      *reach.Rules
}

// exposure returns the index; the first call makes it from all that is known.
func (a *App) exposure(ctx context.Context) (*exposed, error) {
	advisories, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return nil, err
	}
	bills, err := a.vulns.lib.Bills(ctx)
	if err != nil {
		return nil, err
	}
	v := a.vulns
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.exposed == nil {
		x := &exposed{index: exposure.New(advisories, v.tree), planner: remedy.NewPlanner(), advisories: advisories, bills: map[string]*vulnlib.Bill{}, devices: map[string]store.Device{}, alias: map[string]string{}, rules: &reach.Rules{}}
		for _, d := range a.devices.List() {
			for _, row := range d.Rows() {
				x.setDevice(row)
			}
		}
		x.setBills(bills)
		v.exposed = x
	}
	return v.exposed, nil
}

// exposureNow is exposure with what reaches the devices looked at anew, if that was
// long ago. A server looks at it by itself, so that who asks waits for the store the
// first time alone, or when nobody looked for long.
func (a *App) exposureNow(ctx context.Context) (*exposed, error) {
	ctx = query.Unconfined(ctx) // the index is everybody's; what is shown of it is narrowed
	x, err := a.exposure(ctx)
	if err != nil {
		return nil, err
	}
	a.vulns.mu.Lock()
	known := x.seen
	a.vulns.mu.Unlock()
	if known != nil && !known.due(a.cfg.Now().Add(-reachEvery)) {
		return x, nil
	}
	return x, a.lookOut(ctx, x)
}

// tellSightings tells the advisories what was seen of their vulnerabilities here, where
// nobody asked for a list yet, which does the same.
func (a *App) tellSightings(ctx context.Context, advisories *match.Index) error {
	a.vulns.mu.Lock()
	looked := a.vulns.exposed != nil && a.vulns.exposed.seen != nil
	a.vulns.mu.Unlock()
	if looked {
		return nil
	}
	seen, err := a.sightedHere(query.Unconfined(ctx)) // everybody's; what is told of it is narrowed
	if err != nil {
		return err
	}
	advisories.Sight(seen)
	return nil
}

// watchExposure looks at what reaches the devices, if somebody asked before and it is
// time, so that who asks next need not wait.
func (a *App) watchExposure(ctx context.Context) error {
	a.vulns.mu.Lock()
	x := a.vulns.exposed
	a.vulns.mu.Unlock()
	if x == nil {
		return nil
	}
	return a.lookOut(query.Unconfined(ctx), x)
}

// lookOut looks at what reaches the devices, if it is time.
func (a *App) lookOut(ctx context.Context, x *exposed) error {
	a.vulns.looking.Lock()
	defer a.vulns.looking.Unlock()
	if !x.seen.due(a.cfg.Now()) { // it is written under both locks
		return nil
	}
	seen, err := a.lookAround(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // the list does not hang on it: what was seen before counts, or nothing is known
		a.cfg.Log.Warn("what reaches the devices could not be looked at", "component", "vuln", "err", err)
		if seen.failed = true; x.seen != nil {
			seen.flows, seen.any, seen.cut = x.seen.flows, x.seen.any, x.seen.cut
		}
	}
	began := time.Now()
	sighted, err := a.sightedHere(ctx)
	seen.took += time.Since(began) // who asks again waits longer where this takes long
	if ctx.Err() != nil {          // who asked went away: nothing is known, so whoever asks next looks
		return ctx.Err()
	}
	if err != nil {
		a.cfg.Log.Warn("whether findings are about known vulnerabilities could not be looked at", "component", "vuln", "err", err)
	}
	advisories, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return err
	}
	rules := a.waysOf()
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	if sighted != nil {
		advisories.Sight(sighted)
		x.index.Reweigh()
	}
	x.look(seen, rules)
	return nil
}

// look puts in how far devices are reached: of those that were reached before or are
// now, and of all when something else changed that it rests on.
func (x *exposed) look(seen *seen, rules *reach.Rules) {
	before, ruled := x.seen, x.rules
	x.seen, x.rules = seen, rules
	if before == nil || before.any != seen.any || before.cut != seen.cut || before.failed != seen.failed || !ruled.Equal(rules) {
		for _, d := range x.devices {
			x.putDevice(d)
		}
		return
	}
	for _, flows := range []map[string][]reach.Flow{before.flows, seen.flows} {
		for uid := range flows {
			if d, ok := x.devices[uid]; ok {
				x.putDevice(d)
			}
		}
	}
}

// noteAdvisories tells the index, if there is one, of advisories that came.
func (v *vulns) noteAdvisories(changes []vulnlib.Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.exposed == nil || len(changes) == 0 {
		return
	}
	list := make([]exposure.Change, len(changes))
	for i, c := range changes {
		list[i] = exposure.Change(c)
	}
	v.exposed.index.Changed(list...)
	v.exposed.place(list)
}

// place puts in anew the bills that have parts of which advisories that changed say
// something on a platform: what those parts are on may matter now, or no more.
func (x *exposed) place(changes []exposure.Change) {
	var of []*advisory.Advisory
	for _, c := range changes {
		for _, a := range []*advisory.Advisory{c.Old, c.New} {
			if a != nil && slices.ContainsFunc(a.Products, func(p advisory.Product) bool { return p.On > 0 }) {
				of = append(of, a)
			}
		}
	}
	if len(of) == 0 {
		return
	}
	for _, key := range x.index.Lists(of...) {
		if b := x.bills[key]; b != nil {
			x.index.PutList(key, itemsOf(x.advisories, b))
		}
	}
}

// noteBills tells the index, if there is one, of the bills that there are now.
func (v *vulns) noteBills(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.exposed == nil {
		return nil
	}
	bills, err := v.lib.Bills(ctx)
	if err == nil {
		v.exposed.setBills(bills)
	}
	return err
}

// noteDevices tells the index, if there is one, of devices that changed.
func (v *vulns) noteDevices(rows []store.Device) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.exposed == nil {
		return
	}
	for i := range rows {
		v.exposed.setDevice(rows[i])
	}
}

const (
	ofDevice  = "device:"
	ofProduct = "product:"
)

// setBills puts in the bills that are new or changed and drops those that are gone.
func (x *exposed) setBills(bills []*vulnlib.Bill) {
	now := map[string]*vulnlib.Bill{}
	same := len(bills) == len(x.bills)
	for _, b := range bills {
		now[b.Key] = b
		if x.bills[b.Key] != b {
			same = false
			x.index.PutList(b.Key, itemsOf(x.advisories, b))
		}
	}
	if same {
		return
	}
	for key := range x.bills {
		if now[key] == nil {
			x.index.DropList(key)
		}
	}
	x.bills = now
	x.share()
}

// share gives the bills to the devices and products that they are of.
func (x *exposed) share() {
	was := x.loose
	x.byName, x.byUID, x.loose = map[string][]string{}, map[string][]string{}, map[string]map[string]bool{}
	for key, b := range x.bills {
		if name, ok := strings.CutPrefix(b.Subject, ofProduct); ok {
			n := match.NameKey(name)
			x.byName[n] = append(x.byName[n], key)
		} else {
			uid := strings.TrimPrefix(b.Subject, ofDevice)
			if into := x.alias[uid]; into != "" {
				uid = into
			}
			x.byUID[uid] = append(x.byUID[uid], key)
			if _, known := x.devices[uid]; known {
				continue
			}
		}
		if x.loose[b.Subject] == nil {
			x.loose[b.Subject] = map[string]bool{}
		}
		x.loose[b.Subject][key] = true
	}
	for subject := range was {
		if _, known := x.devices[strings.TrimPrefix(subject, ofDevice)]; x.loose[subject] == nil && !known {
			x.index.DropSubject(subject)
		}
	}
	for subject := range x.loose {
		x.putLoose(subject)
	}
	for _, d := range x.devices {
		x.putDevice(d)
	}
}

// putLoose keeps a subject of bills that is a product, or a device that the
// inventory does not have.
func (x *exposed) putLoose(subject string) {
	var keys []string
	for key := range x.loose[subject] {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	x.index.PutSubject(subject, exposure.Subject{Lists: keys})
}

func itemsOf(index *match.Index, b *vulnlib.Bill) []exposure.Item {
	var on *match.Platform // asked for where an advisory asks, so that equal components stay one elsewhere
	if s := &b.BOM.Subject; s.Name != "" {
		on = &match.Platform{Vendor: s.Supplier, Product: s.Name, Version: s.Version}
	}
	items := make([]exposure.Item, len(b.BOM.Components))
	for i := range b.BOM.Components {
		c := &b.BOM.Components[i]
		q := match.Query{Vendor: c.Supplier, Product: c.Name, Version: c.Version, PURLs: c.PURLs, CPEs: c.CPEs}
		if q.Vendor == "" && len(c.CPEs) == 0 && len(c.PURLs) > 0 {
			q.Product = "" // a package's name alone is no product's
		}
		if on != nil && index.Conditional(&q, on) {
			q.On = on
		}
		items[i] = exposure.Item{Label: strings.TrimSpace(c.Name + " " + c.Version), Query: q}
	}
	return items
}

// setDevice keeps what matters of a device.
func (x *exposed) setDevice(d store.Device) {
	if d.AliasOf != "" {
		delete(x.devices, d.UID)
		x.index.DropSubject(ofDevice + d.UID)
		if x.alias[d.UID] = d.AliasOf; len(x.byUID[d.UID]) > 0 {
			x.share() // its bills are the other's now
		}
		return
	}
	d = store.Device{UID: d.UID, Vendor: d.Vendor, Model: d.Model, Firmware: d.Firmware, Zone: d.Zone, Level: d.Level, Criticality: d.Criticality}
	delete(x.loose, ofDevice+d.UID)
	delete(x.alias, d.UID) // it may have been split off again
	x.devices[d.UID] = d
	x.putDevice(d)
}

func (x *exposed) putDevice(d store.Device) {
	s := exposure.Subject{Context: missionOf(&d), Lists: x.billsOf(&d), Zone: d.Zone}
	s.Context.Exposure = x.reachOf(&d).Exposure
	if d.Vendor != "" && d.Model != "" {
		s.Own = match.Query{Vendor: d.Vendor, Product: d.Model, Version: d.Firmware, Parts: len(s.Lists) > 0}
	}
	x.index.PutSubject(ofDevice+d.UID, s)
}

// reachOf says how far a device is reached.
func (x *exposed) reachOf(d *store.Device) reach.Answer {
	if x.seen == nil {
		return reach.Answer{}
	}
	answer := reach.Judge(&reach.Device{Zone: d.Zone, Flows: x.seen.flows[d.UID], Seen: x.seen.any && !x.seen.cut && !x.seen.failed}, x.rules)
	if x.seen.failed {
		answer.Why = append(answer.Why, "what reached it lately could not be looked at")
	}
	return answer
}

// why gives the reasons for how far a subject is reached.
func (a *App) whyReached(x *exposed, subject string) []string {
	uid, ok := strings.CutPrefix(subject, ofDevice)
	if !ok {
		return nil
	}
	a.vulns.mu.Lock()
	defer a.vulns.mu.Unlock()
	d, ok := x.devices[uid]
	if !ok {
		return nil
	}
	return x.reachOf(&d).Why
}

// billsOf returns the keys of a device's own bills, and, when it has none, of
// those of its product in its version.
func (x *exposed) billsOf(d *store.Device) []string {
	keys := slices.Clone(x.byUID[d.UID])
	if len(keys) > 0 || d.Model == "" {
		slices.Sort(keys)
		return keys
	}
	for _, name := range []string{d.Model, d.Vendor + " " + d.Model} {
		for _, key := range x.byName[match.NameKey(name)] {
			v := x.bills[key].BOM.Subject.Version
			if v == "" || d.Firmware != "" && version.Compare(version.Generic, v, d.Firmware) == version.Equal {
				keys = append(keys, key)
			}
		}
		if d.Firmware != "" {
			keys = append(keys, x.byName[match.NameKey(name+" "+d.Firmware)]...)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// missionOf is what the inventory tells of how much hangs on a device: what a
// person says of it or of its zone, else how near it is to the process.
func missionOf(d *store.Device) priority.Context {
	switch d.Criticality {
	case "low", "medium", "high":
		return priority.Context{Mission: d.Criticality, By: "the criticality of the device"}
	case "critical":
		return priority.Context{Mission: "high", By: "the device is critical"}
	}
	switch d.Level {
	case "0", "1":
		return priority.Context{Mission: "high", By: "its criticality is not told, and on Purdue level " + d.Level + " it acts on the process"}
	case "4", "5":
		return priority.Context{Mission: "low", By: "its criticality is not told, and on Purdue level " + d.Level + " it is far from the process"}
	}
	return priority.Context{}
}
