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
	"go.yaml.in/yaml/v3"

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

// TestSharedSuricataChecks makes an EVE record of each check that Suricata's
// own tests make, and looks for every key and value of it in the event.
func TestSharedSuricataChecks(t *testing.T) {
	names, content := zipped(t, "net/suricata-verify.zip", "test.yaml")
	d, checked := dialect(t, "eve"), 0
	for _, name := range names {
		var doc struct {
			Checks []struct {
				Filter struct {
					Match map[string]any `yaml:"match"`
				} `yaml:"filter"`
			} `yaml:"checks"`
		}
		if err := yaml.Unmarshal(content[name], &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range doc.Checks {
			if c.Filter.Match["event_type"] == nil {
				continue
			}
			raw, err := json.Marshal(recordOf(c.Filter.Match))
			if err != nil {
				t.Fatal(err)
			}
			all := parseLines(d, "eve.json", raw)
			if len(all) != 1 || all[0].err != nil {
				t.Errorf("%s: %v of %s", name, all[0].err, raw)
				continue
			}
			for _, lost := range lostValues("eve", all) {
				t.Errorf("%s: %.600s", name, lost)
			}
			checked++
		}
	}
	if checked < 500 {
		t.Errorf("only %d checks", checked)
	}
}

var step = regexp.MustCompile(`^([^\[]+)(?:\[(\d+)\])?$`)

// recordOf nests "a.b[1].c" into objects and arrays. What is no path of the
// record, such as "not-has-key" and "x.__len", is left out.
func recordOf(match map[string]any) map[string]any {
	root := map[string]any{"timestamp": "2025-05-20T12:00:00.000000+0200"}
	for key, v := range match {
		if strings.HasSuffix(key, "-key") || strings.Contains(key, ".__") {
			continue
		}
		at := root
		steps := strings.Split(key, ".")
		for i, s := range steps {
			m := step.FindStringSubmatch(s)
			leaf := i == len(steps)-1
			if m[2] == "" {
				if leaf {
					at[m[1]] = v
				} else {
					at = child(at[m[1]], func(x any) { at[m[1]] = x })
				}
				continue
			}
			n, _ := strconv.Atoi(m[2])
			list, _ := at[m[1]].([]any)
			for len(list) <= n {
				list = append(list, nil)
			}
			at[m[1]] = list
			if leaf {
				list[n] = v
			} else {
				at = child(list[n], func(x any) { list[n] = x })
			}
		}
	}
	return root
}

func child(old any, put func(any)) map[string]any {
	if m, ok := old.(map[string]any); ok {
		return m
	}
	m := map[string]any{}
	put(m)
	return m
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
