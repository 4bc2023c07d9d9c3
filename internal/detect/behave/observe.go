package behave

import (
	"strings"

	"vedette/internal/event"
)

// kind is one sort of thing that a device does or meets, each with a set of
// what is known and a rate of what is new.
type kind uint8

const (
	kindPeer kind = iota
	kindService
	kindPort
	kindFunction
	kindWrite
	kindObject
	kindTopic
	kindName
	kindFailure
)

const numKinds = 9

// words are the words of anomaly.novel, by kind.
func (k kind) word() string {
	return [numKinds]string{"peer", "service", "port", "function", "write", "object", "topic", "name", "failure"}[k]
}

// wordSet is a set of kinds.
type wordSet uint16

func (w wordSet) list() []string {
	out := make([]string, 0, 4)
	for k := range kind(numKinds) {
		if w&(1<<k) != 0 {
			out = append(out, k.word())
		}
	}
	return out
}

// thing is one fact of an event to be looked up in what is known. What it is in
// words is read from the event only if it is told.
type thing struct {
	kind kind
	hash uint64
}

// maxThings is how many facts one event has at most, maxFeatures how many
// surprises.
const (
	maxThings   = 10
	maxFeatures = 24
)

// observation is what an event says, as far as it is judged.
type observation struct {
	e       *event.Event
	at      int64 // seconds
	nano    int64
	suspect bool

	client, server uint64 // keys of the devices on both sides; 0: none to be profiled
	deviceKey      uint64
	peer, target   uint64
	bytesOut       float32
	bytesIn        float32
	flow           bool
	failed         bool
	ot, write      bool
	telemetry      bool

	things   [maxThings]thing
	numThing int
	covers   uint8 // bits of the sorts of record it shows

	isServer bool
	learnt   bool
	subject  *profile
	series   *series
	subjectS float32

	words    wordSet
	store    [maxFeatures]feature
	features []feature

	newsStore [2 * maxThings]thing
	news      []thing // what it held that is not known, as it is known by
}

func (o *observation) thing(k kind, h uint64) {
	if o.numThing < maxThings {
		o.things[o.numThing] = thing{k, h}
		o.numThing++
		o.covers |= 1 << coverOf(k)
	}
}

