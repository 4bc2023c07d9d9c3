package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/ingest"
)

// known are the uids of some records.
func known(ts ...taken) map[string]bool {
	out := map[string]bool{}
	for _, t := range ts {
		for _, u := range t.uids {
			out[u] = true
		}
	}
	return out
}

func TestSameFileUnderAnotherName(t *testing.T) {
	dir := t.TempDir()
	text := []byte(lines(500))
	var all []taken
	for name, data := range map[string][]byte{"a.log": text, "b.log": text, "c.log.gz": zipped(text)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var got taken
		if _, err := reader().File(context.Background(), path, "", func(e *event.Event) error {
			got.uids = append(got.uids, e.MetadataUID())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		all = append(all, got)
	}
	if n := len(known(all...)); n != 500 {
		t.Errorf("%d different records, want 500", n)
	}
}

func TestEqualRecordsStayTwo(t *testing.T) {
	line := "May 20 10:00:00 gw app: the same\n"
	if n := len(known(takeText(t, line+line+line))); n != 3 {
		t.Errorf("%d different records, want 3", n)
	}
	if n := len(known(takeText(t, `[{"event_type":"flow","timestamp":"2025-05-20T10:00:00Z"},{"event_type":"flow","timestamp":"2025-05-20T10:00:00Z"}]`))); n != 2 {
		t.Errorf("%d different JSON records, want 2", n)
	}
}

// TestAppendedLog reads a log that has grown since: what was read before is
// not new, what was appended is.
func TestAppendedLog(t *testing.T) {
	before, after := takeText(t, lines(1000)), takeText(t, lines(1500))
	if len(lines(1000)) < event.SourceHeadSize {
		t.Fatal("the log is too short to tell anything")
	}
	if n := len(known(before, after)); n != 1500 {
		t.Errorf("%d different records, want 1500", n)
	}
	if n := len(known(after, takeText(t, "May 20 09:00:00 gw app: another\n"+lines(1500)))); n != 3001 {
		t.Errorf("another log has %d records in common", 3001-n)
	}
}

func TestMixedDialects(t *testing.T) {
	zeek := "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\n1747735200.5\tC1\t192.0.2.7\t5\n"
	got := takeText(t, zeek+lines(2)+"1747735201.5\tC2\t192.0.2.8\t6\n")
	if got.report.Format != "zeek-tsv" || got.report.Events != 2 || got.report.Rejected != 2 || !hasReason(got.report, "1 columns where the header names 4") {
		t.Errorf("Zeek with syslog: %+v", got.report)
	}
	got = takeText(t, lines(5)+`{"a":1}`+"\n"+lines(2))
	if got.report.Format != "syslog" || got.report.Events != 7 || got.report.Rejected != 1 {
		t.Errorf("syslog with JSON: %+v", got.report)
	}
}

func TestJSONForms(t *testing.T) {
	a := `{"timestamp":"2025-05-20T10:00:00Z","event_type":"flow","src_ip":"192.0.2.7","flow":{"x":"} ] {"}}`
	b := `{"timestamp":"2025-05-20T10:00:01Z","event_type":"dns","src_ip":"192.0.2.8"}`
	wide := strings.NewReplacer(`,"`, ",\n  \"").Replace
	for name, data := range map[string]string{
		"lines":                        a + "\n" + b + "\n",
		"array on one line":            "[" + a + "," + b + "]",
		"array of lines":               "[\n" + a + ",\n" + b + "\n]\n",
		"pretty":                       wide(strings.Replace(a, "{", "{\n", 1)) + "\n" + wide(b),
		"begins on the first line":     wide(a) + "\n" + wide(b) + "\n",
		"array, pretty, CRLF and mark": "\xef\xbb\xbf[\r\n" + strings.ReplaceAll(wide(a)+",\n"+wide(b), "\n", "\r\n") + "\r\n]",
		"lines with mark":              "\xef\xbb\xbf" + a + "\r\n" + b,
		"one after the other":          "{\n" + a[1:] + b,
	} {
		got := takeText(t, data)
		if got.report.Format != "eve" || got.report.Events != 2 || got.report.Rejected != 0 {
			t.Errorf("%s: %+v", name, got.report)
		}
	}
}

// TestBrokenJSONDoesNotHideTheRest checks that one bad value costs that value.
func TestBrokenJSONDoesNotHideTheRest(t *testing.T) {
	good := "{\n \"timestamp\":\"2025-05-20T10:00:00Z\",\n \"event_type\":\"flow\"\n}\n"
	bad := "{\n \"x\": \"not ended\n}\n"
	got := takeText(t, good+bad+good+"garbage\n"+good)
	if got.report.Events != 3 || got.report.Rejected != 2 {
		t.Errorf("%+v", got.report)
	}
	want := []int64{int64(len(good)), int64(2*len(good) + len(bad))}
	var at []int64
	for _, r := range got.report.Reasons {
		at = append(at, r.Offsets...)
	}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Error(diff)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.log", "a/z.log", "a/y.log", ".hidden", ".git/x.log", "c/d/e.log"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"c/loop": dir, "current": filepath.Join(dir, "a"), "c/dead": "nowhere", "link.log": filepath.Join(dir, "b.log")} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	for _, f := range []struct{ give, want []string }{
		{[]string{""}, []string{"a/y.log", "a/z.log", "b.log", "c/d/e.log"}},
		{[]string{"b.log", "a"}, []string{"b.log", "a/y.log", "a/z.log"}},
		{[]string{"current"}, []string{"current/y.log", "current/z.log"}},
		{[]string{"link.log", ".hidden"}, []string{"link.log", ".hidden"}},
	} {
		give := make([]string, len(f.give))
		for i, p := range f.give {
			give[i] = filepath.Join(dir, p)
		}
		got, err := ingest.Files(give)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range got {
			rel, _ := filepath.Rel(dir, p)
			got[i] = filepath.ToSlash(rel)
		}
		if diff := cmp.Diff(f.want, got); diff != "" {
			t.Errorf("%v: %s", f.give, diff)
		}
	}
}

func TestSummary(t *testing.T) {
	var s ingest.Summary
	s.Add(ingest.Report{Path: "a", Format: "syslog", Read: 10, Rejected: 1, Reasons: []ingest.Reason{{Reason: "r", Count: 1}}}, 7, 2)
	s.Add(ingest.Report{Path: "b", Read: 5}, 5, 0)
	s.Done(2)
	if s.Read != 15 || s.Stored != 12 || s.Duplicates != 2 || s.Rejected != 1 || s.EventsPerSecond != 6 || len(s.Sources) != 2 || s.Sources[1].Reasons == nil {
		t.Errorf("%+v", s)
	}
	var none ingest.Summary
	none.Done(0)
	if none.Sources == nil || none.EventsPerSecond != 0 {
		t.Errorf("%+v", none)
	}
}
