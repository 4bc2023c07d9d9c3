package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/store/disk"
)

// checks judges the facts, in the order in which they are told.
func (f facts) checks() []api.Check {
	out := []api.Check{f.eventsCheck()}
	if f.eventsErr == nil {
		out = append(out, f.sealedCheck(), f.unlistedCheck())
	}
	out = append(out, f.recordsCheck())
	if f.recordsErr == nil {
		out = append(out, f.devicesCheck())
	}
	out = append(out, f.journalCheck())
	if f.eventsErr == nil {
		out = append(out, f.clocksCheck())
	}
	return append(out, f.spoolCheck(), f.asideCheck(), f.maintenanceCheck(), f.versionCheck(), f.copiesCheck())
}

// failed words a part that could not be looked at. A part that is not there is
// no problem while nothing else is.
func failed(name string, err error) api.Check {
	text, hint := fault.Public(err)
	if fault.KindOf(err) == fault.NotFound {
		return api.Check{Name: name, State: api.Warning, Text: text, Do: "nothing, if nothing was stored yet; otherwise: vedette restore BACKUP --replace"}
	}
	if hint == "" {
		hint = "go back to a backup with: vedette restore BACKUP --replace"
	}
	return api.Check{Name: name, State: api.Problem, Text: text, Do: hint}
}

func (f facts) eventsCheck() api.Check {
	if f.eventsErr != nil {
		return failed("events", f.eventsErr)
	}
	r := f.events
	text := fmt.Sprintf("%d events, %d of them in the hot database and the others in %d sealed days", r.Events, r.Hot, len(r.Days))
	if !r.Oldest.IsZero() {
		text += fmt.Sprintf("; from %s to %s", r.Oldest.Format(time.RFC3339), r.Newest.Format(time.RFC3339))
	}
	return api.Check{Name: "events", State: api.OK, Text: text}
}

func (f facts) sealedCheck() api.Check {
	if len(f.events.Problems) == 0 {
		return api.Check{Name: "sealed days", State: api.OK, Text: "all files are there and hold what was written"}
	}
	var parts []string
	for _, p := range f.events.Problems {
		parts = append(parts, p.Path+": "+p.Text)
	}
	return api.Check{
		Name: "sealed days", State: api.Problem, Text: strings.Join(parts, "; "),
		Do: "put the file back from the folder events/sealed of a backup, or go back to a whole backup with: vedette restore BACKUP --replace",
	}
}

func (f facts) unlistedCheck() api.Check {
	c := api.Check{Name: "other files", State: api.OK, Text: "no files that nothing lists"}
	if len(f.events.Unlisted) > 0 {
		c.State = api.Warning
		c.Text = fmt.Sprintf("%d files that nothing lists: %s", len(f.events.Unlisted), shortList(f.events.Unlisted))
		c.Do = "those that end in .aside could not be used and are kept for you: look at them, then delete them; leave what ends in .parquet or .tmp to the next start"
	}
	return c
}

