package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/store/duckdb"
)

// What the child process of a test is told by its environment.
const (
	childDir  = "VEDETTE_TEST_CHILD_DIR"
	childSeed = "VEDETTE_TEST_CHILD_SEED"
	childMode = "VEDETTE_TEST_CHILD_MODE"
	childLoad = "VEDETTE_TEST_CHILD_LOAD" // how long a load of batches may be open; empty: as long as always
)

func TestMain(m *testing.M) {
	if dir, listen := os.Getenv(childDir), os.Getenv(childListen); dir != "" && listen != "" {
		if err := serveBroker(dir, listen); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir, broker := os.Getenv(childDir), os.Getenv(childBroker); dir != "" && broker != "" {
		if err := subscriber(dir, broker); err != nil {
			fmt.Println("error", err)
		}
		os.Exit(1)
	}
	if dir := os.Getenv(childDir); dir != "" {
		seed, _ := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
		if err := child(dir, seed, os.Getenv(childMode)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// How many events the two logs of a life have, one more than what is stored in one
// load at most.
const (
	torturedConns  = 140_000
	torturedLogins = 60_000
	tortured       = torturedConns + torturedLogins
)

// halfLoad is how many records are read and not acknowledged when at least two
// batches of 10 240 are in a load that is open: one more is about to join it, one is
// judged, and one is read.
const halfLoad = 50_000

// tortureLogs are a Zeek log in JSON and a syslog, over some days each.
func tortureLogs() map[string][]byte {
	var sys bytes.Buffer
	for i := range torturedLogins {
		at := time.Unix(1772350000, 0).UTC().Add(time.Duration(i) * 7 * time.Second)
		fmt.Fprintf(&sys, "<38>1 %s gw%d sshd %d - - Failed password for root from 203.0.113.%d port %d ssh2\n", at.Format(time.RFC3339), i%5, i, i%200, 1024+i%60000)
	}
	return map[string][]byte{"conn.log": conns(torturedConns, true), "auth.log": sys.Bytes()}
}

// reading tells how many lines of a log were read.
type reading struct {
	log         *bytes.Reader
	name        string
	lines, told int
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.log.Read(p)
	if r.lines += bytes.Count(p[:n], []byte{'\n'}); r.lines >= r.told+5000 {
		r.told = r.lines
		fmt.Println("read", r.name, r.lines)
	}
	return n, err
}

// child is the product at work until it is killed: it takes both logs in and
// says what it has read, and after each commit what is acknowledged, while a second
// goroutine seals, asks, checks and backs up.
func child(dir string, seed uint64, mode string) error {
	if mode == pouring {
		return pour(dir)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	name := ""
	cfg := app.Config{
		Dir: dir, Now: func() time.Time { return time.Unix(1772350000, 0).AddDate(0, 0, 9) }, Store: duckdb.Options{MinSealedRows: 200, Threads: 1},
		Acknowledged: func(n int) { fmt.Println("ack", name, n) },
	}
	a, err := app.Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	if d, err := time.ParseDuration(os.Getenv(childLoad)); err == nil {
		a.SetLoadFor(d)
	}
	fmt.Println("open")
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, 1)
	if mode != "alone" {
		wg.Go(func() { failed <- upkeep(ctx, a, dir, rand.New(rand.NewPCG(seed, 2))) })
	}
	logs := tortureLogs()
	names := []string{"conn.log", "auth.log"}
	rng.Shuffle(2, func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name = range names {
		if _, err := a.IngestStream(context.Background(), &reading{log: bytes.NewReader(logs[name]), name: name}, name, "", time.Unix(1772350000, 0)); err != nil {
			return err
		}
	}
	cancel()
	wg.Wait()
	if mode != "alone" {
		if err := <-failed; err != nil {
			return err
		}
	}
	fmt.Println("done")
	return a.Close()
}

// upkeep does what a server and its people do meanwhile.
func upkeep(ctx context.Context, a *app.App, dir string, rng *rand.Rand) error {
	var last int64
	for i := 0; ctx.Err() == nil; i++ {
		var err error
		switch rng.IntN(5) {
		case 0, 1:
			_, err = a.Maintain(ctx)
		case 2:
			to := fmt.Sprintf("%s-backup-%d-%d", dir, os.Getpid(), i) // a killed one may have left its own
			if _, err = a.Backup(ctx, to); err == nil {
				err = errors.Join(os.Rename(to, to+".gone"), os.RemoveAll(to+".gone"))
			}
		case 3:
			_, err = a.Check(ctx, false)
		default:
			table, asked := a.Query(ctx, "| count, distinct(metadata.uid)", clock)
			if err = asked; err != nil {
				break
			}
			n := table.Rows[0][0].(int64)
			if n != table.Rows[0][1] || n < last {
				return fmt.Errorf("%v events, %d before", table.Rows[0], last)
			}
			last = n
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// life is one data directory from its first event to its last, and the kills
// on its way.
type life struct {
	t     *testing.T
	dir   string
	rng   *rand.Rand
	acked map[string]int // by log, the most that was ever acknowledged
	kills int
	half  int // of them, those with halfLoad read and not acknowledged

	name string // of the log that the child reads
	read int    // how much it has read of it

	whole, partial int // backups that were left
	done           bool
}

// unacked is how much the child has read that was never acknowledged.
func (l *life) unacked() int { return l.read - l.acked[l.name] }

// end is when a round ends: at a moment of the clock, opening included; in the
// middle of what follows an acknowledgement; or in the middle of a load.
type end struct {
	load  time.Duration // how long a load may be open; 0: each batch is one
	lines int           // so many acknowledgements; 0: it does not go by them
	read  int           // so much is read and not acknowledged; 0: likewise
	after time.Duration // and so much later
}

func (l *life) end() end {
	short := time.Duration(max(0, l.rng.IntN(800)-200)) * time.Millisecond
	later := time.Duration(l.rng.IntN(60)) * time.Millisecond
	switch l.rng.IntN(3) {
	case 0:
		return end{load: short, after: time.Duration(l.rng.IntN(1200)) * time.Millisecond}
	case 1:
		return end{load: short, lines: 1 + l.rng.IntN(6), after: later}
	default:
		return end{load: time.Hour, read: halfLoad + l.rng.IntN(halfLoad), after: later}
	}
}

// round runs the child and kills it at a random moment, or sees it end.
func (l *life) round() {
	l.t.Helper()
	cmd := exec.Command(os.Args[0])
	end := l.end()
	cmd.Env = append(os.Environ(), childDir+"="+l.dir, childSeed+"="+strconv.FormatUint(l.rng.Uint64(), 10), childLoad+"="+end.load.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() } // it may have ended
	var timer *time.Timer
	if end.lines+end.read == 0 {
		timer = time.AfterFunc(end.after, kill)
	}
	seen := 0
	l.name, l.read = "", 0
	in := bufio.NewScanner(out)
	for in.Scan() {
		if l.line(in.Text(), &complaints) {
			seen++
		}
		if timer == nil && (end.lines > 0 && seen == end.lines || end.read > 0 && l.unacked() >= end.read) {
			timer = time.AfterFunc(end.after, kill)
		}
	}
	err = cmd.Wait()
	if timer != nil {
		timer.Stop()
	}
	switch {
	case l.done:
	case err != nil && strings.Contains(err.Error(), "killed"):
		if l.kills++; l.unacked() >= halfLoad {
			l.half++
		}
	default:
		l.t.Fatalf("the child ended by itself: %v %s", err, complaints.String())
	}
}

// line takes what the child says, and reports whether it acknowledges.
func (l *life) line(text string, complaints io.Reader) (acked bool) {
	l.t.Helper()
	switch text {
	case "open":
		return false
	case "done":
		l.done = true
		return false
	}
	var name string
	var n int
	if _, err := fmt.Sscanf(text, "read %s %d", &l.name, &l.read); err == nil {
		return false
	}
	if _, err := fmt.Sscanf(text, "ack %s %d", &name, &n); err != nil {
		why, _ := io.ReadAll(complaints)
		l.t.Fatalf("the child says %q %s", text, why)
	}
	l.acked[name] = max(l.acked[name], n)
	return true
}

// check opens the directory in this process and holds it against what was
// acknowledged.
func (l *life) check() {
	l.t.Helper()
	l.backups()
	if _, err := os.Stat(l.dir); errors.Is(err, fs.ErrNotExist) && len(l.acked) == 0 && !l.done {
		return // killed before it made its directory
	}
	for _, c := range app.Examine(l.t.Context(), app.Config{Dir: l.dir}, l.rng.IntN(4) == 0) {
		if c.State == "problem" && c.Name != "disk" {
			l.t.Errorf("after a kill doctor sees: %+v", c)
		}
	}
	a, err := app.Open(l.t.Context(), app.Config{Dir: l.dir, Now: func() time.Time { return clock }})
	if err != nil {
		l.t.Fatalf("after a kill: %v", err)
	}
	got, err := a.Query(l.t.Context(), "| count, distinct(metadata.uid)", clock)
	if err != nil {
		l.t.Fatal(err)
	}
	floor := int64(l.acked["conn.log"] + l.acked["auth.log"])
	n := got.Rows[0][0].(int64)
	if n < floor || n != got.Rows[0][1] || n > tortured || l.done && n != tortured {
		l.t.Fatalf("acknowledged %v, stored %v, done %v", l.acked, got.Rows[0], l.done)
	}
	knowsDevices(l.t, a)
	if l.done {
		for name, log := range tortureLogs() {
			if sum, err := a.IngestStream(l.t.Context(), bytes.NewReader(log), name, "", time.Unix(1772350000, 0)); err != nil || sum.Stored != 0 {
				l.t.Errorf("%s again: %+v, %v", name, sum, err)
			}
		}
	}
	if err := a.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// TestTorture kills the product at random moments of its work, many times, and
// finds every acknowledged event again, once. VEDETTE_TORTURE is how many kills
// (default 50), VEDETTE_SEED makes a run the same as an earlier one up to the
// clock, VEDETTE_TORTURE_LOG a file that gets a line with the result.
func TestTorture(t *testing.T) {
	if raceDetector && os.Getenv("VEDETTE_TORTURE") == "" {
		t.Skip("the killed processes would run with the race detector too, which takes ten times as long: make test runs this test once more without it")
	}
	if testing.Short() {
		t.Skip("kills take their time")
	}
	want, seed := 50, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("VEDETTE_TORTURE")); err == nil && n > 0 {
		want = n
	}
	if n, err := strconv.ParseUint(os.Getenv("VEDETTE_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("VEDETTE_SEED=%d", seed)
	started, rng := time.Now(), rand.New(rand.NewPCG(seed, 0))
	kills, half, lives, unchecked, whole, partial := 0, 0, 0, 0, 0, 0
	for kills < want {
		l := &life{t: t, dir: filepath.Join(t.TempDir(), "d"), rng: rng, acked: map[string]int{}}
		for !l.done && kills+l.kills < want {
			l.round()
			if !l.done && rng.IntN(4) == 0 { // the next child finds what the kill left
				unchecked++
				continue
			}
			l.check()
		}
		if l.done {
			lives++
		} else { // go on to the end with the same logs
			last, err := runChild(l.dir, "", "")
			if err != nil {
				t.Fatalf("%v: %s", err, last)
			}
			l.done = true
			l.check()
			lives++
		}
		kills, half, whole, partial = kills+l.kills, half+l.half, whole+l.whole, partial+l.partial
		_ = os.RemoveAll(l.dir)
	}
	result := fmt.Sprintf("seed %d: %d kills, %d of them in the middle of a load of several batches, %d not looked at before the next start, %d directories filled with %d events each; backups left by kills: %d unfinished and called so, %d whole and restored; %.0f s", seed, kills, half, unchecked, lives, tortured, partial, whole, time.Since(started).Seconds())
	t.Log(result)
	if half == 0 && kills >= 20 {
		t.Error("no kill came into the middle of a load of several batches, so this tests too little")
	}
	if path := os.Getenv("VEDETTE_TORTURE_LOG"); path != "" {
		if err := os.WriteFile(path, []byte(result+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// backups looks at what backups the kill has left: one that looks whole is.
func (l *life) backups() {
	l.t.Helper()
	left, err := filepath.Glob(l.dir + "-backup-*")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, path := range left {
		if filepath.Ext(path) == "" {
			l.whole++
			target := l.dir + "-restored"
			if _, err := app.RestoreBackup(l.t.Context(), app.Config{Dir: target}, app.Restore{Backup: path}); err != nil {
				l.t.Errorf("a backup that looks whole: %v", err)
			}
			if err := os.RemoveAll(target); err != nil {
				l.t.Error(err)
			}
		} else {
			l.partial++
		}
		if err := os.RemoveAll(path); err != nil {
			l.t.Error(err)
		}
	}
}

// runChild lets a child come to its end.
func runChild(dir, mode, load string) (string, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childSeed+"=1", childMode+"="+mode, childLoad+"="+load)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
