//go:build unix

package duckdb

import (
	"os"
	"syscall"
)

// lockFile takes the lock or fails at once. It ends with the file's last
// handle, so a killed process leaves none behind. DuckDB's own lock does not
// see a second opening by the same process; this one does.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
