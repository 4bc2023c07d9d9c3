package feed

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/fault"
)

// Document is one file of a feed.
type Document struct {
	Name string
	io.Reader
}

// Pack writes the files that the paths name as one stream, directories and zip
// archives opened, so that it makes no difference who reads it. "-" is stdin,
// which is copied to a temporary file first: the stream needs its size.
func Pack(out io.Writer, paths []string, stdin io.Reader) error {
	t := tar.NewWriter(out)
	for _, path := range paths {
		if err := packPath(t, path, stdin); err != nil {
			return err
		}
	}
	return t.Close()
}

func packPath(t *tar.Writer, path string, stdin io.Reader) error {
	if path == "-" {
		return packStdin(t, stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "looking for %s", path)
	}
	if !info.IsDir() {
		return packFile(t, path)
	}
	found := 0
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && p != path:
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		found++
		return packFile(t, p)
	})
	if err == nil && found == 0 {
		err = fault.New(fault.NotFound, "there is no file in %s", path)
	}
	return err
}

func packStdin(t *tar.Writer, stdin io.Reader) error { return packStream(t, "stdin", stdin, false) }

// PackStream writes one file that comes as a stream, an archive opened.
func PackStream(out io.Writer, name string, in io.Reader) error {
	t := tar.NewWriter(out)
	if err := packStream(t, name, in, true); err != nil {
		return err
	}
	return t.Close()
}

func packStream(t *tar.Writer, name string, in io.Reader, open bool) error {
	f, err := os.CreateTemp("", "vedette-feed-")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping what %s gives", name)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the system clears what is left
	defer f.Close()           //nolint:errcheck // read to its end
	size, err := io.Copy(f, in)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping what %s gives", name)
	}
	if open && zipped(f) {
		return packZip(t, name, f, size)
	}
	return packOne(t, name, size, f)
}

func zipped(f io.ReaderAt) bool {
	var magic [4]byte
	n, _ := f.ReadAt(magic[:], 0)
	return n == 4 && string(magic[:]) == "PK\x03\x04"
}

func packFile(t *tar.Writer, path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: the person named this path
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening %s", path)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening %s", path)
	}
	if zipped(f) {
		return packZip(t, path, f, info.Size())
	}
	return packOne(t, path, info.Size(), f)
}

// maxPacked bounds the files of one archive: each is told of in a report.
const maxPacked = 1_000_000

func packZip(t *tar.Writer, path string, f io.ReaderAt, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "opening the archive %s", path)
	}
	if len(z.File) > maxPacked {
		return fault.New(fault.Limited, "the archive %s has more than %d files", path, maxPacked).WithHint("split it")
	}
	for _, e := range z.File {
		if e.FileInfo().IsDir() || e.UncompressedSize64 > 1<<40 {
			continue
		}
		in, err := e.Open()
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "opening %s in %s", e.Name, path)
		}
		err = packOne(t, path+"!"+e.Name, int64(e.UncompressedSize64), in)
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

func packOne(t *tar.Writer, name string, size int64, in io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX}); err != nil {
		return fmt.Errorf("sending %s: %w", name, err)
	}
	if _, err := io.CopyN(t, in, size); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading %s", name).WithHint("does something write to it? try again when it is done")
	}
	return nil
}

// Unpack reads the documents of a stream that Pack wrote, one after another.
func Unpack(in io.Reader) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		t := tar.NewReader(in)
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Document{}, broken(err))
				return
			}
			if !yield(Document{h.Name, t}, nil) {
				return
			}
		}
	}
}
