package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/flow"
)

// slowStore is how old what waits in the spool of a running server may be until it is
// told.
const slowStore = 10 * time.Minute

// spoolCheck tells what is wrong with what live sources received and what is not yet
// stored.
func (f facts) spoolCheck() api.Check {
	c := api.Check{Name: "spool", State: api.OK}
	switch {
	case fault.KindOf(f.spoolErr) == fault.NotFound:
		c.Text = "no live sources have run here"
		return c
	case f.spoolErr != nil:
		return failed(c.Name, f.spoolErr)
	}
	var wrong []string
	torn := int64(0)
	for i, s := range f.spool.Segments {
		name := filepath.Base(s.Path)
		if s.Err != nil {
			wrong = append(wrong, fmt.Sprintf("%s cannot be read: %s", name, s.Err))
		}
		if s.Damaged > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d payloads with a wrong checksum", name, s.Damaged))
		}
		if s.Missing > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d payloads are missing", name, s.Missing))
		}
		if i == len(f.spool.Segments)-1 {
			torn = s.Torn
		}
	}
	c.Text = f.spoolText()
	switch {
	case f.spool.Cursor != nil:
		c.State, c.Text = api.Problem, "the file cursor.json of the spool cannot be read: "+f.spool.Cursor.Error()
		c.Do = "remove " + filepath.Join(f.dir, spoolName, "cursor.json") + ": what is in the spool is then stored again, which no query shows twice"
	case len(wrong) > 0:
		c.State, c.Text = api.Problem, shortList(wrong)+"; "+c.Text
		c.Do = "check the disk and keep a copy of the file: what is whole is stored, the rest is passed over; a file that cannot be read at all must be moved out of " + filepath.Join(f.dir, spoolName) + " before the next start"
	case torn > 0 && !f.live:
		c.Text += fmt.Sprintf("; %d bytes at the end are no whole payload and are cut off at the next start: after a kill or a power cut this was not acknowledged, after damage to the disk it may have been", torn)
	}
	if c.State == api.OK && f.spool.Pending > 0 {
		switch old := f.now.Sub(f.oldest()); {
		case !f.live:
			c.State, c.Do = api.Warning, "vedette serve stores it; its sources need not be there"
		case !f.oldest().IsZero() && old > slowStore:
			c.State, c.Do = api.Warning, "the store is slower than the sources, or does not take it: see the other checks and vedette sources"
		}
	}
	return c
}

func (f facts) spoolText() string {
	r := f.spool
	if r.Pending == 0 {
		return "all that sources received is stored"
	}
	text := fmt.Sprintf("%d payloads (%s) wait to be stored", r.Pending, bytesText(uint64(max(r.Bytes, 0))))
	if at := f.oldest(); !at.IsZero() {
		text += ", the oldest came at " + at.UTC().Format(time.RFC3339)
	}
	return text
}

// oldest is when the first payload that waits came, if it says so.
func (f facts) oldest() time.Time {
	p, err := unpackPayload(f.spool.Oldest)
	if err != nil {
		return time.Time{}
	}
	return p.Received
}

// asideCheck tells of payloads that the program failed on.
func (f facts) asideCheck() api.Check {
	c := api.Check{Name: "set aside", State: api.OK, Text: "no payload is set aside"}
	files, err := asideFiles(filepath.Join(f.dir, spoolName, asideName))
	if err != nil {
		return failed(c.Name, err)
	}
	count, size := 0, int64(0)
	for _, name := range files {
		info, err := os.Lstat(filepath.Join(f.dir, spoolName, name))
		if err == nil && strings.HasSuffix(name, asideEnd) {
			count++
			size += info.Size()
		}
	}
	if count > 0 {
		c.State, c.Text = api.Warning, fmt.Sprintf("%d payloads (%s) that the program failed on are set aside and not stored", count, bytesText(uint64(max(size, 0))))
		if count == 1 {
			c.Text = fmt.Sprintf("1 payload (%s) that the program failed on is set aside and not stored", bytesText(uint64(max(size, 0))))
		}
		c.Do = "report it as told under parsers; vedette spool list names them, and after an upgrade vedette spool replay stores them"
	}
	return c
}

// lookAtSpool inspects the spool, through the one who has it open if there is one.
func (f *facts) lookAtSpool(l *Live) {
	if l != nil {
		f.spool = l.spool.Inspect()
		return
	}
	f.spool, f.spoolErr = flow.InspectSpool(filepath.Join(f.dir, spoolName), 0)
}
