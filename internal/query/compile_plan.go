package query

import (
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// The limits of a query's shape. They bound the work of compiling, not of
// running: engines have their own limits.
const (
	planDepth   = 50
	planNodes   = 2000
	planColumns = 200
	planInList  = 10000
)

// Plan is a query with every name resolved, every value typed and every
// default written out: what an engine has to do, still in no engine's
// language. [NewPlan] makes it; [Compile] turns it into SQL.
type Plan struct {
	Devices  bool // rows of the device table instead of events
	Classes  []event.Class
	From, To time.Time // zero: open end
	Bounded  bool      // From or To is set: clock-suspect events are left out
	Where    *Cond     // nil: all
	Grouped  bool
	Bucket   time.Duration // of the column with Column.Bucket
	Columns  []Column
	Having   []HavingCond
	Order    []Order // complete: ties are broken by the remaining columns
	Limit    int
	Since    time.Time     // zero: none; no row of the answer is older, which [Compiled.Edge] told
	Sequence *PlanSequence // then Columns are its own, and Order and Having are empty
}

// Place says where the value of a field is kept.
type Place uint8

// The places of values. AtDevice values come from the device table, AtFirst values from
// one of two columns.
const (
	AtColumn Place = iota + 1
	AtDocument
	AtExtra
	AtDevice
	AtFirst
)

// Ref is a resolved field.
type Ref struct {
	Name  string
	Kind  event.Kind
	Place Place
	Slot  event.Slot    // AtColumn, AtDocument
	Key   string        // AtDevice: name of the column in the device table
	Link  event.Slot    // AtDevice, when events are asked for: the field that holds the device's uid
	Of    [2]event.Slot // AtFirst: the first of these that is there
}

// Column is one column of the answer: a field, a bucket of time or a measure.
type Column struct {
	Name    string
	Kind    event.Kind
	Ref     *Ref
	Members bool // the members of a list field, one group each
	Bucket  bool
	Measure *PlanMeasure
}

// PlanMeasure is a resolved measure. Ref is nil for count, first and last. Of
// are the columns that a derived measure is computed of; they stand before it.
type PlanMeasure struct {
	Fn    Fn
	Ref   *Ref
	Where *Cond
	Of    []int
}

// HavingCond compares an answer's column with a value of its kind: int64,
// float64, string or time.Time.
type HavingCond struct {
	Column int
	Op     Op
	Value  any
}

// Order sorts by a column of the answer, or by a field outside of it if Ref is
// set.
type Order struct {
	Column int
	Ref    *Ref
	Desc   bool
}

// NewPlan resolves a query. deviceFields describes the device table.
func NewPlan(q Query, deviceFields []event.Field) (*Plan, error) {
	r := newResolver(q.From == "devices", deviceFields)
	p := &Plan{Devices: r.devices, Limit: q.Limit, Grouped: len(q.Group) > 0 || len(q.Measures) > 0 || q.Bucket != ""}
	if q.From != "" && q.From != "events" && !r.devices {
		return nil, fault.New(fault.Invalid, "nothing is stored under %q", q.From).WithHint("ask for events or devices")
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return nil, fault.New(fault.Invalid, "limit %d is out of range", q.Limit).WithHint("use 1 to %d", MaxLimit)
	}
	if q.Limit == 0 {
		p.Limit = DefaultLimit
	}
	steps := []func(*Plan, Query) error{r.classes, r.timeRange, r.where, r.columns, r.having, r.order}
	if q.Sequence != nil {
		steps = []func(*Plan, Query) error{r.timeRange, r.sequence}
	}
	for _, step := range steps {
		if err := step(p, q); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// resolver turns names into refs. nodes counts the nodes of all conditions.
type resolver struct {
	devices bool
	fields  map[string]event.Field
	table   map[string]event.Field // the device table
	list    []event.Field
	nodes   int
}

func newResolver(devices bool, deviceFields []event.Field) *resolver {
	r := &resolver{devices: devices, fields: map[string]event.Field{}, table: map[string]event.Field{}, list: deviceFields}
	for _, f := range event.Fields() {
		r.fields[f.Name] = f
	}
	for _, f := range deviceFields {
		r.table[f.Name] = f
	}
	return r
}

// ref resolves a field name. A name that the schema does not have is an extra;
// the device table has none.
func (r *resolver) ref(name string) (*Ref, error) {
	if name == "" {
		return nil, fault.New(fault.Invalid, "a field without a name was asked for")
	}
	if r.devices {
		f, ok := r.table[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "devices have no field %q", name)
		}
		return &Ref{Name: name, Kind: f.Kind, Place: AtDevice, Key: name}, nil
	}
	f, ok := r.fields[name]
	if !ok {
		return &Ref{Name: Clean(name), Kind: event.String, Place: AtExtra}, nil
	}
	ref := &Ref{Name: name, Kind: f.Kind, Slot: f.Slot, Place: AtColumn}
	switch f.Store {
	case event.InDocument:
		ref.Place = AtDocument
	case event.FromDevice:
		prefix, key, _ := strings.Cut(name, ".")
		links := map[string]event.Slot{"device": event.SlotDeviceUID, "src_endpoint": event.SlotSrcEndpointUID, "dst_endpoint": event.SlotDstEndpointUID}
		link, ok := links[prefix]
		column, known := r.table[key]
		if !ok || !known {
			return nil, fault.New(fault.Internal, "field %q has no place in the device table", name)
		}
		ref.Place, ref.Link, ref.Key, ref.Kind = AtDevice, link, key, column.Kind
	case event.FirstOf:
		ref.Place, ref.Of = AtFirst, [2]event.Slot{event.SlotSrcEndpointIP, event.SlotSrcEndpointHostname}
		if f.Slot == event.SlotDstEndpointHost {
			ref.Of = [2]event.Slot{event.SlotDstEndpointIP, event.SlotDstEndpointHostname}
		}
	case event.InColumn:
	}
	return ref, nil
}

func (r *resolver) classes(p *Plan, q Query) error {
	if r.devices && len(q.Classes) > 0 {
		return fault.New(fault.Invalid, "devices have no classes").WithHint("leave the class out, or ask for events")
	}
	for _, name := range q.Classes {
		c, ok := event.ClassByName(name)
		if !ok {
			return fault.New(fault.Invalid, "there is no class %q", name)
		}
		if !slices.Contains(p.Classes, c) {
			p.Classes = append(p.Classes, c)
		}
	}
	return nil
}

func (r *resolver) timeRange(p *Plan, q Query) error {
	if q.Time.Last != "" || q.Compare != "" {
		return fault.New(fault.Invalid, "the time range %q is not resolved yet", q.Time.Last+q.Compare)
	}
	p.From, p.To = q.Time.From, q.Time.To
	p.Bounded = !q.Time.IsZero()
	if q.Bucket == "" {
		return nil
	}
	if r.devices {
		return fault.New(fault.Invalid, "devices have no time to group by")
	}
	d, err := ParseDuration(q.Bucket)
	if err != nil {
		return err
	}
	p.Bucket = d
	return nil
}

func (r *resolver) where(p *Plan, q Query) (err error) {
	p.Where, err = r.cond(q.Where, 0)
	return err
}

func (r *resolver) columns(p *Plan, q Query) error {
	var err error
	if p.Grouped {
		if len(q.Select) > 0 {
			return fault.New(fault.Invalid, "a query selects fields or computes measures, not both")
		}
		err = r.groupColumns(p, q)
	} else {
		err = r.rowColumns(p, q)
	}
	if err != nil {
		return err
	}
	if len(p.Columns) > planColumns {
		return fault.New(fault.Limited, "the query has %d columns", len(p.Columns)).WithHint("use at most %d", planColumns)
	}
	seen := map[string]bool{}
	for _, c := range p.Columns {
		if seen[c.Name] {
			return fault.New(fault.Invalid, "the column %q appears twice", c.Name).WithHint("name a measure with as")
		}
		seen[c.Name] = true
	}
	return nil
}

func (r *resolver) rowColumns(p *Plan, q Query) error {
	names := q.Select
	if len(names) == 0 && r.devices {
		for _, f := range r.list {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		names = DefaultSelect(q.Classes)
	}
	for _, name := range names {
		ref, err := r.ref(name)
		if err != nil {
			return err
		}
		p.Columns = append(p.Columns, Column{Name: ref.Name, Kind: ref.Kind, Ref: ref})
	}
	return nil
}

func (r *resolver) groupColumns(p *Plan, q Query) error {
	if p.Bucket > 0 {
		p.Columns = append(p.Columns, Column{Name: "time", Kind: event.Time, Bucket: true})
	}
	lists := 0
	for _, name := range q.Group {
		ref, err := r.ref(name)
		if err != nil {
			return err
		}
		c := Column{Name: ref.Name, Kind: ref.Kind, Ref: ref}
		if ref.Kind == event.List {
			c.Kind, c.Members = event.String, true
			lists++
		}
		p.Columns = append(p.Columns, c)
	}
	if lists > 1 {
		return fault.New(fault.Invalid, "a query can group by the members of one list field only")
	}
	for _, m := range q.Measures {
		c, err := r.measure(m, p.Columns)
		if err != nil {
			return err
		}
		p.Columns = append(p.Columns, c)
	}
	return nil
}

func (r *resolver) measure(m Measure, before []Column) (Column, error) {
	pm := &PlanMeasure{Fn: m.Fn}
	c := Column{Name: Clean(m.Name()), Measure: pm}
	if _, derived := m.Fn.Derived(); derived {
		c.Kind = event.Float
		return c, pm.operands(m, before)
	}
	var err error
	if pm.Where, err = r.cond(m.Where, 0); err != nil {
		return c, err
	}
	if m.Field != "" {
		if pm.Ref, err = r.ref(m.Field); err != nil {
			return c, err
		}
	}
	c.Kind, err = r.measureKind(pm)
	return c, err
}

// operands resolves what a derived measure is computed of.
func (pm *PlanMeasure) operands(m Measure, before []Column) error {
	n, _ := m.Fn.Derived()
	for _, name := range m.Of {
		at := slices.IndexFunc(before, func(c Column) bool { return c.Measure != nil && c.Name == name })
		if at < 0 || before[at].Kind != event.Int && before[at].Kind != event.Float {
			return fault.New(fault.Invalid, "%s is computed of %q, which is no number before it", m.Fn, name)
		}
		pm.Of = append(pm.Of, at)
	}
	if len(pm.Of) != n {
		return fault.New(fault.Invalid, "%s is computed of %d measures, not %d", m.Fn, n, len(pm.Of))
	}
	return nil
}

// measureKind says which kind of value a measure gives, or why it cannot be
// computed. Numbers of extras are those values that read as one.
func (r *resolver) measureKind(m *PlanMeasure) (event.Kind, error) {
	switch m.Fn {
	case First, Last, Days:
		if m.Ref != nil || r.devices {
			return 0, fault.New(fault.Invalid, "%s is the time of events and takes no field", m.Fn)
		}
		if m.Fn == Days {
			return event.Int, nil
		}
		return event.Time, nil
	case Count:
		return event.Int, nil
	default:
		if !isFn(string(m.Fn)) {
			return 0, fault.New(fault.Invalid, "there is no measure %q", m.Fn)
		}
	}
	if m.Ref == nil {
		return 0, fault.New(fault.Invalid, "%s needs a field", m.Fn)
	}
	if m.Fn == Distinct {
		return event.Int, nil
	}
	kind := m.Ref.Kind
	if m.Ref.Place == AtExtra {
		kind = event.Float
	}
	_, percentile := m.Fn.Percentile()
	switch {
	case kind == event.Float, kind == event.Int && (m.Fn == Avg || percentile):
		return event.Float, nil
	case kind == event.Int:
		return event.Int, nil
	case (m.Fn == Min || m.Fn == Max) && (kind == event.Time || kind == event.String):
		return kind, nil
	}
	return 0, fault.New(fault.Invalid, "%s cannot be computed of %s: it is a %s", m.Fn, m.Ref.Name, kind)
}
