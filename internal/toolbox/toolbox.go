// Package toolbox holds the typed tools that copilot, MCP and API share: each
// reads stored facts within a budget and gives them back as a table. So far:
// Query (run one typed query) and Unusual (rank devices by how far they left
// their own past).
//
// It must not hold a conversation, word an answer or change anything; logic of
// a domain belongs to its own room.
package toolbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"vedette/internal/asset/kind"
	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
)

// Table is the result of a tool: cells are nil, string, int64, float64, bool,
// time.Time (UTC) or []string. Total is how many rows there are without the
// limit.
type Table struct {
	Columns []string
	Rows    [][]any
	Total   int64
}

// Name is a name of a device and who gave it.
type Name struct {
	Text     string
	UID      string
	Operator bool
}

// Names gives the names of all devices that a context may see, see
// [query.Confine]; package app wires it to the registry.
type Names func(ctx context.Context) []Name

// Box is the set of tools over one store. It is safe for concurrent use.
type Box struct {
	events store.Events
	schema *event.Schema
	names  Names

	mu     sync.Mutex
	bounds Bounds
	cache  map[string]cached // "from/field" → values, for the bounds above
	own    map[string]owned  // what is stored of some zones, by them
}

// owned is what is stored of some zones, and of all of which it was counted.
type owned struct {
	Bounds
	of   Bounds
	at   time.Time
	took time.Duration
	has  map[string]bool // fields outside the schema that were asked for
}

type cached struct {
	values   []query.ValueCount
	complete bool
	at       time.Time     // when they were listed
	took     time.Duration // how long that took
}

// Listing the values of a field looks at all that is stored. What took longer
// than dear is used listShare times as long as it took, though more has been stored
// meanwhile: else every question to a large store that grows would list anew. A name
// that was first seen since then is known when the list is made again.
const (
	dear      = 500 * time.Millisecond
	listShare = 20
)

// fresh reports whether the list may still be used after what is stored has
// changed.
func (c cached) fresh(now time.Time) bool {
	return c.took > dear && now.Sub(c.at) < listShare*c.took
}

// maxValues is how many distinct values of a field are looked at; a field with
// more is not enumerated completely.
const maxValues = 3000

// New makes the tools over a store of events. names may be nil.
func New(events store.Events, names Names) *Box {
	if names == nil {
		names = func(context.Context) []Name { return nil }
	}
	return &Box{events: events, schema: event.NewSchema(), names: names, cache: map[string]cached{}, own: map[string]owned{}}
}

// Names gives the names of all devices that a context may see.
func (b *Box) Names(ctx context.Context) []Name { return b.names(ctx) }

// Bounds tells what is stored: how many events, how many of them have a
// suspect clock, the oldest and newest time of the others, and the names of
// stored fields outside the schema.
type Bounds struct {
	Events, Suspect int64
	Oldest, Newest  time.Time
	Extras          []string
}

// DeviceType is a type of device that is known, with the words for it.
type DeviceType struct {
	Name  string
	Words []string
}

// Types gives the types of device that are known.
func (b *Box) Types() []DeviceType {
	types := kind.Types()
	out := make([]DeviceType, len(types))
	for i, t := range types {
		out[i] = DeviceType{t.Name, t.Synonyms}
	}
	return out
}

// Query validates q against the schema and the stored values, resolves its
// time range against now, and runs it. Unknown fields and values are Invalid
// faults that name the nearest real ones.
func (b *Box) Query(ctx context.Context, q query.Query, now time.Time) (*Table, error) {
	return b.run(ctx, q, now, b)
}

// QueryLoose is Query for a plan whose values were resolved before: a value
// that nothing stored has gives an empty result instead of a fault.
func (b *Box) QueryLoose(ctx context.Context, q query.Query, now time.Time) (*Table, error) {
	return b.run(ctx, q, now, nil)
}

func (b *Box) run(ctx context.Context, q query.Query, now time.Time, live query.Values) (*Table, error) {
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	cat := b.catalogue(ctx, bounds, live)
	valid, err := cat.Validate(ctx, q)
	if err != nil {
		return nil, err
	}
	if valid, err = valid.Resolve(now); err != nil {
		return nil, err
	}
	res, err := b.events.Query(ctx, valid)
	if err != nil {
		return nil, fmt.Errorf("running the query %s: %w", valid, err)
	}
	return &Table{Columns: res.Columns, Rows: res.Rows, Total: res.Total}, nil
}

// Check tells whether a query could run: the same validation as [Box.QueryLoose]
// without running it.
func (b *Box) Check(ctx context.Context, q query.Query, now time.Time) error {
	bounds, err := b.Bounds(ctx)
	if err != nil {
		return err
	}
	cat := b.catalogue(ctx, bounds, nil)
	valid, err := cat.Validate(ctx, q)
	if err != nil {
		return err
	}
	_, err = valid.Resolve(now)
	return err
}

// catalogue is what a query is checked against. In a confined context nothing names
// the fields outside the schema, because the store knows them of all zones together; one
// that a query names is there if an event that may be seen has it.
func (b *Box) catalogue(ctx context.Context, bounds Bounds, live query.Values) query.Catalogue {
	cat := query.Catalogue{Schema: b.schema, Devices: store.DeviceFields(), Extras: bounds.Extras, Live: live}
	if zones, ok := query.Confined(ctx); ok {
		cat.Has = func(ctx context.Context, name string) (bool, error) { return b.ownHas(ctx, zonesKey(zones), name) }
	}
	return cat
}

