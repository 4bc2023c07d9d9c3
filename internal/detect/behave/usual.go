package behave

import (
	"math"
	"time"
)

// Usual is what is usual of one device, as its profile has it, in the units of
// its events. A minute is one in which the device was active.
type Usual struct {
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Events  int64     `json:"events"`
	Minutes int       `json:"minutes"` // learnt from
	Learnt  bool      `json:"learnt"`  // else it is still being learnt, and little is told

	Rates []Rate `json:"rates"`
	Hours Hours  `json:"hours"`
	Tags  []Tag  `json:"tags"` // of those that were asked for, in their order; without the unknown
}

// Rate is a volume or rate of a minute: most minutes are between Low and High,
// above Peak it was never without being flagged, up to Limit nothing is unusual.
type Rate struct {
	Name string  `json:"name"` // events, peers, targets, bytes_out, bytes_in or failures
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
	Peak float64 `json:"peak"`

	Limit float64 `json:"limit"`
}

// Hours is the busiest minute of each hour of the day, UTC, of it and the hours
// beside it, and up to where nothing is unusual for the time of day.
type Hours struct {
	Days   int         `json:"days"` // on which it was active
	Needs  int         `json:"needs"`
	Events [24]float64 `json:"events"`
	Bytes  [24]float64 `json:"bytes"` // out

	EventsLimit [24]float64 `json:"events_limit"`
	BytesLimit  [24]float64 `json:"bytes_limit"`
}

// Tag is the usual of one telemetry reading.
type Tag struct {
	Name    string  `json:"name"`
	Low     float64 `json:"low"` // of the range that was seen
	High    float64 `json:"high"`
	Mean    float64 `json:"mean"`
	Recent  float64 `json:"recent"`
	Sigma   float64 `json:"sigma"` // noise, and how far it wanders
	Samples int     `json:"samples"`
	Judged  bool    `json:"judged"` // enough samples are learnt
}

// Thing is one thing that a device does or meets, by which it may be known.
type Thing struct {
	Kind     string // peer, service or function
	Text     string // address, service, or function as its protocol names it
	Ours     bool   // a peer is a device that is known
	Asked    bool   // the device was asked, and the peer is who asked
	Protocol string // of a function
	Code     int64  // of a function
}

// The words of [Detector.Knows].
const (
	KnownUsual   = "usual"   // learnt
	KnownWaiting = "waiting" // new; usual if nothing is flagged for a week
	KnownFlagged = "flagged" // part of what was flagged, never learnt
)

// metricNames are the names of a Rate, by metric.
func (m metric) name() string {
	return [numMetrics]string{"events", "peers", "targets", "bytes_out", "bytes_in", "failures"}[m]
}

// Usual tells what is usual of a device and of its readings of these names; false if
// nothing is learnt of it.
func (d *Detector) Usual(device string, tags []string) (Usual, bool) {
	key := hash(device)
	out := Usual{Rates: []Rate{}, Tags: d.usualTags(key, tags)}
	p := d.table.find(key)
	if p == nil {
		return out, len(out.Tags) > 0
	}
	out.First, out.Last = time.Unix(int64(p.first), 0).UTC(), time.Unix(int64(p.last), 0).UTC()
	out.Events, out.Minutes, out.Learnt = int64(p.events), int(p.windows), p.established(&d.cfg)
	for m := range metric(numMetrics) {
		out.Rates = append(out.Rates, p.usualRate(m))
	}
	out.Hours = Hours{Days: int(p.hours.days), Needs: hourDays}
	for i := range 24 {
		const least = float32(rateFloor-easySurplus) / perDoubling
		flows, bytes := around(&p.hours.flows, uint32(3600*i)), around(&p.hours.bytes, uint32(3600*i))
		out.Hours.Events[i], out.Hours.EventsLimit[i] = finite(plain(flows)), finite(plain(flows+least))
		out.Hours.Bytes[i], out.Hours.BytesLimit[i] = finite(plain(bytes)), finite(plain(bytes+least))
	}
	return out, true
}

// usualSpreads is how far from the centre most minutes are.
const usualSpreads = 2

// usualRate is the band of a metric, and the limit as minutes are judged by: beyond
// usual scatter, and beyond the peak.
func (p *profile) usualRate(m metric) Rate {
	s := &p.stats[m]
	spread := max(s.spread, least(s.centre))
	reach := usualSpreads * spread
	top := max(s.peak, minPeak) + float32(rateFloor-easySurplus)/perDoubling
	return Rate{
		Name: m.name(), Low: finite(plain(max(s.centre-reach, 0))), Mid: finite(plain(s.centre)), High: finite(plain(max(min(s.centre+reach, s.peak), s.centre))),
		Peak: finite(plain(s.peak)), Limit: finite(plain(max(s.centre+rateFloor*spread, top))),
	}
}

func (d *Detector) usualTags(key uint64, names []string) []Tag {
	out := []Tag{}
	at, ok := d.series.index[key]
	if !ok {
		return out
	}
	s := d.series.at(int(at))
	for _, name := range names {
		for i := range s.tags {
			if t := &s.tags[i]; t.name == uint32(hash(name)>>32) {
				out = append(out, Tag{
					Name: name, Low: finite(t.low), High: finite(t.high), Mean: finite(t.mean), Recent: finite(t.recent),
					Sigma: finite(s.sigma(i)), Samples: int(s.samples), Judged: int(s.samples) > d.cfg.LearnSamples,
				})
				break
			}
		}
	}
	return out
}

// finite keeps what cannot be told in JSON out of an answer.
func finite(x float32) float64 {
	if v := float64(x); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return v
	}
	return 0
}

// Knows tells of each thing whether the device is known to do or meet it: one of
// the words, or nothing when it was never met or is forgotten.
func (d *Detector) Knows(device string, things []Thing) []string {
	out := make([]string, len(things))
	p := d.table.find(hash(device))
	if p == nil {
		return out
	}
	for i, t := range things {
		k, h, ok := t.key()
		if !ok {
			continue
		}
		at := p.known.find(k, h)
		if at < 0 {
			continue
		}
		switch p.known.states[at] & stateMask {
		case stateKnown:
			out[i] = KnownUsual
		case stateProbation:
			out[i] = KnownWaiting
		case stateFlagged:
			out[i] = KnownFlagged
		}
	}
	return out
}

// key is what a thing is known by in the set of a device.
func (t *Thing) key() (kind, uint64, bool) {
	var k kind
	var h uint64
	switch t.Kind {
	case "peer":
		if t.Asked {
			return kindPeer, mix(hash(t.Text), 77), true
		}
		k, h = kindPeer, place(t.Text, t.Ours)
	case "service":
		if t.Asked {
			return 0, 0, false // what is asked for is the client's
		}
		k, h = kindService, hash(t.Text)
	case "function":
		k, h = kindFunction, mix(hash(t.Text)^uint64(t.Code), hash(t.Protocol)) //nolint:gosec // G115: a hash
	default:
		return 0, 0, false
	}
	if h = mix(h, uint64(k)+16); t.Asked {
		h = mix(h, 77)
	}
	return k, h, true
}
