package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// The record that tells which zones the device table of the event store has.
const (
	zonesKind = "zones_applied"
	zonesID   = "now"
)

// zonesMark stands for the zones in force and their former names.
func (a *App) zonesMark() string {
	ours := a.assets()
	if len(ours.Zones)+len(ours.Renamed) == 0 {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %v", ours.Zones, ours.Renamed)) // of a map fmt prints the keys in order
	return hex.EncodeToString(sum[:])
}

// zonesApplied notes that the device table has the zones in force.
func (a *App) zonesApplied(ctx context.Context) error {
	text, err := json.Marshal(a.zonesMark())
	if err != nil {
		return fault.Wrap(fault.Internal, err, "noting the zones in force")
	}
	return a.records.Update(ctx, store.Change{Kind: zonesKind, ID: zonesID, Version: store.AnyVersion, JSON: text})
}

// completeZones puts all devices into the device table anew where it may have other zones
// than are in force: the records and the table are two stores, and the program may have
// ended between them.
func (a *App) completeZones(ctx context.Context) error {
	was := ""
	rec, err := a.records.Get(ctx, zonesKind, zonesID)
	switch {
	case err == nil:
		if err := json.Unmarshal(rec.JSON, &was); err != nil {
			was = "unreadable"
		}
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	if was == a.zonesMark() {
		return nil
	}
	if err := a.events.PutDevices(ctx, a.devices.Rows()); err != nil {
		return err
	}
	return a.zonesApplied(ctx)
}
