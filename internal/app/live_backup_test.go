package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// pouring is the mode of a child whose live source pours while it is backed up.
const pouring = "pour"

// pour puts payload after payload, says how many survive a kill, and takes backups,
// until it is killed.
func pour(dir string) error {
	a, err := app.Open(context.Background(), app.Config{Dir: dir, Now: func() time.Time { return clock }})
	if err != nil {
		return err
	}
	l, err := a.OpenLive(0)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- l.Run(context.Background()) }()
	var done atomic.Int64
	run := os.Getpid()
	go func() {
		for n := 0; ; n++ {
			data := fmt.Appendf(nil, "<38>1 2025-12-10T09:32:20Z gw-1 sshd %d - - Failed password for run%d from 203.0.113.9 port %d ssh2\n", n, run, 1+n%60000)
			if err := l.Put(context.Background(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: clock, Data: data}); err != nil {
				failed <- err
			}
			if done.Store(int64(n + 1)); n%10 == 0 {
				fmt.Println("put", n+1)
				time.Sleep(2 * time.Millisecond)
			}
		}
	}()
	for i := 0; ; i++ {
		before := done.Load()
		to := fmt.Sprintf("%s-backup-%d-%d", dir, run, i)
		if b, err := a.Backup(context.Background(), to); err != nil {
			return err
		} else {
			fmt.Println("backup", before, b.Spooled, to)
		}
		select {
		case err := <-failed:
			return err
		default:
		}
	}
}

