//go:build !linux

package flow

// Background runs work. On Linux others go before it.
func Background(work func()) { work() }