// read takes from the event what is judged. It reports false for events that
// are no deed of a device.
func (o *observation) read(e *event.Event) bool {
	class := event.Class(e.ClassUID())
	if class == event.DetectionFinding || class == event.DeviceInventoryInfo || class == event.SoftwareInventory {
		return false
	}
	nano := e.Int(event.SlotTime)
	*o = observation{e: e, nano: nano, at: nano / 1e9, store: o.store}
	o.features, o.news = o.store[:0], o.newsStore[:0]
	o.suspect = e.MetadataClockSuspect() || o.at <= 0 || o.at >= 1<<32
	src, dst, dev := e.SrcEndpointUID(), e.DstEndpointUID(), e.DeviceUID()
	if class == event.DeviceTelemetry || e.MetricName() != "" {
		if o.telemetry = e.Has(event.SlotMetricValue); o.telemetry {
			o.deviceKey = hash(first(dev, src, e.DeviceIP(), e.SrcEndpointIP(), e.DeviceHostname(), e.MetadataSource()))
			return true
		}
	}
	if dev != "" {
		o.deviceKey = hash(dev)
	}
	switch {
	case src != "":
		o.client = hash(src)
	case dev != "" && dev != dst:
		o.client = o.deviceKey
	}
	if dst != "" && dst != src {
		o.server = hash(dst)
	}
	if o.client == 0 && o.server == 0 {
		return false
	}
	o.readNetwork(e)
	o.readOT(e)
	o.readNames(e)
	return true
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// readNetwork reads the peer, port, service, volumes and failure. The other
// side's view (peer is the source) is made by [observation.of].
func (o *observation) readNetwork(e *event.Event) {
	dst, port := e.DstEndpointIP(), e.DstEndpointPort()
	proto := hash(e.ConnectionInfoProtocolName())
	if dst != "" {
		o.peer = place(dst, e.DstEndpointUID() != "")
		o.target = mix(o.peer^uint64(port)*0x9e3779b97f4a7c15, 11) //nolint:gosec // G115: a hash
		o.flow = true
		o.thing(kindPeer, o.peer)
	}
	if port > 0 {
		o.thing(kindPort, mix(uint64(port), proto))
	}
	if app := e.AppName(); app != "" {
		o.thing(kindService, hash(app))
	}
	o.failed = e.Status() == event.Failure
	if o.failed {
		o.thing(kindFailure, mix(hash(e.ActivityName())^hash(e.AppName())^hash(e.Rcode()), uint64(port))) //nolint:gosec // G115: a hash
	}
	o.bytesOut, o.bytesIn = float32(max(e.TrafficBytesOut(), 0)), float32(max(e.TrafficBytesIn(), 0))
}

func (o *observation) readOT(e *event.Event) {
	proto := e.ICSProtocol()
	if proto == "" {
		return
	}
	o.ot, o.write = true, e.ICSWrite()
	p := hash(proto)
	code := mix(hash(e.ICSFunction())^uint64(e.ICSFunctionCode()), p) //nolint:gosec // G115: a hash
	o.thing(kindFunction, code)
	if o.write {
		o.thing(kindWrite, mix(p, hash(e.SrcEndpointIP())^hash(e.DstEndpointIP())<<1))
	}
	if obj := e.ICSObject(); obj != "" {
		o.thing(kindObject, mix(hash(obj), code))
	}
	if r := e.ICSResponse(); r != "" && !strings.EqualFold(r, "ok") && !strings.EqualFold(r, "success") {
		o.failed = true
		o.thing(kindFailure, mix(hash(r), p))
	}
}

func (o *observation) readNames(e *event.Event) {
	if t := e.MQTTTopic(); t != "" {
		o.thing(kindTopic, hash(t))
	}
	for _, n := range [...]string{e.QueryHostname(), e.TLSSNI(), e.HTTPRequestURLHostname()} {
		if n != "" {
			o.thing(kindName, hash(domain(n)))
			break
		}
	}
}

// domain is the part of a name that its owner registered, roughly: the last
// two labels, or three if the last but one is short, as in co.uk.
func domain(name string) string {
	name = strings.TrimSuffix(name, ".")
	at, label := len(name), 0
	for range 3 {
		i := strings.LastIndexByte(name[:at], '.')
		if i < 0 {
			return name
		}
		label++
		if label >= 2 && at-i-1 > 3 || label == 3 {
			return name[i+1:]
		}
		at = i
	}
	return name
}

// place is a peer: the address of one of ours, the network of another, since
// the servers of one cloud change within their network.
func place(ip string, ours bool) uint64 {
	if ours || strings.HasPrefix(ip, "10.") || strings.HasPrefix(ip, "192.168.") {
		return hash(ip)
	}
	if i := strings.LastIndexByte(ip, '.'); i > 0 {
		return mix(hash(ip[:i]), 4)
	}
	at, n := 0, 0
	for n < 3 {
		i := strings.IndexByte(ip[at:], ':')
		if i < 0 {
			return hash(ip)
		}
		at, n = at+i+1, n+1
	}
	return mix(hash(ip[:at]), 6)
}

// hash is a 64-bit hash of a text, the same in every run: FNV-1a over words of
// eight bytes with a final mix. Profiles are kept, so it must not be seeded by
// the process; who finds two devices with one hash gains a shared profile.
func hash(s string) uint64 {
	if s == "" {
		return 0
	}
	h := uint64(14695981039346656037)
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = (h ^ w) * 0x9e3779b97f4a7c15
		h ^= h >> 29
		s = s[8:]
	}
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	if h = mix(h, 1); h == 0 {
		h = 1
	}
	return h
}

// mix is the finaliser of SplitMix64.
func mix(a, b uint64) uint64 {
	z := a + b*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// groupKey is what alike devices have in common.
func groupKey(e *event.Event, key, device uint64, server bool) uint64 {
	var typ, vendor string
	switch {
	case server:
		typ, vendor = e.Str(event.SlotDstEndpointType), e.Str(event.SlotDstEndpointVendor)
	case e.SrcEndpointUID() != "":
		typ, vendor = e.Str(event.SlotSrcEndpointType), e.Str(event.SlotSrcEndpointVendor)
	}
	if typ == "" && vendor == "" && key == device {
		typ, vendor = e.Str(event.SlotDeviceType), e.Str(event.SlotDeviceVendor)
	}
	if typ == "" && vendor == "" {
		return 0
	}
	return mix(hash(typ), hash(vendor)) | 1
}