// poured counts the stored events of a directory once its spool is empty.
func poured(t *testing.T, dir string) int64 {
	t.Helper()
	a := open(t, dir)
	defer a.Close()
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	empty := func() bool {
		list, err := a.Check(t.Context(), false)
		return err == nil && strings.Contains(check(list, "spool").Text, "is stored")
	}
	for end := time.Now().Add(time.Minute); !empty(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the spool is never empty")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	table, err := a.Query(t.Context(), "| count, distinct(metadata.uid)", clock)
	if err != nil || table.Rows[0][0] != table.Rows[0][1] {
		t.Fatalf("%v, %v", table, err)
	}
	return table.Rows[0][0].(int64)
}

func check(list []api.Check, name string) api.Check {
	for _, c := range list {
		if c.Name == name {
			return c
		}
	}
	return api.Check{}
}

// While a source pours, each backup holds all that was acknowledged before it
// began, and so does the directory after kill -9; nothing is there twice.
func TestBackupWhileASourcePours(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	dir := filepath.Join(t.TempDir(), "d")
	total := int64(0) // acknowledged by the runs before
	for range 2 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir, childMode+"="+pouring)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var put, before, waits int64
		var backup string
		backups := 0
		in := bufio.NewScanner(out)
		for in.Scan() {
			text := in.Text()
			switch _, err := fmt.Sscanf(text, "put %d", &put); {
			case err == nil:
			case strings.HasPrefix(text, "backup "):
				if _, err := fmt.Sscanf(text, "backup %d %d %s", &before, &waits, &backup); err != nil {
					t.Fatal(text)
				}
				if backups++; backups == 2 {
					time.AfterFunc(time.Duration(rng.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
				}
			default:
				t.Fatal(text)
			}
		}
		_ = cmd.Wait()
		if backup == "" {
			t.Fatal("no backup ended")
		}
		restored := filepath.Join(t.TempDir(), "r")
		if _, err := app.RestoreBackup(t.Context(), app.Config{Dir: restored}, app.Restore{Backup: backup}); err != nil {
			t.Fatal(err)
		}
		got, left := poured(t, restored), poured(t, dir)
		t.Logf("%d acknowledged at the kill and %d there; %d at the start of the last backup, of which %d waited, and %d restored", total+put, left, total+before, waits, got)
		if got < total+before || left < total+put {
			t.Error("something acknowledged is lost")
		}
		total = left
	}
}

// Where what waits is not stored in time, the backup takes it as it waits, a server
// or not, and numbers of the spool are not given again.
func TestBackupOfWhatWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := open(t, dir)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // equal ones, told apart by their numbers alone
		putOne(t, l)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Backup(ctx, filepath.Join(t.TempDir(), "x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a backup that is given up: %v", err)
	}
	list, err := a.Check(t.Context(), false)
	if c := check(list, "spool"); err != nil || c.State != api.OK || !strings.HasPrefix(c.Text, "5 payloads (") {
		t.Errorf("%+v, %v", c, err)
	}
	a.SetSpoolWait(50 * time.Millisecond)
	live := filepath.Join(t.TempDir(), "live")
	if b, err := a.Backup(t.Context(), live); err != nil || b.Spooled != 5 {
		t.Fatalf("%+v, %v", b, err)
	}
	// the process ends without having stored them
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(crashed, "spool", "lock"))
	b := open(t, crashed)
	quiet := filepath.Join(t.TempDir(), "quiet")
	if got, err := b.Backup(t.Context(), quiet); err != nil || got.Spooled != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if c := check(app.Examine(t.Context(), app.Config{Dir: crashed}, false), "spool"); c.State != api.Warning || !strings.Contains(c.Do, "vedette serve") {
		t.Errorf("%+v", c)
	}
	for _, from := range []string{live, quiet} {
		to := filepath.Join(t.TempDir(), "r")
		if done, err := app.RestoreBackup(t.Context(), app.Config{Dir: to}, app.Restore{Backup: from}); err != nil || done.Spooled != 5 {
			t.Fatalf("%+v, %v", done, err)
		}
		if n := poured(t, to); n != 5 {
			t.Errorf("%d events", n)
		}
		r := open(t, to)
		again, err := r.OpenLive(0)
		if err != nil {
			t.Fatal(err)
		}
		putOne(t, again)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func putOne(t *testing.T, l *app.Live) {
	t.Helper()
	err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: clock, Data: []byte("<38>Dec 10 09:32:20 gw-1 sshd[24680]: Failed password for admin from 203.0.113.4 port 38926 ssh2\n")})
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged spool is told by file and kind, and looking at it changes nothing.
func TestDoctorTellsADamagedSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	a := open(t, dir)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		putOne(t, l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "spool", "*.seg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	aside := filepath.Join(dir, "spool", "aside")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	f := func(content []byte, state api.State, want ...string) {
		t.Helper()
		if err := os.WriteFile(files[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		c := check(app.Examine(t.Context(), app.Config{Dir: dir}, false), "spool")
		for _, w := range want {
			if !strings.Contains(c.Text+" -> "+c.Do, w) {
				t.Errorf("%+v says nothing of %q", c, w)
			}
		}
		if c.State != state {
			t.Errorf("%+v", c)
		}
		if now, err := os.ReadFile(files[0]); err != nil || string(now) != string(content) {
			t.Error("looking at it changed it")
		}
	}
	f(whole, api.Warning, "4 payloads", "oldest came at")
	f(whole[:len(whole)-3], api.Warning, "3 payloads", "cut off at the next start")
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/3] ^= 4
	f(flipped, api.Problem, "1 payloads with a wrong checksum", filepath.Base(files[0]), "check the disk")
	f([]byte("what is this, then"), api.Problem, "cannot be read", "before the next start")
	cursor := filepath.Join(dir, "spool", "cursor.json")
	if err := os.WriteFile(cursor, []byte("}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(whole, api.Problem, "cursor.json", "remove")
	if err := os.Remove(cursor); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aside, "spool-x-00000000000000000007.rec"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := check(app.Examine(t.Context(), app.Config{Dir: dir}, false), "set aside"); c.State != api.Warning || !strings.HasPrefix(c.Text, "1 payload (1 ") {
		t.Errorf("%+v", c)
	}
	if _, err := flow.InspectSpool(filepath.Join(dir, "spool"), 0); err != nil {
		t.Error(err)
	}
}
