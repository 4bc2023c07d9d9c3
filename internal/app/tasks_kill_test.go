package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/fault"
	"vedette/internal/vuln/task"
)

// What the child that works on tasks is told by its environment.
const (
	childTasks    = "VEDETTE_TEST_TASKS_DIR"
	childTaskSeed = "VEDETTE_TEST_TASKS_SEED"
	taskDevices   = 60
)

// TestTasksSurviveKills kills a process that works on tasks at random moments, 24
// times: what it said was kept is there, once, in the book or in the archive.
func TestTasksSurviveKills(t *testing.T) {
	if dir := os.Getenv(childTasks); dir != "" {
		seed, _ := strconv.ParseUint(os.Getenv(childTaskSeed), 10, 64)
		workOnTasks(t, dir, rand.New(rand.NewPCG(seed, 3)))
		return
	}
	if raceDetector && os.Getenv("VEDETTE_TORTURE") == "" {
		t.Skip("a child under the race detector is slow; VEDETTE_TORTURE=1 runs it all the same")
	}
	p := newPlant(t, taskDevices)
	rng := rand.New(rand.NewPCG(uint64(p.now.Unix()), 4))
	acked := map[string]ackedTask{} // by uid
	gone, archived, verified, updates, returned := 0, 0, 0, 0, 0
	for kill := range 24 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		runUntilKilled(t, p.cfg.Dir, rng, acked)
		p.open()
		have := map[string]api.RemediationView{}
		list, err := p.Remediations(t.Context(), api.RemediationFilter{})
		if err != nil {
			t.Fatal(err)
		}
		archived, verified = 0, 0
		for _, v := range list {
			if _, twice := have[v.UID]; twice {
				t.Fatalf("kill %d: %s is there twice", kill, v.UID)
			}
			for _, h := range v.History {
				if h.What == "reopened" && h.At.Sub(v.Opened) > task.ArchiveAfter {
					returned++
					break
				}
			}
			if have[v.UID] = v; v.Archived {
				if archived++; v.State != task.Verified {
					t.Errorf("kill %d: %s lies in the archive and is %s", kill, v.UID, v.State)
				}
			} else if v.State == task.Verified {
				verified++
			}
		}
		for uid, was := range acked {
			v, ok := have[uid]
			switch {
			case was.gone && ok:
				t.Errorf("kill %d: %s was taken back, and is there again", kill, uid)
			case was.gone || was.leaving && !ok:
				gone++
			case !ok || v.Changes < was.changes:
				t.Errorf("kill %d: of %s %d changes were kept, %v %d are there", kill, uid, was.changes, ok, v.Changes)
			}
		}
		updates += p.saidOnce()
		checks, err := p.Check(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			if c.State == api.Problem && c.Name != "disk" || c.Name == "remediation" && strings.Contains(c.Text, "cannot be read") {
				t.Errorf("kill %d: doctor sees %+v", kill, c)
			}
		}
		// The next life begins later than this one ended.
		for _, v := range list {
			if n := len(v.History); n > 0 && v.History[n-1].At.After(p.now) {
				p.now = v.History[n-1].At
			}
		}
		p.now = p.now.Add(time.Hour)
		if err := os.WriteFile(p.cfg.Dir+".now", []byte(p.now.Format(time.RFC3339Nano)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d tasks told as kept, %d verified and in the book, %d in the archive", len(acked), verified, archived)
	if updates == 0 || returned == 0 {
		t.Errorf("%d firmwares changed, %d times a task of the archive was seen open again", updates, returned)
	}
	if len(acked) < 10 || archived == 0 {
		t.Errorf("the lives were too short to tell anything: %d tasks, %d in the archive", len(acked), archived)
	}
}

// saidOnce holds the changes of firmware that are events against those that the
// history of each device has, and returns how many there are.
func (p *plantOf) saidOnce() int {
	p.Helper()
	if _, err := p.Maintain(p.Context()); err != nil {
		p.Fatal(err)
	}
	all, n := map[string]int{}, 0
	got, err := p.Query(p.Context(), `software_inventory previous_version exists last 7300d | select device.uid, time, previous_version, version | limit 10000`, p.now.AddDate(5, 0, 0))
	if err != nil {
		p.Fatal(err)
	}
	for _, r := range got.Rows {
		all[fmt.Sprint(r...)]++
	}
	for key, times := range all {
		if times != 1 {
			p.Errorf("the change %s is stored %d times", key, times)
		}
	}
	list, err := p.Devices(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	for _, d := range list {
		for _, r := range d.Firmware {
			if r.Before == "" {
				continue
			}
			if n++; all[fmt.Sprint(d.UID, r.From, r.Before, r.Version)] != 1 {
				p.Errorf("of %s the change from %s to %s at %s is no event: %v", d.UID, r.Before, r.Version, r.From, all)
			}
		}
	}
	return n
}

type ackedTask struct {
	changes       int
	gone, leaving bool
}

func runUntilKilled(t *testing.T, dir string, rng *rand.Rand, acked map[string]ackedTask) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTasksSurviveKills$")
	cmd.Env = append(os.Environ(), childTasks+"="+dir, childTaskSeed+"="+strconv.FormatUint(rng.Uint64(), 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() } // it may have ended
	// One in four dies while it opens or soon after, the others at work.
	lines, after := 1+rng.IntN(25), time.Duration(rng.IntN(40))*time.Millisecond
	if rng.IntN(4) == 0 {
		lines, after = 0, time.Duration(rng.IntN(700))*time.Millisecond
		time.AfterFunc(after, kill)
	}
	seen, in := 0, bufio.NewScanner(out)
	for in.Scan() {
		var uid, what string
		var changes int
		if _, err := fmt.Sscanf(in.Text(), "task %s %s %d", &uid, &what, &changes); err != nil {
			rest, _ := io.ReadAll(out)
			t.Fatalf("the child says %q %s %s", in.Text(), rest, complaints.String())
		}
		switch was := acked[uid]; what {
		case "gone":
			acked[uid] = ackedTask{gone: true}
		case "leaving": // it is taking back what opened it: gone or not
			was.leaving = true
			acked[uid] = was
		default:
			acked[uid] = ackedTask{changes: changes}
		}
		if seen++; seen == lines {
			time.AfterFunc(after, kill)
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v %s", err, complaints.String())
	}
}

// workOnTasks opens, changes, closes and takes back tasks until it is killed, and
// says after each what was kept.
func workOnTasks(t *testing.T, dir string, rng *rand.Rand) {
	p := &plantOf{T: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	if raw, err := os.ReadFile(dir + ".now"); err == nil {
		p.now, _ = time.Parse(time.RFC3339Nano, string(raw))
	}
	p.cfg = app.Config{Dir: dir, Now: func() time.Time { return p.now }}
	p.open()
	plan, err := p.PlanVulns(t.Context(), api.PlanFilter{})
	list := plan.Rows
	if err != nil || len(list) == 0 {
		t.Fatal(err, list)
	}
	for {
		p.now = p.now.Add(time.Duration(1+rng.IntN(90)) * time.Minute)
		if err := workOnce(p, list[0].ID, rng); err != nil && fault.KindOf(err) != fault.Conflict && fault.KindOf(err) != fault.NotFound {
			t.Fatal(err)
		}
	}
}

func workOnce(p *plantOf, action string, rng *rand.Rand) error {
	n := 1 + rng.IntN(taskDevices)
	switch rng.IntN(7) {
	case 0, 1: // a new one for one device, seen vulnerable again so that there is something to do
		p.seen("2.7", n)
		d, err := p.FindDevice(p.Context(), fmt.Sprint("10.0.0.", n))
		if err != nil {
			return err
		}
		v, err := p.OpenRemediation(p.Context(), api.RemediationOpen{Actor: "ada", Action: action, Subjects: []string{"device:" + d.UID}})
		if err == nil {
			fmt.Println("task", v.UID, "kept", v.Changes)
		}
		return err
	case 2: // devices are mended, and maintenance looks
		p.seen("2.8", n)
		if _, err := p.Maintain(p.Context()); err != nil {
			return err
		}
	case 4: // what was mended long ago, as it may be, is seen with the old firmware again, and somebody looks or not
		p.seen("2.7", n)
		if rng.IntN(2) == 0 {
			return nil
		}
		_, err := p.Maintain(p.Context())
		return err
	case 3: // a season goes by
		if rng.IntN(3) == 0 {
			p.now = p.now.Add(task.ArchiveAfter)
			_, err := p.Maintain(p.Context())
			return err
		}
	}
	list, err := p.Remediations(p.Context(), api.RemediationFilter{State: "active"})
	if err != nil || len(list) == 0 {
		return err
	}
	v := list[rng.IntN(len(list))]
	d := api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "set", Order: task.Order{State: task.Chosen()[rng.IntN(4)]}}
	switch rng.IntN(4) {
	case 0:
		d = api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "note", Text: fmt.Sprint("note ", p.now)}
	case 1:
		if d = (api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "undo"}); v.Before != nil && v.Before.Opened {
			fmt.Println("task", v.UID, "leaving", v.Changes)
		}
	}
	next, err := p.DecideRemediation(p.Context(), d)
	switch {
	case err != nil:
		return err
	case d.Action == "undo" && v.Before != nil && v.Before.Opened:
		fmt.Println("task", v.UID, "gone", 0)
	default:
		fmt.Println("task", v.UID, "kept", next.Changes)
	}
	return nil
}

// TestTasksOnAFullDisk: on a small disk that fills while tasks are worked on, what
// was kept stays, what could not be kept is said, and with room again work goes on.
func TestTasksOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	defer func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			t.Error(err)
		}
	}()
	p := newPlantIn(t, filepath.Join(dir, "data"), 2)
	defer func() { _ = p.Close() }()
	v := p.opened()
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; { // to the last byte
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	kept, failed := v.Changes, error(nil)
	for i := 0; failed == nil && i < 500; i++ {
		p.now = p.now.Add(time.Minute)
		next, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "set", Order: task.Order{State: []task.State{task.Planned, task.InProgress}[i%2], Why: strings.Repeat("x", 3000)}})
		if failed = err; err == nil {
			kept = next.Changes
		}
	}
	if _, hint := fault.Public(failed); fault.KindOf(failed) != fault.Unavailable || hint == "" {
		t.Errorf("after %d changes: %v (%v, hint %q)", kept, failed, fault.KindOf(failed), hint)
	}
	if now, err := p.Remediation(t.Context(), v.UID, nil); err != nil || now.Changes != kept {
		t.Errorf("%v: %d changes are shown, %d were kept", err, now.Changes, kept)
	}
	if _, err := p.Maintain(t.Context()); err == nil {
		t.Log("maintenance found room")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.now = p.now.Add(time.Hour)
	if now, err := p.DecideRemediation(t.Context(), api.RemediationDecision{Actor: "ada", UID: v.UID, Action: "note", Text: "there is room again"}); err != nil || now.Changes != kept+1 {
		t.Errorf("with room again: %v, %d changes, want %d", err, now.Changes, kept+1)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	p.open()
	now, err := p.Remediation(t.Context(), v.UID, nil)
	if err != nil || now.Changes != kept+1 || len(now.Notes) != 1 {
		t.Errorf("opened again: %v, %d changes, want %d", err, now.Changes, kept+1)
	}
	checks, err := p.Check(t.Context(), true)
	for _, c := range checks {
		if c.State == api.Problem && c.Name != "disk" {
			t.Errorf("%+v", c)
		}
	}
	if err != nil || p.Close() != nil {
		t.Error(err)
	}
}
