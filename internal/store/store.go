// Package store is the narrow waist of the house: events, records and blobs
// behind small interfaces, with one package per engine beneath it and one
// conformance suite (storetest) run on every engine.
//
// It must not know a domain (what a device, rule or incident means) and must
// not leak an engine's language.
package store

import (
	"context"
	"iter"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
)

// Events keeps events and answers queries over them. Implementations are safe
// for concurrent use.
type Events interface {
	// Append stores the events whose metadata.uid is not stored yet. When it
	// returns nil the batch survives a kill of the process. All or none of the
	// batch is stored. It keeps no reference to the events.
	Append(ctx context.Context, batch []*event.Event) (Appended, error)

	// Begin opens a load, for more batches than are worth a transaction each.
	// One load or Append is open at a time; others wait for it, or for ctx.
	Begin(ctx context.Context) (Load, error)

	// Known tells which of the events are stored already, by metadata.uid. What
	// is being appended at the moment may be missing.
	Known(ctx context.Context, batch []*event.Event) (map[string]bool, error)

	// Query runs a validated query ([query.Catalogue.Validate]) whose time
	// range is resolved. It ends with a Limited fault when the query costs
	// more than the engine allows.
	Query(ctx context.Context, q query.Query) (*Result, error)

	// PutDevices inserts or replaces rows of the device table that queries
	// take the fields of kind event.FromDevice from.
	PutDevices(ctx context.Context, devices []Device) error

	// Bounds tells what is stored.
	Bounds(ctx context.Context) (Bounds, error)

	// Close releases the files. It waits for running calls.
	Close() error
}

// Load is a transaction of batches. It is for one goroutine, which ends it with
// Commit or Rollback; after an error of another method only Rollback is left.
type Load interface {
	// Append adds the events whose metadata.uid is neither stored nor in the
	// load. Nobody else sees them before Commit, and a kill takes them. It keeps
	// no reference to the events.
	Append(ctx context.Context, batch []*event.Event) (Appended, error)

	// Full reports whether the engine stores no cheaper what comes in addition.
	Full() bool

	// Commit stores all or none of the load. When it returns nil the load
	// survives a kill of the process. It ends the load in any case.
	Commit(ctx context.Context) error

	// Rollback forgets the load. After Commit it does nothing.
	Rollback()
}

// Tailer is an Events that can follow appends.
type Tailer interface {
	// Tail yields the events appended after the call until ctx ends. A slow
	// consumer misses events; the last element then carries a Limited fault
	// that says how many.
	Tail(ctx context.Context) iter.Seq2[*event.Event, error]
}

// Lister is an Events that keeps which values fields have, so that a large store
// need not be read to list them.
type Lister interface {
	// Values lists the text values of a field of events, the most frequent first, at
	// most so many, with what they count. Complete is false when there are more, or
	// when rare ones may be missing.
	Values(ctx context.Context, field string, most int) (values []query.ValueCount, complete bool, err error)
}

// Appended counts what became of a batch.
type Appended struct {
	Stored     int
	Duplicates int
}

// Result is the answer to a query: cells are nil, string, int64, float64,
// bool, time.Time (UTC) or []string, in the order of Columns.
type Result struct {
	Columns []string
	Rows    [][]any
	Total   int64 // rows or groups there are without the limit
}

// Bounds describes the stored events. Oldest and Newest leave clock-suspect
// events out and are zero when there are none. Extras are the names of
// fields outside the schema that stored events have, most frequent first.
type Bounds struct {
	Events  int64
	Suspect int64
	Oldest  time.Time
	Newest  time.Time
	Extras  []string
}

// Device is one row of the device table: what queries see of a device.
type Device struct {
	UID         string
	Name        string
	Type        string
	Vendor      string
	Model       string
	Firmware    string
	Zone        string
	Level       string
	Criticality string
	Owner       string
	Serial      string
	OS          string
	State       string // new, known, approved, quarantined, silent or retired
	Location    string
	Evidence    int64 // how many reasons there are for what is known
	IPs         []string
	MACs        []string
	FirstSeen   time.Time
	LastSeen    time.Time
	AliasOf     string // the uid of the device that this one was merged into: events find the row, queries of devices do not
}

// DeviceFields are the names of the device table's columns as a query with
// From "devices" sees them, in order, with their kinds.
func DeviceFields() []event.Field {
	f := func(name string, kind event.Kind) event.Field { return event.Field{Name: name, Kind: kind} }
	return []event.Field{
		f("uid", event.String), f("name", event.String), f("type", event.String), f("vendor", event.String),
		f("model", event.String), f("firmware", event.String), f("zone", event.String), f("level", event.String),
		f("criticality", event.String), f("owner", event.String), f("ips", event.List), f("macs", event.List),
		f("first_seen", event.Time), f("last_seen", event.Time), f("serial", event.String), f("os", event.String),
		f("state", event.String), f("location", event.String), f("evidence", event.Int),
	}
}

// Records keeps typed documents: small JSON values under (kind, id) with a
// version for optimistic concurrency. Implementations are safe for concurrent
// use, and a successful write survives a kill of the process.
type Records interface {
	// Get returns a record, or a NotFound fault.
	Get(ctx context.Context, kind, id string) (Record, error)
	// List yields the records of a kind in the order of their ids.
	List(ctx context.Context, kind string) iter.Seq2[Record, error]
	// Update applies the changes in one transaction: all or none.
	Update(ctx context.Context, changes ...Change) error
	// Close releases the files.
	Close() error
}

// Record is one stored document.
type Record struct {
	Kind    string
	ID      string
	Version int64 // 1 for a new record, one more for each change
	JSON    []byte
}

// AnyVersion as Change.Version skips the check.
const AnyVersion int64 = -1

// Change writes or deletes one record. Version is the version the caller read:
// 0 demands that the record does not exist, AnyVersion skips the check; any
// other mismatch fails the whole transaction with a Conflict fault.
type Change struct {
	Kind    string
	ID      string
	Version int64
	JSON    []byte // nil deletes
}
