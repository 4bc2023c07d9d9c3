package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/netip"
	"slices"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
)

// layout is the order of the events table's columns: what to write where.
type layout struct {
	names []string
	cells []cell
}

// cell says what goes into one column.
type cell struct {
	content content
	slot    event.Slot
}

type content uint8

const (
	empty content = iota // a column of another version
	field
	keyHigh
	keyLow
	document
	stored
)

func newLayout(cols []columnDef) layout {
	known := map[string]cell{query.DocumentColumn: {content: document}, storedColumn: {content: stored}}
	for _, f := range event.Fields() {
		if f.Store != event.InColumn {
			continue
		}
		known[f.Name] = cell{field, f.Slot}
		if f.Kind == event.IP {
			hi, lo := query.KeyColumns(f.Name)
			known[hi], known[lo] = cell{keyHigh, f.Slot}, cell{keyLow, f.Slot}
		}
	}
	var l layout
	for _, c := range cols {
		l.names = append(l.names, c.name)
		l.cells = append(l.cells, known[c.name])
	}
	return l
}

// fingerprint tells files of different layouts apart.
func (l layout) fingerprint() string {
	names := slices.Clone(l.names)
	slices.Sort(names)
	return event.SourceID([]byte(strings.Join(names, ","))) // the first 4 KiB of names tell versions apart
}

// distinct returns the batch in canonical form without repeats, in the order
// of time, which keeps the time ranges of DuckDB's row groups narrow.
func (s *Store) distinct(batch []*event.Event) []*event.Event {
	seen := make(map[string]bool, len(batch))
	fresh := make([]*event.Event, 0, len(batch))
	for _, e := range batch {
		c := store.Canonical(e, s.taken)
		if uid := c.MetadataUID(); !seen[uid] {
			seen[uid] = true
			fresh = append(fresh, c)
		}
	}
	slices.SortStableFunc(fresh, func(a, b *event.Event) int { return a.TimeField().Compare(b.TimeField()) })
	return fresh
}

// countExtras adds the batch's names of extras to the extras table, which
// holds sums per batch until Seal or the next opening adds them up.
func countExtras(ctx context.Context, conn *sql.Conn, batch []*event.Event) error {
	counts := map[string]int64{}
	for _, e := range batch {
		for _, x := range e.Extras() {
			counts[x.Name]++
		}
	}
	if len(counts) == 0 {
		return nil
	}
	names, sums := make([]string, 0, len(counts)), make([]int64, 0, len(counts))
	for name, n := range counts {
		names, sums = append(names, name), append(sums, n)
	}
	_, err := conn.ExecContext(ctx, `INSERT INTO extras SELECT unnest(CAST(? AS VARCHAR[])), unnest(CAST(? AS BIGINT[]))`, names, sums)
	return err
}

// used is the layout without the columns that no event of the batch has a
// value for: writing that a value is missing costs the engine as much as
// writing one, and most columns are missing in most batches.
func (l layout) used(batch []*event.Event) layout {
	var has [event.NumSlots]bool
	for _, e := range batch {
		for _, slot := range e.Slots() {
			has[slot] = true
		}
	}
	var out layout
	for i, c := range l.cells {
		switch c.content {
		case empty:
		case field, keyHigh, keyLow:
			if has[c.slot] {
				out.names, out.cells = append(out.names, l.names[i]), append(out.cells, c)
			}
		case document, stored:
			out.names, out.cells = append(out.names, l.names[i]), append(out.cells, c)
		}
	}
	return out
}

// fill appends an event's row. doc is memory to build the document in.
func (l layout) fill(row []driver.Value, doc []byte, e *event.Event, now time.Time) ([]driver.Value, []byte, error) {
	for _, c := range l.cells {
		var v driver.Value
		switch c.content {
		case field:
			if e.Has(c.slot) {
				v = e.Any(c.slot)
			}
		case keyHigh, keyLow:
			if e.Has(c.slot) {
				v = addressKey(e.Str(c.slot), c.content)
			}
		case document:
			if doc = store.AppendDocument(doc, e); len(doc) > 0 {
				v = string(doc)
			}
		case stored:
			v = now
		case empty:
		}
		row = append(row, v)
	}
	return row, doc, nil
}

func addressKey(text string, half content) driver.Value {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return nil // a canonical event has no such address
	}
	hi, lo := query.AddressKeys(addr)
	if half == keyHigh {
		return hi
	}
	return lo
}

// PutDevices implements [store.Events].
func (s *Store) PutDevices(ctx context.Context, devices []store.Device) error {
	const doing = "storing devices"
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := store.CheckDevices(devices); err != nil || len(devices) == 0 {
		return err
	}
	last := map[string]store.Device{}
	var uids []string
	for _, d := range devices {
		c := store.CleanDevice(d)
		if _, again := last[c.UID]; !again {
			uids = append(uids, c.UID)
		}
		last[c.UID] = c
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.inTransaction(ctx, s.writer, doing, func() error {
		if _, err := s.writer.ExecContext(ctx, `DELETE FROM devices WHERE uid IN (SELECT unnest(CAST(? AS VARCHAR[])))`, uids); err != nil {
			return err
		}
		return s.writer.Raw(func(conn any) error {
			dc, ok := conn.(driver.Conn)
			if !ok {
				return driver.ErrBadConn
			}
			app, err := duck.NewAppenderWithColumns(dc, "", "", "devices", deviceNames())
			if err != nil {
				return err
			}
			for _, uid := range uids {
				if err = app.AppendRow(deviceRow(last[uid])...); err != nil {
					break
				}
			}
			if closing := app.CloseWithCancel(ctx); err == nil {
				err = closing
			}
			return err
		})
	})
}

func deviceNames() []string {
	var names []string
	for _, c := range deviceColumns() {
		names = append(names, c.name)
	}
	return names
}

// deviceRow is a device in the order of deviceColumns; empty is missing.
func deviceRow(d store.Device) []driver.Value {
	texts := func(row []driver.Value, list ...string) []driver.Value {
		for _, v := range list {
			if v == "" {
				row = append(row, nil)
			} else {
				row = append(row, v)
			}
		}
		return row
	}
	row := texts(nil, d.UID, d.Name, d.Type, d.Vendor, d.Model, d.Firmware, d.Zone, d.Level, d.Criticality, d.Owner)
	for _, v := range [][]string{d.IPs, d.MACs} {
		if len(v) == 0 {
			row = append(row, nil)
		} else {
			row = append(row, v)
		}
	}
	for _, v := range []time.Time{d.FirstSeen, d.LastSeen} {
		if v.IsZero() {
			row = append(row, nil)
		} else {
			row = append(row, v)
		}
	}
	row = texts(row, d.Serial, d.OS, d.State, d.Location)
	row = append(row, d.Evidence)
	return texts(row, d.AliasOf)
}
