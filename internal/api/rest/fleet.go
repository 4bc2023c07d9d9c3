package rest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/store"
)

// The life of what is kept of the fleet: to list a million devices in some order
// takes a second, and who scrolls through them asks again and again.
const (
	fleetLives = time.Second
	fleetShare = 10 // a list that took t to make lives ten t, if that is longer
	fleetViews = 16
)

// fleet keeps all devices as lists have them, and the orders in which they were
// asked for. It is safe for concurrent use.
type fleet struct {
	mu    sync.Mutex
	rows  []store.Device
	made  time.Time
	took  time.Duration
	views map[string]*fleetView
}

// fleetView is what a request keeps of the fleet, in its order. It must not be
// changed.
type fleetView struct {
	rows   []*store.Device
	facets map[string][]facetCount
}

// wish says what is asked for.
type wish struct {
	key    string // the same for the same wish
	keep   func(*store.Device) bool
	order  ordering
	facets bool
}

// view returns what is wished of a fleet that is not much older than it takes to
// list it.
func (f *fleet) view(ctx context.Context, s Service, w wish) (*fleetView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age := time.Since(f.made); f.rows == nil || age > max(fleetLives, fleetShare*f.took) {
		began := time.Now()
		rows, err := s.DeviceRows(ctx)
		if err != nil {
			return nil, err
		}
		f.rows, f.made, f.took, f.views = rows, time.Now(), time.Since(began), map[string]*fleetView{}
	}
	if v := f.views[w.key]; v != nil {
		return v, nil
	}
	began := time.Now()
	v := &fleetView{rows: make([]*store.Device, 0, len(f.rows))}
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
	f.took = max(f.took, time.Since(began))
	return v, nil
}

// drop forgets all: somebody changed a device and wants to see it.
func (f *fleet) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows, f.views = nil, nil
}

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
