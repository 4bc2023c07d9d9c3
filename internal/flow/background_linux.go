package flow

import (
	"runtime"
	"syscall"
)

// backgroundNice is how far work in the background stands back: it gets a third of
// what others get that want a core at the same time, and all that nobody wants.
const backgroundNice = 5

// Background runs work so that others go before it on a core that both want, and
// returns when it ends. It has a thread of its own meanwhile: it is for work that
// takes long and hands over seldom. Where the system cannot do it, work runs as any
// other.
func Background(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never let go: the thread ends with the work
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), backgroundNice)
		work()
	}()
	<-done
}
