package normalize_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// What a live capture hands on gives the events of the same packets in a file,
// but for their ids.
func TestPacketsAsFile(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "capture", "*.pcap"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var live []byte
		next := normalize.Capture().Cut(bufio.NewReader(bytes.NewReader(data)))
		for raw, _, err := next(); err == nil; raw, _, err = next() {
			live = append(binary.BigEndian.AppendUint32(live, uint32(len(raw))), raw...)
		}
		read := func(d normalize.Dialect, data []byte) (out []string) {
			emit := func(e *event.Event) {
				out = append(out, strings.ReplaceAll(string(e.AppendJSON(nil)), e.MetadataUID(), "UID"))
			}
			p := d.New(normalize.Source{ID: "x", Name: "x"})
			next := d.Cut(bufio.NewReader(bytes.NewReader(data)))
			for raw, at, err := next(); err == nil; raw, at, err = next() {
				_ = p.Parse(normalize.Record{Raw: raw, Offset: at}, emit)
			}
			p.(normalize.Ender).End(emit)
			return out
		}
		if diff := cmp.Diff(read(normalize.Capture(), data), read(normalize.Packets(), live)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
