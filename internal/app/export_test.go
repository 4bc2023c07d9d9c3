package app

import "time"

// SetLoadFor sets how long a load of batches may be open.
func (a *App) SetLoadFor(d time.Duration) { a.loadFor = d }

// SetSpoolWait sets how long a backup waits for the spool.
func (a *App) SetSpoolWait(d time.Duration) { a.spoolWait = d }
