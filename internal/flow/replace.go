package flow

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"vedette/internal/fault"
)

// ReplaceFile writes a small file so that a kill leaves the old or the new
// content, never a part.
func ReplaceFile(path string, content []byte) error {
	return Replace(path, func(out io.Writer) error {
		_, err := out.Write(content)
		return err
	})
}

// Replace is ReplaceFile for content that write produces. When that fails the
// old content stays.
func Replace(path string, write func(out io.Writer) error) error {
	temp := path + ".new"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // G304: in the operator's own directory
	if err == nil {
		err = write(file)
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing %s", path)
	}
	return nil
}
