// Package behave learns what every device usually does and says how unusual
// each event is: the behaviour detector.
//
// It owns fixed-size profiles of devices and of groups of alike devices, the
// score that is made of them, and the threshold that keeps to the budget of
// anomalies a site chose. docs/behaviour.md has the formulas.
//
// It must not keep an event or text of one, learn from what it flagged, or
// grow with what devices send: each bound is a detect.Condition.
package behave

import (
	"time"

	"vedette/internal/detect"
	"vedette/internal/event"
)

// Config says how much is learnt and how much is told. The zero value is
// usable.
type Config struct {
	// Budget is how many anomalies a site wants to see per 1 000 devices and
	// day. 0: DefaultBudget.
	Budget float64
	// MaxProfiles bounds the devices, MaxGroups the groups of alike devices,
	// MaxSeries the devices whose telemetry is learnt. 0: the defaults.
	MaxProfiles, MaxGroups, MaxSeries int
	// LearnFor and LearnWindows are how old, and active in how many minutes, a
	// device must be before it is called learnt. 0: the defaults.
	LearnFor     time.Duration
	LearnWindows int
	// LearnSamples is how many telemetry samples of a device are learnt before
	// they are judged. 0: the default.
	LearnSamples int
}

// The defaults of [Config].
const (
	DefaultBudget       = 5
	DefaultMaxProfiles  = 250_000
	DefaultMaxGroups    = 1024
	DefaultMaxSeries    = 100_000
	DefaultLearnFor     = time.Hour
	DefaultLearnWindows = 30
	DefaultLearnSamples = 300
)

func (c *Config) fill() {
	positive(&c.MaxProfiles, DefaultMaxProfiles)
	positive(&c.MaxGroups, DefaultMaxGroups)
	positive(&c.MaxSeries, DefaultMaxSeries)
	positive(&c.LearnWindows, DefaultLearnWindows)
	positive(&c.LearnSamples, DefaultLearnSamples)
	if c.Budget <= 0 {
		c.Budget = DefaultBudget
	}
	if c.LearnFor <= 0 {
		c.LearnFor = DefaultLearnFor
	}
}

func positive(v *int, otherwise int) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Detector is the behaviour detector. It is used by one goroutine at a time.
type Detector struct {
	cfg    Config
	table  table
	groups groups
	series seriesTable
	level  level
	open   incidents
	covers covers

	accepted []accepted // by persons, oldest first

	newest  int64 // seconds, of events with a clock to be trusted
	swept   int64
	evicted int64
	refused int64
	suspect int64
	obs     observation // of the event at hand
}

var (
	_ detect.Detector    = (*Detector)(nil)
	_ detect.Ticker      = (*Detector)(nil)
	_ detect.Keeper      = (*Detector)(nil)
	_ detect.Conditioner = (*Detector)(nil)
)

// New makes a detector that knows nothing yet.
func New(cfg Config) *Detector {
	cfg.fill()
	d := &Detector{cfg: cfg}
	d.reset()
	return d
}

func (d *Detector) reset() {
	d.table = newTable(d.cfg.MaxProfiles)
	d.groups = newGroups(d.cfg.MaxGroups)
	d.series = newSeriesTable(d.cfg.MaxSeries)
	d.level = newLevel(d.cfg.Budget)
	d.open = newIncidents()
	d.accepted, d.covers = nil, covers{}
	d.newest, d.swept, d.evicted, d.refused, d.suspect = 0, 0, 0, 0, 0
}

// Name is the detector's word in metrics and conditions.
func (*Detector) Name() string { return "behaviour" }

// Threshold is the score from which findings are raised now.
func (d *Detector) Threshold() float64 { return d.level.score(d.level.threshold()) }

// Profiles is how many devices have a profile.
func (d *Detector) Profiles() int { return d.table.live }

// sweepEvery is how many seconds of event time pass between two looks for
// findings that have waited long enough.
const sweepEvery = 10

