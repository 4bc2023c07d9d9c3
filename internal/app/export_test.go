package app

import (
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
)

// SetLoadFor sets how long a load of batches may be open.
func (a *App) SetLoadFor(d time.Duration) { a.loadFor = d }

// SetSpoolWait sets how long a backup waits for the spool.
func (a *App) SetSpoolWait(d time.Duration) { a.spoolWait = d }

// Meanwhile adds a finding to the incidents, as the next batch of events does.
func (a *App) Meanwhile(f event.Finding) string { return a.incidents.Add(f) }

// MoveMeanwhile says that a device is in another zone, as another person does.
func (a *App) MoveMeanwhile(uid, zone string) error { return a.devices.Set(uid, asset.KeyZone, zone) }