// ownHas reports whether an event of the zones of a context has a field outside the
// schema. Only names that the site has are looked for, and each once while the answer
// is used.
func (b *Box) ownHas(ctx context.Context, key, name string) (bool, error) {
	b.mu.Lock()
	known := slices.Contains(b.bounds.Extras, name)
	has, asked := b.own[key].has[name]
	b.mu.Unlock()
	if !known || asked {
		return has, nil
	}
	res, err := b.events.Query(ctx, query.Query{Where: &query.Expr{Field: name, Op: query.Exists}, Select: []string{"metadata.uid"}, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("looking for events with %s: %w", name, err)
	}
	has = len(res.Rows) > 0
	b.mu.Lock()
	defer b.mu.Unlock()
	if o, ok := b.own[key]; ok && o.has != nil {
		o.has[name] = has
	}
	return has, nil
}

// Bounds tells what is stored, and forgets cached values when that changed. In a
// confined context it tells what is stored of its zones, and names no fields outside
// the schema.
func (b *Box) Bounds(ctx context.Context) (Bounds, error) {
	stored, err := b.events.Bounds(query.Unconfined(ctx))
	if err != nil {
		return Bounds{}, fmt.Errorf("reading what is stored: %w", err)
	}
	bounds := Bounds(stored)
	b.mu.Lock()
	if bounds.Events != b.bounds.Events || !bounds.Newest.Equal(b.bounds.Newest) {
		b.drop()
	}
	b.bounds = bounds
	b.mu.Unlock()
	if zones, ok := query.Confined(ctx); ok {
		return b.ownBounds(ctx, zonesKey(zones), bounds)
	}
	return bounds, nil
}

// ownBounds counts what is stored of the zones of a context. What took long is used
// for a while, as lists of values are.
func (b *Box) ownBounds(ctx context.Context, key string, all Bounds) (Bounds, error) {
	b.mu.Lock()
	o, ok := b.own[key]
	b.mu.Unlock()
	same := all.Events == o.of.Events && all.Newest.Equal(o.of.Newest)
	if ok && (same && time.Since(o.at) < ownLives || time.Since(o.at) < listShare*o.took) {
		return o.Bounds, nil
	}
	began := time.Now()
	stored, err := b.events.Bounds(ctx)
	if err != nil {
		return Bounds{}, fmt.Errorf("reading what is stored: %w", err)
	}
	stored.Extras = nil
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.own) >= maxOwned {
		clear(b.own)
	}
	b.own[key] = owned{Bounds: Bounds(stored), of: all, at: began, took: time.Since(began), has: map[string]bool{}}
	return Bounds(stored), nil
}

// What is stored of some zones also changes when a device moves; so long it may be
// told of as it was, and of so many sets of zones.
const (
	ownLives = 10 * time.Second
	maxOwned = 64
)

// zonesKey is what a list of zones is kept under: two lists never have the same.
func zonesKey(zones []string) string { return fmt.Sprintf("%q", zones) }

// Forget drops cached values, after devices have changed.
func (b *Box) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.own)
	b.drop()
}

// drop forgets the lists that have to be made again, and notes of the others
// that there may be more values by now: what they lack is then no error. It is
// called under mu.
func (b *Box) drop() {
	now := time.Now()
	maps.DeleteFunc(b.cache, func(_ string, c cached) bool { return !c.fresh(now) })
	for key, c := range b.cache {
		c.complete = false
		b.cache[key] = c
	}
}

// Values implements [query.Values] from the store, cached until it changes, or
// longer if listing them is dear.
func (b *Box) Values(ctx context.Context, from, field string) ([]query.ValueCount, bool, error) {
	key := from + "/" + field
	if zones, ok := query.Confined(ctx); ok { // never with those of other zones
		key += "\n" + zonesKey(zones)
	}
	b.mu.Lock()
	c, ok := b.cache[key]
	b.mu.Unlock()
	if ok {
		return c.values, c.complete, nil
	}
	q := query.Query{
		From: from, Group: []string{field}, Measures: []query.Measure{{Fn: query.Count}},
		Where: &query.Expr{Field: field, Op: query.Exists},
		Sort:  []query.Sort{{By: "count", Desc: true}}, Limit: maxValues,
	}
	began := time.Now()
	if kept, ok := b.events.(store.Lister); ok && from == "" && !b.ofDevice(field) {
		values, complete, err := kept.Values(ctx, field, maxValues)
		if err != nil {
			return nil, false, fmt.Errorf("listing the values of %s: %w", field, err)
		}
		b.keep(key, cached{values: values, complete: complete, at: began, took: time.Since(began)})
		return values, complete, nil
	}
	res, err := b.events.Query(ctx, q)
	if err != nil {
		return nil, false, fmt.Errorf("listing the values of %s: %w", field, err)
	}
	c = cached{complete: res.Total <= maxValues, at: began, took: time.Since(began)}
	for _, row := range res.Rows {
		text, isText := row[0].(string)
		n, isInt := row[1].(int64)
		if isText && isInt {
			c.values = append(c.values, query.ValueCount{Value: text, Count: n})
		}
	}
	b.keep(key, c)
	return c.values, c.complete, nil
}

func (b *Box) keep(key string, c cached) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.cache) >= maxLists {
		clear(b.cache)
	}
	b.cache[key] = c
}

// maxLists is how many lists of values are kept.
const maxLists = 1000

// ofDevice reports whether a field comes from the inventory when a query runs:
// what it holds for an event changes with the inventory.
func (b *Box) ofDevice(field string) bool {
	f, ok := b.schema.Lookup(field)
	return ok && f.Store == event.FromDevice
}
