package ingest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"vedette/internal/ingest"
)

func TestBrokenGzip(t *testing.T) {
	text := lines(6000)
	z := zipped([]byte(text))
	damaged := bytes.Clone(z)
	damaged[len(z)/2] ^= 0xff
	for name, f := range map[string]struct {
		data   []byte
		least  int
		reason string
	}{
		"cut in the middle":  {z[:len(z)/2], 2000, "the file breaks off"},
		"cut in the header":  {z[:6], 0, "damaged gzip header"},
		"cut after header":   {z[:10], 0, "cannot be read"},
		"damaged":            {damaged, 500, "the file breaks off"},
		"wrong checksum":     {append(bytes.Clone(z[:len(z)-8]), make([]byte, 8)...), 6000, "the file breaks off"},
		"garbage at the end": {append(bytes.Clone(z), "garbage"...), 6000, "the file breaks off"},
	} {
		got := take(t, bytes.NewReader(f.data), "a.log.gz", "")
		if len(got.raw) < f.least || got.report.Rejected < 1 || !hasReason(got.report, f.reason) {
			t.Errorf("%s: %d events, %+v", name, len(got.raw), got.report)
		}
		for i, raw := range got.raw[:min(len(got.raw), f.least)] {
			if !strings.HasSuffix(raw, fmt.Sprintf("line %d", i)) {
				t.Fatalf("%s: record %d is %q", name, i, raw)
			}
		}
	}
}

func hasReason(rep ingest.Report, part string) bool {
	for _, r := range rep.Reasons {
		if strings.Contains(r.Reason, part) {
			return true
		}
	}
	return false
}

// TestGzipBomb reads 160 MiB out of a few: one line that
// never ends. It must cost time, not memory.
func TestGzipBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 160 MiB: run without -short")
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	block := bytes.Repeat([]byte("a"), 1<<20)
	_, _ = io.WriteString(z, lines(1))
	for range 160 {
		_, _ = z.Write(block)
	}
	_, _ = io.WriteString(z, "\n"+lines(1))
	_ = z.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := take(t, &b, "a.gz", "")
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8*ingest.MaxRecord {
		t.Errorf("%d MiB were asked for", grown>>20)
	}
	if len(got.raw) != 2 || got.report.Rejected != 1 || !hasReason(got.report, "longer than 16 MiB") {
		t.Errorf("%d events, %+v", len(got.raw), got.report)
	}
}
