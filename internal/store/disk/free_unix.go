//go:build linux || darwin

package disk

import "syscall"

// Free tells how many bytes this user may still write to the disk of a
// directory, and how many it has.
func Free(dir string) (free, all uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	size := uint64(s.Bsize) //nolint:gosec,unconvert // G115: no negative block size; the type differs between systems
	return s.Bavail * size, s.Blocks * size, nil
}

// writable is W_OK and X_OK of access(2).
const writable = 0x2 | 0x1

// Writable tells whether this user may make files in a directory, without
// making one.
func Writable(dir string) error { return syscall.Access(dir, writable) }