// shortList names a few of many.
func shortList(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (f facts) recordsCheck() api.Check {
	switch {
	case f.recordsErr != nil:
		return failed("records", f.recordsErr)
	case f.records.Problem != "":
		return api.Check{Name: "records", State: api.Problem, Text: recordsName + " is damaged: " + f.records.Problem, Do: "go back to a backup with: vedette restore BACKUP --replace"}
	}
	return api.Check{Name: "records", State: api.OK, Text: fmt.Sprintf("%d records, the file is whole", f.records.Records)}
}

func (f facts) devicesCheck() api.Check {
	if f.unreadable > 0 {
		return api.Check{Name: "devices", State: api.Problem, Text: fmt.Sprintf("%d devices cannot be read", f.unreadable), Do: "they are left out; import them again with: vedette devices import, or go back to a backup"}
	}
	return api.Check{Name: "devices", State: api.OK, Text: "all devices can be read"}
}

func (f facts) journalCheck() api.Check {
	const name = "audit journal"
	switch {
	case f.journalErr != nil:
		return failed(name, f.journalErr)
	case !f.journal.OK:
		return api.Check{Name: name, State: api.Problem, Text: fmt.Sprintf("line %d: %s", f.journal.Line, f.journal.Problem), Do: "keep the file as evidence: move " + filepath.Join(f.dir, journalName) + " away, and a new journal begins"}
	case f.journal.Torn > 0 && !f.live:
		return api.Check{Name: name, State: api.OK, Text: fmt.Sprintf("%d entries, the chain is whole; a last line that a crash cut off is taken off at the next start", f.journal.Entries)}
	}
	return api.Check{Name: name, State: api.OK, Text: fmt.Sprintf("%d entries, the chain is whole", f.journal.Entries)}
}

// suspectShare is the share of doubtful times in percent from which it is a warning.
const suspectShare = 10

func (f facts) clocksCheck() api.Check {
	c := api.Check{Name: "clocks", State: api.OK, Text: "no event has a doubtful time"}
	r := f.events
	if r.Events > 0 && r.Suspect > 0 {
		share := 100 * float64(r.Suspect) / float64(r.Events)
		c.Text = fmt.Sprintf("%d events (%.1f %%) have a time that cannot be trusted", r.Suspect, share)
		if share >= suspectShare {
			c.State, c.Do = api.Warning, "set the clocks of the devices that send them; see: vedette query 'metadata.clock_suspect=true | by device count'"
		}
	}
	if r.Newest.After(f.now.Add(oneDay)) {
		c.State, c.Text = api.Warning, fmt.Sprintf("%s; the newest event (%s) is after this machine's clock (%s)", c.Text, r.Newest.Format(time.RFC3339), f.now.UTC().Format(time.RFC3339))
		c.Do = "check this machine's clock"
	}
	return c
}

// overdue is after how long a server should have maintained its directory.
const overdue = 12 * MaintainEvery

func (f facts) maintenanceCheck() api.Check {
	c := api.Check{Name: "maintenance", State: api.OK}
	up, err := lastUpkeep(f.dir)
	switch {
	case err != nil:
		c.State, c.Text, c.Do = api.Warning, "what it did last cannot be read: "+err.Error(), "run: vedette maintain"
	case up.At.IsZero():
		c.Text = "it has not run yet; vedette serve runs it every few minutes, vedette maintain once"
	case up.Error != "":
		c.State, c.Text = api.Problem, fmt.Sprintf("it failed at %s: %s", up.At.Format(time.RFC3339), up.Error)
		c.Do = "see to the cause and run: vedette maintain"
	case up.Warning != "":
		c.State, c.Text, c.Do = api.Warning, up.Warning, "raise retention.disk in the configuration, or free space"
	case f.live && f.now.Sub(up.LastGood) > overdue:
		c.State, c.Text, c.Do = api.Warning, "it last ended well at "+up.LastGood.Format(time.RFC3339), "run: vedette maintain"
	default:
		c.Text = fmt.Sprintf("last run at %s: %d days sealed, %d dropped", up.At.Format(time.RFC3339), up.Sealed.Days, up.TooOld.Days+up.TooLarge.Days)
	}
	if f.retention.Events > 0 {
		c.Text += fmt.Sprintf("; events are kept %d days", int(f.retention.Events/oneDay))
	}
	if f.retention.Disk > 0 {
		c.Text += ", the directory up to " + bytesText(uint64(f.retention.Disk))
	}
	return c
}

func (f facts) versionCheck() api.Check {
	c := api.Check{Name: "versions", State: api.OK, Text: fmt.Sprintf("program %s, event store %d, records %d", Version(), f.events.Version, f.records.Version)}
	newer := f.events.Version > f.events.Known || f.records.Version > f.records.Known
	older := f.eventsErr == nil && f.events.Version < f.events.Known || f.recordsErr == nil && f.records.Version < f.records.Known
	switch {
	case newer:
		c.State, c.Do = api.Problem, "the directory was written by a newer version: use that one"
	case older:
		c.Text += "; the next start brings them up to date and keeps a copy of before"
	}
	return c
}

func (f facts) copiesCheck() api.Check {
	kept := filepath.Join(f.dir, keptName)
	hot, err1 := disk.Kept(kept, "hot.duckdb")
	rec, err2 := disk.Kept(kept, recordsName)
	all := append(hot, rec...)
	if err1 != nil || err2 != nil || len(all) == 0 {
		return api.Check{Name: "copies", State: api.OK, Text: "no copies from before a change of layout are kept"}
	}
	return api.Check{Name: "copies", State: api.OK, Text: "kept from before a change of layout: " + shortList(all)}
}

func bytesText(n uint64) string {
	for _, u := range []struct {
		name string
		size uint64
	}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
