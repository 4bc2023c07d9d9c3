package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// brokenName is the folder of samples of what parts of the program failed on. They
// hold what devices sent, so they are for the operator's eyes, and in no backup.
const brokenName = "broken"

// The bounds of that folder.
const (
	maxSamples     = 32
	samplesOfAPart = 3
	maxBrokenParts = 256 // names that are counted; further ones together
)

// breakages counts what parts failed, and keeps a few samples. It is safe for
// concurrent use.
type breakages struct {
	dir string

	mu    sync.Mutex
	parts map[string]*brokenPart
}

type brokenPart struct {
	count int64
	kept  int
	last  ingest.Breakage // without its data
}

// Broke implements [ingest.Listener].
func (a *App) Broke(b ingest.Breakage) {
	if b.Time.IsZero() {
		b.Time = a.cfg.Now()
	}
	if l := a.live.Load(); l != nil {
		if at := l.busy.Load(); at != nil && b.Place == "" {
			b.Place = "spool " + strconv.FormatUint(at.seq, 10)
		}
	}
	first, path := a.broken.note(b)
	if first { // the others are counted
		a.cfg.Log.Error("a part of the program failed on a record; it is a fault of ours and was borne", "component", "ingest", "part", b.Part, "source", b.Source, "place", b.Place, "sample", path)
	}
}

// note counts a breakage, and keeps it if there is room.
func (n *breakages) note(b ingest.Breakage) (first bool, path string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := b.Part
	if n.parts[name] == nil && len(n.parts) >= maxBrokenParts {
		name = "others"
	}
	p := n.parts[name]
	if p == nil {
		p = &brokenPart{}
		if n.parts == nil {
			n.parts = map[string]*brokenPart{}
		}
		n.parts[name] = p
	}
	p.count++
	if p.kept < samplesOfAPart && n.dir != "" {
		p.kept++
		path = n.keep(b)
	}
	b.Data = nil
	p.last = b
	return p.count == 1, path
}

// keep writes a sample, under a name that is the same for the same bytes. What
// cannot be written is counted all the same.
func (n *breakages) keep(b ingest.Breakage) string {
	names, err := brokenSamples(n.dir)
	sum := sha256.Sum256([]byte(b.Part + "\x00" + string(b.Data)))
	path := filepath.Join(n.dir, hex.EncodeToString(sum[:8])+".json")
	if _, there := os.Lstat(path); err != nil || len(names) >= maxSamples || there == nil {
		return ""
	}
	raw, err := json.MarshalIndent(b, "", " ")
	if err == nil {
		err = os.MkdirAll(n.dir, 0o700)
	}
	if err == nil {
		err = flow.ReplaceFile(path, append(raw, '\n'))
	}
	if err != nil {
		return ""
	}
	return path
}

func brokenSamples(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// observe lets the registry see an event. An event that it fails on is stored
// without a device.
func (a *App) observe(e *event.Event) {
	defer func() {
		if r := recover(); r != nil {
			a.brokeOn(e, "device identity", r)
		}
	}()
	a.devices.Observe(e)
}

// inspect lets the detectors see an event. An event that one fails on is stored
// without being judged.
func (a *App) inspect(e *event.Event) {
	defer func() {
		if r := recover(); r != nil {
			a.brokeOn(e, "detection", r)
		}
	}()
	a.chain.Inspect(e)
}

// brokeOn tells of a part that failed on an event. It is called by the deferred
// function.
func (a *App) brokeOn(e *event.Event, part string, what any) {
	b := ingest.Broke(part, []byte(e.RawField()), what)
	b.Source = e.MetadataSource()
	a.Broke(b)
}

// brokenCheck tells which parts failed since the start, and what is kept from
// before.
func (a *App) brokenCheck() api.Check {
	n := &a.broken
	n.mu.Lock()
	parts := make([]string, 0, len(n.parts))
	for name, p := range n.parts {
		text := fmt.Sprintf("%s failed %d times, last on %s", name, p.count, p.last.Source)
		if p.last.Place != "" {
			text += " at " + p.last.Place
		}
		parts = append(parts, text+" at "+p.last.Time.UTC().Format(time.RFC3339))
	}
	n.mu.Unlock()
	slices.Sort(parts)
	return brokenFacts(n.dir, parts)
}

func brokenFacts(dir string, parts []string) api.Check {
	c := api.Check{Name: "parsers", State: api.OK, Text: "no part of the program failed on what it read"}
	names, _ := brokenSamples(dir) // what cannot be read is told by the check of the directory
	if len(parts)+len(names) == 0 {
		return c
	}
	c.State = api.Warning
	c.Text = "nothing has failed since the start"
	if len(parts) > 0 {
		c.Text = shortList(parts)
	}
	c.Text += fmt.Sprintf("; %d samples in %s", len(names), dir)
	c.Do = "it is a fault of this program, and the records were kept as they came: report it with a sample (it holds what a device sent, so look first), then delete the samples"
	return c
}

// brokenHealth is the condition of it, without data.
func (a *App) brokenHealth() api.Condition {
	n := &a.broken
	n.mu.Lock()
	defer n.mu.Unlock()
	total := int64(0)
	for _, p := range n.parts {
		total += p.count
	}
	c := api.Condition{Name: "parsers", State: api.Good, Text: "no part failed on what it read"}
	if total > 0 {
		c.State, c.Text = api.Failed, fmt.Sprintf("%d parts of the program failed on %d records, which were kept as they came; vedette doctor names them", len(n.parts), total)
	}
	return c
}
