package normalize_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
)

// shared is the path of a file of the shared public data, which is not in the
// repository. The test is skipped where there is none.
func shared(t *testing.T, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if p := filepath.Join(dir, filepath.FromSlash(name)); fileExists(p) {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED (its README lists each source)", name)
	return ""
}

func fileExists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// zipped are the files of an archive whose names end so, in the archive's order.
func zipped(t *testing.T, name, suffix string) (names []string, content map[string][]byte) {
	t.Helper()
	z, err := zip.OpenReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	content = map[string][]byte{}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, suffix) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, content[f.Name] = append(names, f.Name), data
	}
	if len(names) == 0 {
		t.Fatalf("%s holds no %s", name, suffix)
	}
	return names, content
}

// readShared reads a file as what it is detected as, and tells what is refused
// and what is lost.
func readShared(t *testing.T, name string, data []byte) (all []outcome, refused []string) {
	t.Helper()
	d := detect(data, path.Base(name))
	if d == "" || d == "text" {
		t.Errorf("%s is detected as %q", name, d)
		return nil, nil
	}
	all = parseLines(dialect(t, d), path.Base(name), data)
	for _, o := range all {
		if o.err != nil {
			refused = append(refused, fmt.Sprintf("%s at %d: %v", name, o.offset, o.err))
		}
	}
	for _, lost := range lostValues(d, all) {
		t.Errorf("%s %.400s", name, lost)
	}
	return all, refused
}

func TestSharedICSNPP(t *testing.T) {
	names, content := zipped(t, "net/zeek-icsnpp.zip", ".log")
	events := 0
	for _, name := range names {
		all, refused := readShared(t, name, content[name])
		for _, r := range refused {
			t.Error(r)
		}
		for _, o := range all {
			if o.event == nil {
				continue
			}
			events++
			if base := strings.TrimSuffix(path.Base(name), ".log"); o.event.MetadataLogName() != "zeek/"+base {
				t.Errorf("%s is taken for %s", name, o.event.MetadataLogName())
			}
			if o.event.SrcEndpointIP() == "" || o.event.DstEndpointIP() == "" {
				t.Errorf("%s at %d: no endpoints", name, o.offset)
			}
		}
	}
	if rows := countRows(content); events != rows || rows == 0 {
		t.Errorf("%d events of %d rows", events, rows)
	}
}

func countRows(files map[string][]byte) int {
	n := 0
	for _, data := range files {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				n++
			}
		}
	}
	return n
}

func TestSharedEVE(t *testing.T) {
	f, err := os.Open(shared(t, "net/suricata-eve.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for line := range bytes.Lines(data) {
		var m struct {
			Type string `json:"event_type"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		want["suricata/"+m.Type]++
	}
	all, refused := readShared(t, "eve.json", data)
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	got := map[string]int{}
	for _, o := range all {
		got[o.event.MetadataLogName()]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSharedZeek reads logs as they come from the field. What is refused is
// listed here: a row that ends in the middle.
func TestSharedZeek(t *testing.T) {
	names, content := zipped(t, "net/slips-traffic.zip", ".log")
	var refused []string
	for _, name := range names {
		_, r := readShared(t, name, content[name])
		refused = append(refused, r...)
	}
	want := []string{"test10-mixed-zeek-dir/notice.log at 3022: 23 columns where the header names 26"}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Error(diff)
	}
}

func TestSharedIoT23(t *testing.T) {
	names, content := zipped(t, "net/iot23-benign-devices-zeek.zip", ".log")
	events := 0
	for _, name := range names {
		all, refused := readShared(t, name, content[name])
		for _, r := range refused {
			t.Error(r)
		}
		for _, o := range all {
			if o.event != nil {
				events++
			}
		}
	}
	if rows := countRows(content); events != rows || events != 1416 {
		t.Errorf("%d events of %d rows, want 1416", events, rows)
	}
}

var (
	failedLogin = regexp.MustCompile(`Failed \S+ for .* from (\d+\.\d+\.\d+\.\d+) port \d+`)
	times       = regexp.MustCompile(`^message repeated (\d+) times: `)
)

// TestSharedFailedLogins counts refused logins by source twice: in the events,
// and in the structured form of the same log that its publisher made.
func TestSharedFailedLogins(t *testing.T) {
	_, logs := zipped(t, "logs/loghub.zip", "OpenSSH_first1k.log")
	_, tables := zipped(t, "logs/loghub.zip", "OpenSSH_first1k.structured.csv")
	rows, err := csv.NewReader(bytes.NewReader(tables["OpenSSH/OpenSSH_first1k.structured.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for _, row := range rows[1:] {
		content, n := row[6], int64(1)
		if m := times.FindStringSubmatch(content); m != nil {
			n, _ = strconv.ParseInt(m[1], 10, 64)
		}
		if m := failedLogin.FindStringSubmatch(content); m != nil {
			want[m[1]] += n
		}
	}
	all, refused := readShared(t, "OpenSSH.log", logs["OpenSSH/OpenSSH_first1k.log"])
	if len(refused) > 0 || len(all) != len(rows)-1 {
		t.Errorf("%d of %d lines, refused %v", len(all), len(rows)-1, refused)
	}
	got := map[string]int64{}
	for _, o := range all {
		if o.event.ActivityName() == "Logon" && o.event.Status() == event.Failure {
			got[o.event.SrcEndpointIP()] += max(1, o.event.Int(event.SlotCount))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 10 {
		t.Errorf("%d sources; %s", len(want), diff)
	}
}
