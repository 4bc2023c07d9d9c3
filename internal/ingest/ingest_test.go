package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

var clock = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

// reader knows the real dialects, as package app wires them.
func reader() *ingest.Reader { return ingest.NewReader(realFormats(), clockNow) }

func clockNow() time.Time { return clock }

func realFormats() (out []ingest.Format) {
	for _, d := range normalize.Dialects() {
		out = append(out, ingest.Format{Name: d.Name, Detect: d.Detect, Cut: d.Cut, Piecemeal: d.Piecemeal, Open: func(o ingest.Origin) ingest.Reading {
			p := d.New(normalize.Source{ID: o.ID, Name: o.Name, Modified: o.Modified, Now: o.Now})
			return ingest.Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
				return p.Parse(normalize.Record{Raw: raw, Offset: offset}, emit)
			}}
		}})
	}
	return out
}

// taken is what came of a source.
type taken struct {
	report ingest.Report
	raw    []string
	uids   []string
}

func take(t *testing.T, in io.Reader, name, format string) taken {
	t.Helper()
	var out taken
	rep, err := reader().Stream(context.Background(), in, name, format, clock, func(e *event.Event) error {
		out.raw = append(out.raw, e.Str(event.SlotRaw))
		out.uids = append(out.uids, e.MetadataUID())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out.report = rep
	if rep.Events != len(out.raw) {
		t.Errorf("the report has %d events of %d", rep.Events, len(out.raw))
	}
	return out
}

func takeText(t *testing.T, data string) taken {
	t.Helper()
	return take(t, strings.NewReader(data), "a.log", "")
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// lines are n syslog lines.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "May 20 10:%02d:%02d gw app[%d]: line %d\n", i/60%60, i%60, i, i)
	}
	return b.String()
}

func TestFormsOfText(t *testing.T) {
	two := []string{"May 20 10:00:00 gw app: one", "May 20 10:00:01 gw app: two"}
	plain := strings.Join(two, "\n") + "\n"
	for name, data := range map[string]string{
		"plain":               plain,
		"no newline at end":   strings.TrimSuffix(plain, "\n"),
		"CRLF":                strings.ReplaceAll(plain, "\n", "\r\n"),
		"byte order mark":     "\xef\xbb\xbf" + plain,
		"blank lines between": "\n  \n" + strings.ReplaceAll(plain, "\n", "\n\t\n\r\n"),
		"hole of NUL":         strings.Repeat("\x00", 4096) + plain + strings.Repeat("\x00", 9000),
		"hole in the middle":  two[0] + "\n" + strings.Repeat("\x00", 4096) + two[1] + "\n",
		"gzip":                string(zipped([]byte(plain))),
		"gzip in two members": string(zipped([]byte(two[0]+"\n"))) + string(zipped([]byte(two[1]))),
	} {
		got := takeText(t, data)
		if diff := cmp.Diff(two, got.raw); diff != "" || got.report.Format != "syslog" || got.report.Rejected != 0 || got.report.Read != 2 {
			t.Errorf("%s: %s %+v", name, diff, got.report)
		}
	}
}

func TestNothingIn(t *testing.T) {
	for name, data := range map[string]string{"empty": "", "blank": "\n \r\n\t\n", "empty gzip": string(zipped(nil)), "NUL only": strings.Repeat("\x00", 5000), "empty array": "[]"} {
		if got := takeText(t, data); got.report.Read != 0 || got.report.Rejected != 0 {
			t.Errorf("%s: %+v", name, got.report)
		}
	}
}

func TestNoText(t *testing.T) {
	random := make([]byte, 8192)
	for i, x := 0, uint32(1); i < len(random); i++ {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	wide := "\xff\xfe"
	for _, c := range lines(3) {
		wide += string(c) + "\x00"
	}
	for name, f := range map[string]struct{ data, reason string }{
		"zip":             {"PK\x03\x04\x14\x00", "zip archive"},
		"png":             {"\x89PNG\r\n\x1a\n", "an image"},
		"jpeg":            {"\xff\xd8\xff\xe0\x00\x10JFIF", "an image"},
		"elf":             {"\x7fELF\x02\x01\x01", "a program"},
		"tar":             {"logs/a.log" + strings.Repeat("\x00", 247) + "ustar  \x00" + lines(1), "tar archive"},
		"UTF-16":          {wide, "UTF-16"},
		"UTF-16 unmarked": {wide[2:], "binary data"},
		"noise":           {string(random), "binary data"},
		"gzip in gzip":    {string(zipped(zipped([]byte("x")))), "gzip inside gzip"},
	} {
		got := takeText(t, f.data)
		if len(got.raw) != 0 || got.report.Rejected != 1 || got.report.Format != "binary" || !strings.Contains(got.report.Reasons[0].Reason, f.reason) {
			t.Errorf("%s: %+v", name, got.report)
		}
	}
}

func TestAFewControlsAreText(t *testing.T) {
	got := takeText(t, "May 20 10:00:00 gw app: \x00\x01\x02\n")
	if len(got.raw) != 1 || got.report.Format != "syslog" {
		t.Errorf("%+v", got.report)
	}
}

func TestLongLine(t *testing.T) {
	first := lines(1)
	long := strings.Repeat("x", ingest.MaxRecord+10)
	got := takeText(t, first+long+"\n"+"May 20 10:00:01 gw app: after\n"+long)
	want := []ingest.Reason{{Reason: "longer than 16 MiB", Count: 2, Offsets: []int64{int64(len(first)), int64(len(first) + len(long) + 31)}}}
	if diff := cmp.Diff(want, got.report.Reasons); diff != "" || len(got.raw) != 2 || got.report.Read != 4 {
		t.Errorf("%s; %d events, %d read", diff, len(got.raw), got.report.Read)
	}
	fits := "May 20 10:00:00 gw app: " + strings.Repeat("x", ingest.MaxRecord-100)
	if got := takeText(t, fits); len(got.raw) != 1 || got.raw[0] != fits {
		t.Errorf("a line that fits: %+v", got.report)
	}
}

func TestForcedFormat(t *testing.T) {
	if got := take(t, strings.NewReader(lines(1)), "a", "text"); got.report.Format != "text" {
		t.Errorf("%+v", got.report)
	}
	_, err := reader().Stream(context.Background(), strings.NewReader(lines(1)), "a", "klingon", clock, func(*event.Event) error { return nil })
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("error %v", err)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	n := 0
	f := ingest.Format{Name: "f", Detect: func([]byte, string) int { return 1 }, Open: func(ingest.Origin) ingest.Reading {
		return ingest.Reading{Record: func([]byte, int64, func(*event.Event)) error {
			n++
			return fmt.Errorf("reason %d %s", n%200, strings.Repeat("é", 1000))
		}}
	}}
	r := ingest.NewReader([]ingest.Format{f}, time.Now)
	rep, err := r.Stream(context.Background(), strings.NewReader(lines(2000)), "a", "", clock, nil)
	if err != nil || rep.Rejected != 2000 || len(rep.Reasons) > 51 {
		t.Fatalf("%v, %d rejected for %d reasons", err, rep.Rejected, len(rep.Reasons))
	}
	sum := 0
	for i, reason := range rep.Reasons {
		sum += reason.Count
		if len(reason.Reason) > 210 || len(reason.Offsets) > 5 || i > 0 && reason.Count > rep.Reasons[i-1].Count {
			t.Errorf("reason %d: %d bytes, %d places, %d times", i, len(reason.Reason), len(reason.Offsets), reason.Count)
		}
	}
	if sum != 2000 {
		t.Errorf("the reasons stand for %d", sum)
	}
}

func TestStops(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	_, err := reader().Stream(context.Background(), strings.NewReader(lines(10)), "a", "", clock, func(*event.Event) error {
		if n++; n == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || n != 3 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := reader().Stream(ctx, strings.NewReader(lines(10)), "a", "", clock, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	if _, err := reader().File(context.Background(), none, "", nil); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), none) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := reader().File(context.Background(), dir, "", nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a directory: %v", err)
	}
	if _, err := ingest.Files([]string{none}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("looking for nothing: %v", err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root reads everything: run as another user to see what a file without permission does")
	}
	closed := filepath.Join(dir, "closed.log")
	if err := os.WriteFile(closed, []byte(lines(1)), 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err := reader().File(context.Background(), closed, "", nil); err == nil || !strings.Contains(err.Error(), closed) {
		t.Errorf("a closed file: %v", err)
	}
}
