package inteleval

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime is the processor time of the calling thread: what others on the
// machine take away is not in it.
func threadTime() time.Duration {
	const clockThread = 3 // CLOCK_THREAD_CPUTIME_ID, which package syscall does not name
	var t syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThread, uintptr(unsafe.Pointer(&t)), 0) //nolint:gosec // G103: the kernel fills the struct
	if errno != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}
