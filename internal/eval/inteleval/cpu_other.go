//go:build !linux

package inteleval

import "time"

// threadTime is not known here; rates by processor time are then 0.
func threadTime() time.Duration { return 0 }
