package normalize_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// TestCaptureGolden decodes the sample captures, and compares the events with
// the golden file beside each. No two events may have the same uid.
func TestCaptureGolden(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "capture", "*.pcap"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no samples", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d := normalize.Capture()
		if d.Detect(data, path) == 0 {
			t.Fatalf("%s is not detected", path)
		}
		var got bytes.Buffer
		uids := map[string]bool{}
		emit := func(e *event.Event) {
			if uids[e.MetadataUID()] {
				t.Errorf("%s: two events with uid %s", path, e.MetadataUID())
			}
			uids[e.MetadataUID()] = true
			got.Write(append(e.AppendJSON(nil), '\n'))
		}
		p := d.New(normalize.Source{ID: event.SourceID(data), Name: filepath.Base(path)})
		next := d.Cut(bufio.NewReader(bytes.NewReader(data)))
		for {
			raw, at, err := next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Parse(normalize.Record{Raw: raw, Offset: at}, emit); err != nil {
				t.Errorf("%s at %d: %v", path, at, err)
			}
		}
		holder, ok := p.(normalize.Ender)
		if !ok {
			t.Fatal("a capture cannot tell the flows that are open at its end")
		}
		holder.End(emit)
		golden := path + ".golden"
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err, "(-update writes it)")
		}
		if diff := cmp.Diff(strings.Split(string(old), "\n"), strings.Split(got.String(), "\n")); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