// Inspect scores one event, learns from it what may be learnt, and raises what
// passes the threshold.
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	o := &d.obs
	if !o.read(e) {
		return
	}
	if o.suspect {
		d.suspect++
	} else if o.at > d.newest {
		d.newest = o.at
	}
	if !o.suspect {
		d.covers.see(o)
	}
	if o.telemetry {
		d.inspectTelemetry(o)
	}
	if o.client != 0 {
		d.inspectSide(o, o.client, e, false)
	}
	if o.server != 0 {
		d.inspectSide(o, o.server, e, true)
	}
	d.conclude(o, e, raise)
	if d.newest >= d.swept+sweepEvery {
		d.swept = d.newest
		d.open.sweep(d.newest, false, raise)
	}
}

// inspectSide scores the event as a deed of one device. Of two sides the more
// surprised one is kept: both see the same thing.
func (d *Detector) inspectSide(o *observation, key uint64, e *event.Event, server bool) {
	p := d.profile(o, key, e, server)
	if p == nil {
		return
	}
	g := d.groups.at(p.group)
	learn := p.move(d, g, o)
	kept, keptNews := o.features, o.news
	o.features, o.news = o.features[len(o.features):], o.news[len(o.news):]
	wasServer := o.isServer
	o.isServer, o.learnt = server, p.established(&d.cfg)
	d.novelty(o, p, g, learn, server)
	if learn {
		p.count(o, server)
		d.rates(o, p, g)
		if !server {
			d.beacon(o, p)
		}
	}
	s := fuse(o.features)
	p.settle(d, s, learn, o.learnt)
	if o.subject != nil && (s < o.subjectS || s == o.subjectS && !o.write) {
		o.features, o.news, o.isServer = kept, keptNews, wasServer
		return
	}
	o.subject, o.subjectS = p, s
}

// profile finds or makes the profile of a device.
func (d *Detector) profile(o *observation, key uint64, e *event.Event, server bool) *profile {
	p := d.table.find(key)
	if p == nil {
		if o.suspect {
			return nil
		}
		var evicted bool
		if p, evicted = d.table.add(key, o.at); p == nil {
			d.refused++
			return nil
		}
		if evicted {
			d.evicted++
		}
	}
	if p.group == 0 || p.events&63 == 0 { // what is known of a device changes
		p.group = d.groups.of(groupKey(e, key, o.deviceKey, server))
	}
	return p
}

// conclude writes the score into the event and opens, joins or leaves alone an
// incident of the device.
func (d *Detector) conclude(o *observation, e *event.Event, raise detect.Raise) {
	if len(o.features) == 0 {
		return
	}
	s := fuse(o.features)
	score := d.level.score(s)
	if score < scoreFloor {
		if o.words != 0 {
			e.SetAnomalyNovel(o.words.list())
		}
		return
	}
	e.SetAnomalyScore(score)
	reasons := o.reasons(s)
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.String()
	}
	e.SetAnomalyReasons(texts)
	if o.words != 0 {
		e.SetAnomalyNovel(o.words.list())
	}
	if o.suspect || s < d.level.threshold() {
		return
	}
	d.tell(o, e, s, score, reasons, raise)
}

// Tick tells findings that have waited long enough; all of them when the
// source has ended.
func (d *Detector) Tick(now time.Time, final bool, raise detect.Raise) {
	at := d.newest
	if !now.IsZero() {
		at = max(at, now.Unix())
	}
	d.open.sweep(at, final, raise)
}

// Conditions returns the bounds that were reached.
func (d *Detector) Conditions() []detect.Condition {
	var out []detect.Condition
	add := func(code, text string, count int64) {
		if count > 0 {
			out = append(out, detect.Condition{Detector: d.Name(), Code: code, Text: text, Count: count})
		}
	}
	add("profiles-full", "more devices than profiles are allowed: those least established were forgotten", d.evicted)
	add("profiles-refused", "more devices than profiles are allowed, and all are established: new ones are not learnt", d.refused)
	add("groups-full", "more kinds of device than groups are allowed: further kinds share one group", d.groups.refused)
	add("series-full", "more devices with telemetry than are allowed: further ones are not learnt", d.series.refused)
	add("readings-dropped", "readings were not judged: of more metrics than are learnt together, or too large", d.series.dropped)
	add("incidents-full", "so many devices were unusual at once that findings were told early", d.open.full)
	add("clock-suspect", "events with a clock not to be trusted were judged and not learnt from", d.suspect)
	return out
}
