package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/vuln/version"
)

// Changes of firmware are events of their own: OCSF Software Inventory, with these
// activities. Whether a version is older is told only where the order is sure.
const (
	updateLog  = "vedette-inventory/firmware"
	updateBy   = "vedette-inventory"
	upgraded   = "Update"
	downgraded = "Downgrade"
	changed    = "Change"
)

// withUpdates adds the changes of firmware that were not said yet to the records,
// as events whose identity is what told them: said twice, they are one.
func (a *App) withUpdates(ctx context.Context, g gathered) ([]*event.Event, error) {
	if len(g.said) == 0 {
		return g.records, nil
	}
	made := make([]*event.Event, 0, len(g.said))
	for i := range g.said {
		e, err := updateEvent(&g.said[i])
		if err != nil {
			return nil, err
		}
		if e != nil {
			made = append(made, e)
		}
	}
	known, err := a.events.Known(ctx, made)
	if err != nil {
		return nil, err
	}
	out := slices.Clip(g.records)
	for _, e := range made {
		if uid := e.MetadataUID(); !known[uid] {
			known[uid] = true
			out = append(out, e)
		}
	}
	return out, nil
}

// updateEvent gives a change of firmware as an event; none when both versions are
// the same, written otherwise.
func updateEvent(u *asset.Update) (*event.Event, error) {
	activity, verb := changed, "changed"
	switch version.Compare(version.Generic, u.To, u.From) {
	case version.Equal:
		return nil, nil //nolint:nilnil // there is nothing to say
	case version.Greater:
		activity, verb = upgraded, "updated"
	case version.Less:
		activity, verb = downgraded, "downgraded"
	case version.Unknown:
	}
	raw, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("writing a change of firmware of device %s: %w", u.Device, err)
	}
	by := u.Event // the event that told it; else the device and when it was told
	if by == "" {
		by = u.Device + " " + u.At.UTC().Format("20060102T150405.000000000")
	}
	e := new(event.Event)
	e.SetTimeField(u.At)
	e.SetMetadataUID(event.UID(updateLog, 0, []byte(strings.Join([]string{by, string(u.Source), u.From, u.To}, "\x00"))))
	e.SetMetadataLogName(updateLog)
	e.SetMetadataProduct(updateBy)
	e.SetMetadataSource(updateBy)
	e.SetClassUID(int64(event.SoftwareInventory))
	e.SetActivityName(activity)
	e.SetSeverityId(int64(event.Informational))
	e.SetDeviceUID(u.Device)
	e.SetSrcEndpointUID(u.Device) // as other sightings of software have it
	if u.IP != "" {
		e.SetDeviceIP(u.IP)
		e.SetSrcEndpointIP(u.IP)
	}
	e.SetProductName(u.Model)
	e.SetProductVendorName(u.Vendor)
	e.SetProductVersion(u.To)
	e.SetProductPreviousVersion(u.From)
	e.SetIdentitySource(string(u.Source) + ": " + u.What)
	e.SetFindingInfoRelatedEvents(evidenceIDs(u.Event))
	e.SetMessage("firmware " + verb + " from " + u.From + " to " + u.To)
	e.SetRawField(string(raw))
	e.SetLabelIntegrity(u.Source.Integrity())
	e.SetLabelConfidentiality(u.Confidentiality)
	return e, nil
}

func evidenceIDs(uid string) []string {
	if uid == "" {
		return nil
	}
	return []string{uid}
}

// sayUpdates stores the changes of firmware that no event brought: what a person or
// a bill of materials told, and what a kill left unsaid.
func (a *App) sayUpdates(ctx context.Context) error {
	if !a.devices.Unsaid() {
		return nil
	}
	var sum ingest.Summary
	return a.taking(ctx, &sum, false, func(func(*event.Event) error) (ingest.Report, error) { return ingest.Report{}, nil })
}

// tellBills tells the registry which firmware the bills of devices themselves name.
func (a *App) tellBills(ctx context.Context) error {
	bills, err := a.vulns.lib.Bills(ctx)
	if err != nil {
		return err
	}
	for _, b := range bills {
		uid, ok := strings.CutPrefix(b.Subject, ofDevice)
		if !ok {
			continue
		}
		if d, known := a.devices.Get(uid); known {
			if row := d.Row(); ofProductOf(b, &row) {
				a.devices.TellFirmware(uid, b.BOM.Subject.Version, "its bill of materials", asset.SourceBill, b.Imported)
			}
		}
	}
	return nil
}
