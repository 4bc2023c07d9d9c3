package register

import (
	"bytes"
	"encoding/json"
	"sync"

	"vedette/internal/audit"
)

// decisions are the approvals that the journal holds. They are read when they
// are first needed: most commands never ask.
type decisions struct {
	mu    sync.Mutex
	read  bool
	known map[int64]audit.Entry // by number
}

// maxJournalLine is the longest line that is looked at; approvals are far
// shorter.
const maxJournalLine = 64 << 10

// holds tells whether the journal has the approval of a step.
func (d *decisions) holds(j *audit.Journal, id string, s Step) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.read {
		var w approvals
		if _, err := j.Export(&w); err != nil {
			return false, err
		}
		for _, e := range w.found {
			d.put(e)
		}
		d.read = true
	}
	e, ok := d.known[s.Audit]
	return ok && e.Hash == s.Hash && e.Object == id && e.Details["what"] == s.What && e.Actor.Name == s.By, nil
}

// add notes an approval that was just recorded.
func (d *decisions) add(e audit.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(e)
}

func (d *decisions) put(e audit.Entry) {
	if d.known == nil {
		d.known = map[int64]audit.Entry{}
	}
	d.known[e.Seq] = e
}

// approvals picks the approvals out of a journal that is written to it.
type approvals struct {
	line  []byte
	long  bool // the line is longer than any approval
	found []audit.Entry
}

// Write implements io.Writer.
func (a *approvals) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte{'\n'})
		if a.long = a.long || len(a.line)+len(part) > maxJournalLine; !a.long {
			a.line = append(a.line, part...)
		}
		if ended {
			a.take()
		}
		p = rest
	}
	return n, nil
}

func (a *approvals) take() {
	if !a.long && bytes.Contains(a.line, []byte(`"action":"model.`+actionApprove+`"`)) {
		var e audit.Entry
		if json.Unmarshal(a.line, &e) == nil && e.Action == "model."+actionApprove {
			a.found = append(a.found, e)
		}
	}
	a.line, a.long = a.line[:0], false
}
