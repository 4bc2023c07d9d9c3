package chosen_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/app/chosen"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
)

// failing is records that fail to write when told to, as on a full disk.
type failing struct {
	store.Records
	err error
}

func (f *failing) Update(ctx context.Context, changes ...store.Change) error {
	if f.err != nil {
		return f.err
	}
	return f.Records.Update(ctx, changes...)
}

func open(t *testing.T, dir string) (*chosen.Book, *failing, *audit.Journal, func()) {
	t.Helper()
	r, err := sqlite.Open(filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := audit.Open(filepath.Join(dir, "audit.jsonl"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{Records: r}
	b, err := chosen.Open(t.Context(), f, j, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return b, f, j, func() { _, _ = r.Close(), j.Close() }
}

func set(ctx context.Context, b *chosen.Book, events string) (chosen.Version, error) {
	return b.Change(ctx, "ann", "a test", func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		before := d.Retention.Events
		d.Retention = chosen.Retention{Events: events, Mark: m}
		return chosen.Deed{Action: "settings.retention", Object: "retention", Before: before, After: events, Texts: map[string][]byte{chosen.Hash([]byte(events)): []byte(events)}}, nil
	})
}

// A change that cannot be written is none, and the journal says so; the next one
// goes on from what was before.
func TestWhatCannotBeWrittenIsNoChange(t *testing.T) {
	dir := t.TempDir()
	b, f, j, end := open(t, dir)
	if _, err := set(t.Context(), b, "10d"); err != nil {
		t.Fatal(err)
	}
	f.err = fault.New(fault.Unavailable, "database or disk is full")
	if _, err := set(t.Context(), b, "20d"); !errors.Is(err, f.err) {
		t.Errorf("%v", err)
	}
	if d, v := b.Now(); d.Retention.Events != "10d" || v != 1 {
		t.Errorf("%+v at %d", d, v)
	}
	last, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil || !strings.Contains(string(last), "nothing has changed") {
		t.Errorf("%s, %v", last, err)
	}
	f.err = nil
	if v, err := set(t.Context(), b, "30d"); err != nil || v.Version != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := set(t.Context(), b, "40d"); err == nil {
		t.Error("a change that is not in the journal was made")
	}
	if d, v := b.Now(); d.Retention.Events != "30d" || v != 2 {
		t.Errorf("%+v at %d", d, v)
	}
	end()
	b, _, _, end = open(t, dir)
	defer end()
	if d, v := b.Now(); d.Retention.Events != "30d" || v != 2 {
		t.Errorf("opened again: %+v at %d", d, v)
	}
	if text, err := b.Text(t.Context(), chosen.Hash([]byte("30d"))); err != nil || string(text) != "30d" {
		t.Errorf("%q, %v", text, err)
	}
}

// On a disk that is really full nothing changes, and once there is room it does.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	b, _, _, end := open(t, mount)
	defer func() {
		end()
		if err := exec.Command("umount", mount).Run(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := set(t.Context(), b, "10d"); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(mount, "ballast")
	_ = os.WriteFile(ballast, make([]byte, 4<<20), 0o600) // it writes what there is room for
	if _, err := set(t.Context(), b, strings.Repeat("9", 100<<10)); err == nil {
		t.Error("it was written to a full disk")
	}
	if d, v := b.Now(); d.Retention.Events != "10d" || v != 1 {
		t.Errorf("%d bytes at %d", len(d.Retention.Events), v)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if v, err := set(t.Context(), b, "20d"); err != nil || v.Version != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Writers at once make one version each, and none is lost.
func TestWritersAtOnce(t *testing.T) {
	b, _, _, end := open(t, t.TempDir())
	defer end()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if _, err := set(t.Context(), b, "10d"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	list, err := b.History(t.Context(), 100)
	if _, v := b.Now(); err != nil || v != 40 || len(list) != 40 || list[0].Version != 40 || list[39].Version != 1 {
		t.Errorf("version %d, %d in the history, %v", v, len(list), err)
	}
	d, err := b.At(t.Context(), 7)
	if err != nil || d.Retention.Mark.Version != 7 {
		t.Errorf("%+v, %v", d, err)
	}
}

// A killed process leaves the change before or the change after, and each version
// whose number was told is there.
func TestKilledWhileChanging(t *testing.T) {
	if dir := os.Getenv("VEDETTE_TEST_CHOSEN"); dir != "" {
		b, _, _, _ := open(t, dir)
		for i := 0; ; i++ {
			v, err := set(t.Context(), b, strings.Repeat("1", i%50+1)+"d")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = os.Stdout.WriteString("told " + strings.Repeat("i", int(v.Version)) + "\n")
		}
	}
	dir, told := t.TempDir(), 0
	for round := range 6 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "TestKilledWhileChanging")
		cmd.Env = append(os.Environ(), "VEDETTE_TEST_CHOSEN="+dir)
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(250+37*round) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for line := range strings.Lines(out.String()) {
			if n, ok := strings.CutPrefix(line, "told "); ok && strings.HasSuffix(n, "\n") {
				told = max(told, len(n)-1)
			}
		}
		b, _, _, end := open(t, dir)
		d, v := b.Now()
		last, err := b.At(t.Context(), v)
		if err != nil || int(v) < told || v > 0 && last.Retention != d.Retention {
			t.Errorf("round %d: version %d of %d that were told, %+v, %v", round, v, told, last, err)
		}
		end()
	}
	if told == 0 {
		t.Error("nothing was ever written")
	}
}
