package app

import "time"

// SetSpoolWait sets how long a backup waits for the spool.
func (a *App) SetSpoolWait(d time.Duration) { a.spoolWait = d }
