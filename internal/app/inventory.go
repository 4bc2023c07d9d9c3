package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/toolbox"
)

// Query runs a query in its text or JSON form. A zero now means the newest
// stored event.
func (a *App) Query(ctx context.Context, text string, now time.Time) (*toolbox.Table, error) {
	q, err := query.ParseText(text)
	if err != nil {
		return nil, err
	}
	if now, err = a.nowOf(ctx, now); err != nil {
		return nil, err
	}
	return a.tools.Query(ctx, q, now)
}

// nowOf is the time that a question refers to: a zero time means the newest
// stored event, or the clock when nothing is stored.
func (a *App) nowOf(ctx context.Context, now time.Time) (time.Time, error) {
	if !now.IsZero() {
		return now, nil
	}
	bounds, err := a.tools.Bounds(ctx)
	if err == nil && bounds.Newest.IsZero() {
		return a.cfg.Now(), nil
	}
	return bounds.Newest, err
}

// DeviceRows returns all devices as lists have them, in no order.
func (a *App) DeviceRows(context.Context) ([]store.Device, error) { return a.devices.Rows(), nil }

// Devices returns all devices, by name.
func (a *App) Devices(context.Context) ([]asset.Device, error) { return a.devices.List(), nil }

// FindDevice returns the one device that a uid, address, MAC or name means, among those
// that the context may see.
func (a *App) FindDevice(ctx context.Context, text string) (asset.Device, error) {
	found := slices.DeleteFunc(a.devices.Find(text), func(d asset.Device) bool { return !query.Sees(ctx, d.Value(asset.KeyZone)) })
	switch len(found) {
	case 0:
		return asset.Device{}, fault.New(fault.NotFound, "there is no device %q", text).WithHint("list them with: vedette devices")
	case 1:
		if sight, confined := a.sightOf(ctx); confined {
			return sight.device(found[0]), nil
		}
		return found[0], nil
	}
	return asset.Device{}, fault.New(fault.Conflict, "%d devices are called %q", len(found), text).WithHint("name one by its uid, such as %s", found[0].UID)
}

// SetDevice records a person's word about a device. In a confined context it sets nothing
// by which devices move: their zone, and addresses, which may be those of others.
func (a *App) SetDevice(ctx context.Context, actor, text, key, value string) (asset.Device, error) {
	d, err := a.FindDevice(ctx, text)
	if err != nil {
		return d, err
	}
	if _, confined := query.Confined(ctx); confined && slices.Contains(movers(), asset.Key(key)) {
		return asset.Device{}, fault.New(fault.Denied, "setting the %s of a device may move devices between zones, which is not for an account that is limited to zones", key)
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: "device.set", Object: d.UID,
		Details: map[string]string{"key": key, "value": value},
	}
	if _, err := a.journal.Record(entry); err != nil {
		return d, err
	}
	sees := func(zone string) bool { return query.Sees(ctx, zone) }
	if err := a.devices.SetIn(d.UID, asset.Key(key), value, sees); err != nil {
		return asset.Device{}, errors.Join(err, a.undecided(entry, err))
	}
	if err := errors.Join(a.keepDevices(ctx), a.sayUpdates(ctx)); err != nil {
		return d, err
	}
	d, _ = a.devices.Get(d.UID)
	return d, nil
}

// movers are the attributes by which a device may come into another zone, or take what
// another device has.
func movers() []asset.Key { return []asset.Key{asset.KeyZone, "ip", "mac"} }

// MergeDevices makes the second device a part of the first on a person's word.
func (a *App) MergeDevices(ctx context.Context, actor, text, other, why string) (asset.Device, error) {
	d, err := a.FindDevice(ctx, text)
	if err != nil {
		return d, err
	}
	b, err := a.FindDevice(ctx, other)
	if err != nil {
		return b, err
	}
	return a.decide(ctx, actor, "device.merge", d.UID, map[string]string{"other": b.UID, "reason": why}, func() (asset.Device, error) {
		return a.devices.Merge(d.UID, b.UID, why)
	})
}

// SplitDevice makes an address or MAC of a device a device of its own on a
// person's word, and returns that.
func (a *App) SplitDevice(ctx context.Context, actor, text, address, why string) (asset.Device, error) {
	d, err := a.FindDevice(ctx, text)
	if err != nil {
		return d, err
	}
	return a.decide(ctx, actor, "device.split", d.UID, map[string]string{"address": address, "reason": why}, func() (asset.Device, error) {
		return a.devices.Split(d.UID, address, why)
	})
}

// UndoDevice takes back a person's last merge or split of a device.
func (a *App) UndoDevice(ctx context.Context, actor, text, why string) (asset.Device, error) {
	d, err := a.FindDevice(ctx, text)
	if err != nil {
		return d, err
	}
	return a.decide(ctx, actor, "device.undo", d.UID, map[string]string{"reason": why}, func() (asset.Device, error) {
		return a.devices.Undo(d.UID, why)
	})
}

// decide journals a person's decision before it takes effect.
func (a *App) decide(ctx context.Context, actor, action, uid string, details map[string]string, act func() (asset.Device, error)) (asset.Device, error) {
	entry := audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: action, Object: uid, Details: details}
	if _, err := a.journal.Record(entry); err != nil {
		return asset.Device{}, err
	}
	d, err := act()
	if err != nil {
		return d, err
	}
	return d, a.keepDevices(ctx)
}

// ImportDevices takes over an inventory in CSV.
func (a *App) ImportDevices(ctx context.Context, actor string, in io.Reader) (asset.ImportReport, error) {
	rep, err := a.devices.Import(in)
	if err != nil {
		return rep, err
	}
	entry := audit.Entry{
		Actor: audit.Actor{Kind: audit.Person, Name: actor}, Action: "device.import",
		Details: map[string]string{"rows": strconv.Itoa(rep.Rows), "created": strconv.Itoa(rep.Created), "updated": strconv.Itoa(rep.Updated)},
	}
	if _, err := a.journal.Record(entry); err != nil {
		return rep, err
	}
	return rep, errors.Join(a.keepDevices(ctx), a.sayUpdates(ctx))
}

// ExportDevices writes the inventory as CSV.
func (a *App) ExportDevices(_ context.Context, out io.Writer) error { return a.devices.Export(out) }
