package inteleval

import (
	"syscall"
	"time"
)

// threadTime is the processor time of the calling thread: what others on the
// machine take away is not in it.
func threadTime() time.Duration {
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD, which package syscall does not name
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
