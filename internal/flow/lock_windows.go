package flow

import (
	"errors"
	"os"
	"syscall"

	"vedette/internal/fault"
)

const errSharingViolation syscall.Errno = 32

// Lock takes a file for this process alone, until the returned file is closed
// or the process ends. It fails with a Conflict fault when another process has
// it, and does not wait.
func Lock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "opening lock file %s", path)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, fault.New(fault.Conflict, "locking %s: another process uses it", path).WithHint("stop the other process, or name another directory")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening lock file %s", path).WithHint("check that the directory exists and that this user may write to it")
	}
	return os.NewFile(uintptr(h), path), nil
}
