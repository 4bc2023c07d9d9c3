package sigma

import (
	"slices"
	"strconv"
	"strings"

	"vedette/internal/detect/sigma/pattern"

	"vedette/internal/event"
)

// routeKey is a place that routing looks at.
type routeKey uint8

const (
	keyClass routeKey = iota
	keyProduct
	keyLog
	keyCode
	keyApp
	keyICS
	keyChannel
	numKeys
)

// routeKeys are the words of the mapping.
var routeKeys = map[string]routeKey{
	"class": keyClass, "product": keyProduct, "log": keyLog, "code": keyCode, "app": keyApp, "ics": keyICS, "channel": keyChannel,
}

// route is what routing sees of an event.
type route struct {
	class                                int64
	product, log, code, app, ot, channel string
}

func (sc *Scratch) route(e *event.Event) route {
	r := route{
		class: e.ClassUID(), product: e.MetadataProduct(), log: e.MetadataLogName(), code: e.MetadataEventCode(),
		app: e.AppName(), ot: e.ICSProtocol(),
	}
	if r.product == "Windows" {
		if at, _ := sc.extras.find("Channel"); at >= 0 {
			r.channel = sc.extras.of[at].Value
		}
	}
	return r
}

// folded are the values of a route as checks compare them.
func (r *route) folded() [numKeys]string {
	return [numKeys]string{strconv.FormatInt(r.class, 10), pattern.Fold(r.product), pattern.Fold(r.log), pattern.Fold(r.code), pattern.Fold(r.app), pattern.Fold(r.ot), pattern.Fold(r.channel)}
}

func (r route) clone() route {
	return route{
		r.class, strings.Clone(r.product), strings.Clone(r.log), strings.Clone(r.code),
		strings.Clone(r.app), strings.Clone(r.ot), strings.Clone(r.channel),
	}
}

// maxRoutes bounds how many kinds of events a scratch remembers the groups of.
// Texts of an event code may be made up, so it begins anew when it is full.
const maxRoutes = 4096

// maxRouteText bounds the texts that are remembered.
const maxRouteText = 256

// groupsOf returns the groups of rules that an event is shown to.
func (s *Set) groupsOf(e *event.Event, sc *Scratch) []int32 {
	r := sc.route(e)
	last := &sc.recent[r.mixed()%recentRoutes]
	if *last != nil && (*last).route == r {
		return (*last).groups
	}
	routed := sc.groups(&r)
	if routed.route == r {
		*last = routed
	}
	return routed.groups
}

// recentRoutes is how many routes are found without hashing them whole.
const recentRoutes = 256

// routed is a route and its groups.
type routed struct {
	route  route
	groups []int32
}

// mixed tells most routes of a stream apart.
func (r *route) mixed() uint {
	h := uint(r.class) + uint(len(r.product)) + uint(len(r.log))<<1 + uint(len(r.app))<<2 + uint(len(r.ot))<<3 + uint(len(r.channel))<<4 //nolint:gosec // G115: bits to mix
	if n := len(r.log); n > 0 {
		h = h*31 + uint(r.log[n-1])
		h = h*31 + uint(r.log[n/2])
	}
	for _, c := range []byte(r.code[:min(len(r.code), 8)]) {
		h = h*31 + uint(c)
	}
	if r.app != "" {
		h = h*31 + uint(r.app[0])
	}
	return h ^ h>>8
}

// groups finds the groups of a route.
func (sc *Scratch) groups(r *route) *routed {
	s := sc.set
	if known := sc.routes[*r]; known != nil {
		return known
	}
	found := &routed{}
	keys := r.folded()
	for i := range s.groups {
		if s.groups[i].takes(&keys) {
			found.groups = append(found.groups, int32(i))
		}
	}
	if len(r.product)+len(r.log)+len(r.code)+len(r.app)+len(r.ot)+len(r.channel) > maxRouteText {
		return found // and not remembered
	}
	if len(sc.routes) >= maxRoutes {
		clear(sc.routes)
	}
	found.route = r.clone()
	sc.routes[found.route] = found
	return found
}

// takes reports whether all clauses of the group hold.
func (g *group) takes(keys *[numKeys]string) bool {
	for _, any := range g.when {
		if !slices.ContainsFunc(any, func(all []check) bool {
			return !slices.ContainsFunc(all, func(c check) bool { return !c.holds(keys) })
		}) {
			return false
		}
	}
	return true
}

func (c *check) holds(keys *[numKeys]string) bool {
	v := keys[c.key]
	return slices.ContainsFunc(c.values, func(p string) bool { return fits(p, v) })
}
