package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/fault"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "v.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	file := write(t, "data: /from/file\nlisten: 0.0.0.0:1\nlimits:\n  memory: 2GB\n  devices: 10\nlog:\n")
	got, err := Load(Sources{
		File: file, Env: []string{"VEDETTE_LIMITS_MEMORY=3GB", "VEDETTE_LISTEN=:2", "VEDETTE_SERVER=x", "HOME=/"},
		Flags: []Setting{{"--listen", "listen", "127.0.0.1:3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data, want.Listen, want.Limits.Memory, want.Limits.Devices = "/from/file", "127.0.0.1:3", 3<<30, 10
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	file := write(t, `data: ""
lsiten: :80
zones:
  - name: plant
    level: 7
    subnets: [10.1.0.1/16, 10.2.0.0/33, 10.3.0.0/16]
  - name: Plant
    confidentiality: intern
    subnets: 10.4.0.0/16
limits:
  memory: lots
  memory: 1GB
  threads: [1]
retention: forever
`)
	_, err := Load(Sources{File: file, Env: []string{"VEDETTE_LIMIT_MEMORY=1GB", "VEDETTE_LOG_LEVEL=loud"}, Flags: []Setting{{"--x", "limits.colour", "red"}}})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, p := range ProblemsOf(err) {
		got = append(got, strings.TrimPrefix(p.String(), file+":"))
	}
	want := []string{
		`2: lsiten: unknown key (did you mean "listen"?)`,
		`6: zones[0].subnets[0]: "10.1.0.1/16" has bits behind its mask, the subnet is 10.1.0.0/16`,
		`6: zones[0].subnets[1]: "10.2.0.0/33" is no subnet (such as 10.1.0.0/16)`,
		`9: zones[1].subnets: is not a list (write it as [a, b], or one item a line behind a dash)`,
		`11: limits.memory: "lots" is no size (such as 512MB or 2GB)`,
		`12: limits.memory: is set twice (first in line 11)`,
		`13: limits.threads: is not a single value`,
		`14: retention: is not a section of keys (known keys: events, disk)`,
		`VEDETTE_LIMIT_MEMORY: unknown variable (did you mean "VEDETTE_LIMITS_MEMORY"?)`,
		`--x: limits.colour: unknown key`,
		`1: data: is empty (name a directory)`,
		`5: zones[0].level: is "7" (one of 0, 1, 2, 3, 3.5, 4, 5)`,
		`8: zones[1].confidentiality: is "intern" (did you mean "internal"?)`,
		`7: zones[1].name: is also the name of zones[0] (join them into one zone with both subnets)`,
		`VEDETTE_LOG_LEVEL: log.level: is "loud" (one of debug, info, warn, error)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	for _, text := range []string{"a: b: c\n", "- x\n", "\x00\x01", "x: &a 1\ny: *a\n", "data: a\n---\ndata: b\n", "\tdata: x\n"} {
		_, err := Load(Sources{File: write(t, text)})
		if fault.KindOf(err) != fault.Invalid || len(ProblemsOf(err)) == 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "# only words\n", "limits:\n"} {
		if _, err := Load(Sources{File: write(t, text)}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "none.yaml")}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a missing file: %v", err)
	}
}

func TestPrintReadsBack(t *testing.T) {
	cfg, err := Load(Sources{File: write(t, "site: 'yes'\nzones:\n- {name: \"cell: 1\", level: 3.5, subnets: [10.0.0.0/8, fd00::/8, 192.0.2.1], criticality: high}\nown_subnets: [134.217.61.0/24]\nadopt_neighbours: yes\nretention: {events: 12h30m}\n")})
	if len(ProblemsOf(err)) != 1 { // less than a day
		t.Fatalf("error %v", err)
	}
	cfg.Retention.Events = 36 * 3600 * second
	var out bytes.Buffer
	if err := cfg.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, err := Load(Sources{File: write(t, out.String())})
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if diff := cmp.Diff(cfg, again, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Prefix) bool { return a == b })); diff != "" {
		t.Errorf("read back (-printed +read):\n%s\n%s", diff, out.String())
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]string{"90d": "90d", "36h": "36h", "24h": "1d", "1h30m": "1h30m", "90s": "1m30s", "0s": "0s", "1.5d": "36h", "": "", "-1h": "", "d": "", "5": ""} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); (err != nil) != (want == "") || err == nil && d.String() != want {
			t.Errorf("duration %q = %s, %v", in, d, err)
		}
	}
	for in, want := range map[string]string{"512MB": "512MB", "1.5 GiB": "1536MB", "2g": "2GB", "100": "100", "1B": "1", "0": "0", "-1": "", "x": "", "9e99": "", "NaN": ""} {
		var n Bytes
		if err := n.UnmarshalText([]byte(in)); (err != nil) != (want == "") || err == nil && n.String() != want {
			t.Errorf("size %q = %s, %v", in, n, err)
		}
	}
}

// FuzzLoad: no file panics, and what is accepted prints and reads back equal.
func FuzzLoad(f *testing.F) {
	f.Add("data: x\nzones:\n- {name: a, level: 1, subnets: [10.0.0.0/8]}\n")
	f.Add("limits: {memory: 1GB, threads: 2}\nadopt_neighbours: on\n")
	f.Add("a: &x [*x]\n")
	path := filepath.Join(f.TempDir(), "v.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		l := loader{cfg: Default(), file: path, lines: make(map[string]int)}
		l.readYAML([]byte(text))
		if len(l.problems)+len(l.cfg.Problems()) > 0 {
			return
		}
		var out bytes.Buffer
		if err := l.cfg.Print(&out); err != nil {
			t.Fatal(err)
		}
		again := loader{cfg: Default(), file: path, lines: make(map[string]int)}
		again.readYAML(out.Bytes())
		if len(again.problems) > 0 {
			t.Fatalf("%v in\n%s", again.problems, out.String())
		}
		if diff := cmp.Diff(l.cfg, again.cfg, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b Prefix) bool { return a == b })); diff != "" {
			t.Fatal(diff)
		}
	})
}
