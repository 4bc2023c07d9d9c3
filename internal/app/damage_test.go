package app_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
)

// state finds a check.
func state(t *testing.T, checks []api.Check, name string) api.Check {
	t.Helper()
	for _, c := range checks {
		if c.Name == name {
			return c
		}
	}
	t.Errorf("there is no check %q among %+v", name, checks)
	return api.Check{}
}

// copyTree copies a closed directory.
func copyTree(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// killed makes a directory whose write-ahead log was not taken in: its owner
// was killed.
func killed(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	full(t, dir).Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childSeed+"=1", childMode+"=alone", childLoad+"=0s")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for acks := 0; acks < 2 && in.Scan(); {
		if strings.HasPrefix(in.Text(), "ack") {
			acks++
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if info, err := os.Stat(filepath.Join(dir, "events", "hot.duckdb.wal")); err != nil || info.Size() == 0 {
		t.Fatalf("no write-ahead log was left: %v", err)
	}
	return dir
}

// listing is what a directory holds, by path, size and time.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		out = append(out, fmt.Sprint(path, info.Size(), info.ModTime().UnixNano(), info.Mode()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever happened to the hot database: doctor looks and changes nothing,
// opening works or says what to do, nothing panics, and no sealed day is lost.
func TestDamagedHotDatabase(t *testing.T) {
	origin := killed(t)
	rng := rand.New(rand.NewPCG(7, 7))
	names := []string{"hot.duckdb", "hot.duckdb.wal"}
	damages := map[string]func(raw []byte) []byte{
		"empty": func([]byte) []byte { return nil }, "half": func(raw []byte) []byte { return raw[:len(raw)/2] },
		"less a byte": func(raw []byte) []byte { return raw[:len(raw)-1] }, "noise": func(raw []byte) []byte { return []byte(strings.Repeat("noise", len(raw)/5)) },
	}
	for i := range 6 {
		damages[fmt.Sprint("flip ", i)] = func(raw []byte) []byte { raw[rng.IntN(len(raw))] ^= 1 << rng.IntN(8); return raw }
	}
	for i, at := range []int{0, 8, 16, 4096, 4100, 8192, 12288, 12400} {
		damages[fmt.Sprint("head ", i)] = func(raw []byte) []byte { raw[min(at, len(raw)-1)] ^= 0xff; return raw }
	}
	opened, refused := 0, 0
	for _, name := range names {
		for what, damage := range damages {
			dir := filepath.Join(t.TempDir(), "d")
			copyTree(t, dir, origin)
			path := filepath.Join(dir, "events", name)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			before := listing(t, dir)
			saw := state(t, app.Examine(t.Context(), app.Config{Dir: dir}, true), "events")
			if !slices.Equal(before, listing(t, dir)) {
				t.Errorf("%s %s: doctor changed the directory:\n%s", name, what, strings.Join(listing(t, dir), "\n"))
			}
			a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: func() time.Time { return clock }})
			if err != nil {
				refused++
				if _, hint := fault.Public(err); !strings.Contains(hint, "vedette") || saw.State != api.Problem {
					t.Errorf("%s %s: %v (hint %q); doctor saw %+v", name, what, err, hint, saw)
				}
				startAnew(t, dir)
				continue
			}
			opened++
			if got, err := a.Query(t.Context(), "| count", clock); err == nil && got.Rows[0][0].(int64) < 150 {
				t.Errorf("%s %s: %v events", name, what, got.Rows)
			} else if _, hint := fault.Public(err); err != nil && hint == "" {
				t.Errorf("%s %s: %v without a hint", name, what, err)
			}
			_ = a.Close() // it may say that the file is damaged
		}
	}
	t.Logf("%d opened all the same, %d refused with a hint", opened, refused)
	if opened == 0 || refused == 0 {
		t.Errorf("the damages are all alike: %d opened, %d refused", opened, refused)
	}
}

