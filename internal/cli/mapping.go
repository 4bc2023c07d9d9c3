package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
	"vedette/internal/normalize/table"
)

// mappingLine reads a mapping file into the line that leads a table; nil for no
// file.
func mappingLine(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path) //nolint:gosec // G304: the person named this file
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening the mapping %s", path)
	}
	defer f.Close() //nolint:errcheck // only read
	dec := yaml.NewDecoder(io.LimitReader(f, 1<<20))
	dec.KnownFields(true)
	var m table.Mapping
	if err := dec.Decode(&m); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the mapping %s", path).WithHint("it has columns, time_format, class, log_name, product and delimiter; see docs/csv.md")
	}
	return m.Line()
}

// withMapping puts the line before what is read, which may be gzip.
func withMapping(in io.Reader, lead []byte) (io.Reader, error) {
	if lead == nil {
		return in, nil
	}
	br := bufio.NewReader(in)
	if magic, err := br.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return io.MultiReader(bytes.NewReader(lead), br), nil //nolint:nilerr // shorter than two bytes: not gzip
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "undoing the gzip of a table")
	}
	return io.MultiReader(bytes.NewReader(lead), z), nil
}
