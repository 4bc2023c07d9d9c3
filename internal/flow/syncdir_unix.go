//go:build unix

package flow

import (
	"errors"
	"os"
)

// syncDir makes a created, renamed or removed name in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // G304: the operator's own directory
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