// startAnew does what the hint says when there is no backup.
func startAnew(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"hot.duckdb", "hot.duckdb.wal"} {
		if err := os.Rename(filepath.Join(dir, "events", name), filepath.Join(t.TempDir(), name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	a := open(t, dir)
	defer a.Close()
	if n := events(t, a); n != 150 { // three sealed days
		t.Errorf("%d events of the sealed days are left, want 150", n)
	}
	got, err := a.Query(t.Context(), "devices | count", clock)
	if err != nil || got.Rows[0][0] == int64(0) {
		t.Errorf("the device table: %v, %v", got, err)
	}
}

func TestDamagedRecords(t *testing.T) {
	origin := filepath.Join(t.TempDir(), "d")
	full(t, origin).Close()
	for what, content := range map[string]string{"empty": "", "noise": strings.Repeat("noise", 3000), "half": ""} {
		dir := filepath.Join(t.TempDir(), "d")
		copyTree(t, dir, origin)
		path := filepath.Join(dir, "records.db")
		if what == "half" {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content = string(raw[:len(raw)/2])
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		checks := app.Examine(t.Context(), app.Config{Dir: dir}, false)
		a, err := app.Open(t.Context(), app.Config{Dir: dir})
		if err == nil {
			_ = a.Close()
		}
		saw := state(t, checks, "records")
		if what == "empty" { // a new file for the engine; doctor sees that it has no layout yet
			continue
		}
		if _, hint := fault.Public(err); err == nil || !strings.Contains(hint, "vedette restore") || saw.State != api.Problem {
			t.Errorf("%s: %v, hint %q; doctor saw %+v", what, err, hint, saw)
		}
	}
}

// A damaged sealed file: the question that needs it says which one, the others
// are answered, and so is doctor.
func TestDamagedSealedDay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	full(t, dir).Close()
	files, err := filepath.Glob(filepath.Join(dir, "events", "sealed", "*.parquet"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := 4; i < len(raw)-8; i += 3 {
		raw[i] ^= 0xa5
	}
	if err := os.WriteFile(files[1], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if saw := state(t, app.Examine(t.Context(), app.Config{Dir: dir}, true), "sealed days"); saw.State != api.Problem || !strings.Contains(saw.Text, filepath.Base(files[1])) || strings.Contains(saw.Text, filepath.Base(files[0])) {
		t.Errorf("doctor: %+v", saw)
	}
	a := open(t, dir)
	defer a.Close()
	_, err = a.Query(t.Context(), "| by src count", clock)
	if text, hint := fault.Public(err); err == nil || !strings.Contains(text, filepath.Base(files[1])) || !strings.Contains(hint, "backup") {
		t.Errorf("the question: %v, hint %q", err, hint)
	}
	got, err := a.Query(t.Context(), "last 24h | count", first.AddDate(0, 0, 4))
	if err != nil || got.Rows[0][0] != int64(50) {
		t.Errorf("a question about another day: %v, %v", got, err)
	}
}

// A disk that fills up while logs come in: the message says what to do, what
// was acknowledged is there, and once there is space everything goes on.
func TestFullDisk(t *testing.T) {
	for name, load := range map[string]string{"batch by batch": "0s", "batches together": ""} {
		t.Run(name, func(t *testing.T) { fullDisk(t, load) })
	}
}

func fullDisk(t *testing.T, load string) {
	mount := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", mount).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	defer func() {
		if err := exec.Command("umount", mount).Run(); err != nil {
			t.Error(err)
		}
	}()
	dir, ballast := filepath.Join(mount, "d"), filepath.Join(mount, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 244<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runChild(dir, "alone", load)
	if err == nil || !strings.Contains(out, "disk") {
		t.Fatalf("the child says %v: %s", err, out)
	}
	l := &life{t: t, dir: dir, rng: rand.New(rand.NewPCG(1, 1)), acked: map[string]int{}}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "ack") {
			l.line(strings.TrimSpace(line), strings.NewReader(""))
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	l.check()
	if out, err := runChild(dir, "alone", load); err != nil {
		t.Fatalf("after space was made: %v %s", err, out)
	}
	l.done = true
	l.check()
}

// A backup that finds no space leaves nothing that looks whole.
func TestBackupOnAFullDisk(t *testing.T) {
	mount := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	defer func() {
		if err := exec.Command("umount", mount).Run(); err != nil {
			t.Error(err)
		}
	}()
	a := full(t, filepath.Join(t.TempDir(), "d"))
	_, err := a.Backup(t.Context(), filepath.Join(mount, "b"))
	if _, hint := fault.Public(err); err == nil || !strings.Contains(hint, "space") {
		t.Errorf("%v, hint %q", err, hint)
	}
	if left, err := os.ReadDir(mount); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if n := events(t, a); n != 200 {
		t.Errorf("%d events", n)
	}
}

func TestDoctorOnOddPlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wide := t.TempDir()
	if err := os.Chmod(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]api.State{file: api.Problem, filepath.Join(file, "below"): api.Problem, filepath.Join(wide, "none"): api.Problem, wide: api.Warning} {
		if c := state(t, app.Examine(t.Context(), app.Config{Dir: dir}, true), "directory"); c.State != want || c.Do == "" {
			t.Errorf("%s: %+v", dir, c)
		}
	}
	if os.Geteuid() == 0 {
		t.Log("not run as root: a directory that may not be read or written")
		return
	}
	for mode, want := range map[os.FileMode]api.State{0o500: api.Problem, 0o000: api.Problem} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if c := state(t, app.Examine(t.Context(), app.Config{Dir: dir}, true), "directory"); c.State != want {
			t.Errorf("%v: %+v", mode, c)
		}
		if _, err := app.Open(t.Context(), app.Config{Dir: dir}); fault.KindOf(err) != fault.Denied {
			t.Errorf("%v: %v", mode, err)
		}
		_ = os.Chmod(dir, 0o700) // so that it can be removed
	}
}

// Doctor's answer for a living directory names what goes wrong in it.
func TestCheckOfALivingDirectory(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "d"), first.AddDate(0, 0, 3)
	a := tuned(t, dir, &now, app.Retention{Events: 90 * 24 * time.Hour, Disk: 1 << 30})
	take(t, a, days(first, 3, 10)+days(first.AddDate(20, 0, 0), 1, 10), "a.log", 40)
	maintain(t, a)
	checks, err := a.Check(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]api.State{"events": api.OK, "sealed days": api.OK, "records": api.OK, "devices": api.OK, "audit journal": api.OK, "clocks": api.Warning, "maintenance": api.OK, "versions": api.OK, "copies": api.OK, "owner": api.OK, "other files": api.OK} {
		if c := state(t, checks, name); c.State != want {
			t.Errorf("%+v, want %s", c, want)
		}
	}
	now = now.Add(48 * time.Hour)
	if err := os.WriteFile(filepath.Join(dir, "events", "sealed", "events-2026-01-01-9.parquet.aside"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checks, err = a.Check(t.Context(), false)
	if err != nil || state(t, checks, "maintenance").State != api.Warning || state(t, checks, "other files").State != api.Warning {
		t.Errorf("%+v, %v", checks, err)
	}
}
