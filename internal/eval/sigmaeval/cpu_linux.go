package sigmaeval

import (
	"syscall"
	"time"
)

// clock is the processor time that the calling thread has used: others on a
// busy machine do not count. The caller must stay on its thread.
func clock() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
