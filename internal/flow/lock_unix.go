//go:build unix

package flow

import (
	"errors"
	"os"
	"syscall"

	"vedette/internal/fault"
)

// Lock takes a file for this process alone, until the returned file is closed
// or the process ends. It fails with a Conflict fault when another process has
// it, and does not wait.
func Lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the operator's own data directory
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening lock file %s", path).WithHint("check that the directory exists and that this user may write to it")
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "locking %s: another process uses it", path).WithHint("stop the other process, or name another directory")
		}
		return nil, fault.Wrap(fault.Unavailable, err, "locking %s", path)
	}
	return file, nil
}
