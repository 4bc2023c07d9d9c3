package rest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	typed "vedette/internal/query"
	"vedette/internal/store"
)

// fleetViews is how many orders of the fleet are kept.
const fleetViews = 16

// fleet keeps all devices as lists have them, and the orders in which they were
// asked for: to list a million devices in some order takes a second, and who
// scrolls through them asks again and again. It is safe for concurrent use.
type fleet struct {
	all recent[*fleetRows]
}

// fleetRows are the devices at one moment.
type fleetRows struct {
	rows []store.Device

	mu    sync.Mutex
	views map[string]*fleetView
}

// fleetView is what a request keeps of the fleet, in its order. It must not be
// changed.
type fleetView struct {
	rows   []*store.Device
	facets map[string][]facetCount
	wish   wish
	used   atomic.Bool // since it was made
}

// wish says what is asked for.
type wish struct {
	key    string // the same for the same wish
	keep   func(*store.Device) bool
	order  ordering
	facets bool
}

// view returns what is wished of a fleet that is not much older than it takes to
// list it, as far as the context may see it.
func (f *fleet) view(ctx context.Context, s Service, w wish) (*fleetView, error) {
	if zones, ok := typed.Confined(ctx); ok { // whatever is wished, and never from another's list
		keep := w.keep
		w.key = fmt.Sprintf("%q ", zones) + w.key
		w.keep = func(d *store.Device) bool { return slices.Contains(zones, d.Zone) && keep(d) }
	}
	all, err := f.all.get(ctx, "", func(ctx context.Context, old *fleetRows) (*fleetRows, error) {
		rows, err := s.DeviceRows(typed.Unconfined(ctx)) // everybody's; views are narrowed
		if err != nil {
			return nil, err
		}
		next := &fleetRows{rows: rows, views: map[string]*fleetView{}}
		next.prepare(old)
		return next, nil
	})
	if err != nil {
		return nil, err
	}
	v := all.view(w)
	v.used.Store(true)
	return v, nil
}

// prepare makes the orders that were in use before anybody asks for them.
func (f *fleetRows) prepare(old *fleetRows) {
	if old == nil {
		return
	}
	old.mu.Lock()
	var used []wish
	for _, v := range old.views {
		if v.used.Load() {
			used = append(used, v.wish)
		}
	}
	old.mu.Unlock()
	for _, w := range used {
		f.view(w)
	}
}

func (f *fleetRows) view(w wish) *fleetView {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.views[w.key]; v != nil {
		return v
	}
	v := &fleetView{rows: make([]*store.Device, 0, len(f.rows)), wish: w}
	for i := range f.rows {
		if w.keep(&f.rows[i]) {
			v.rows = append(v.rows, &f.rows[i])
		}
	}
	w.order.sort(v.rows)
	if w.facets {
		v.facets = deviceFacets(v.rows)
	}
	if len(f.views) >= fleetViews {
		clear(f.views)
	}
	f.views[w.key] = v
	return v
}

// drop forgets all: somebody changed a device and wants to see it.
func (f *fleet) drop() { f.all.drop() }

// ordering is an order of devices; those that are equal in it are in that of
// their uids.
type ordering struct {
	text func(*store.Device) string    // compared without case
	at   func(*store.Device) time.Time // if there is no text
	down bool
}

func (o ordering) sort(rows []*store.Device) {
	type keyed struct {
		key string
		at  time.Time
		d   *store.Device
	}
	list := make([]keyed, len(rows))
	for i, d := range rows {
		list[i].d = d
		switch {
		case o.text != nil:
			list[i].key = strings.ToLower(o.text(d))
		case o.at != nil:
			list[i].at = o.at(d)
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		n := cmp.Or(strings.Compare(a.key, b.key), a.at.Compare(b.at))
		if o.down {
			n = -n
		}
		return cmp.Or(n, strings.Compare(a.d.UID, b.d.UID))
	})
	for i := range list {
		rows[i] = list[i].d
	}
}
