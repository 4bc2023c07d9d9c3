package table

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// shape is what the rows of a table are.
type shape uint8

const (
	shapeUnknown shape = iota
	shapeEvents
	shapeMeasures // numbers at a time, one reading a cell
)

// maxRow is the longest row that goes over lines.
const maxRow = 1 << 20

// parser reads one table. It holds a row back while a quoted cell goes on.
type parser struct {
	src     record.Source
	frame   moment.Frame
	mapping *Mapping
	layout  *layout
	shape   shape
	held    []byte // of a row that goes on
	from    int64  // where it begins
	cells   []string
	e       event.Event
}

func newParser(src record.Source) *parser { return &parser{src: src, frame: src.Frame()} }

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	if len(p.held) > 0 {
		if len(p.held)+len(rec.Raw) > maxRow {
			p.held = nil
			return fault.New(fault.Limited, "a row longer than %d KiB: a quote is not closed", maxRow>>10)
		}
		p.held = append(append(p.held, '\n'), rec.Raw...)
		rec = record.Record{Raw: p.held, Offset: p.from}
	}
	raw := record.Text(rec.Raw)
	if p.layout == nil {
		return p.header(raw)
	}
	var open bool
	if p.cells, open = split(raw, p.layout.delimiter, p.cells[:0]); open {
		if len(p.held) == 0 {
			p.held, p.from = append(p.held, rec.Raw...), rec.Offset
		}
		return nil
	}
	err := p.row(rec, raw, emit)
	p.held = p.held[:0]
	return err
}

// End implements [record.Ender]: a quote that is never closed ends with the
// table.
func (p *parser) End(emit func(*event.Event)) {
	if len(p.held) == 0 || p.layout == nil {
		return
	}
	rec := record.Record{Raw: p.held, Offset: p.from}
	raw := record.Text(p.held)
	p.cells, _ = split(raw, p.layout.delimiter, p.cells[:0])
	_ = p.row(rec, raw, emit) // no record is left that the error could be told of
	p.held = nil
}

// header takes the mapping and the names of the columns.
func (p *parser) header(line string) (err error) {
	line = strings.TrimPrefix(line, "\xef\xbb\xbf")
	if p.mapping == nil && strings.HasPrefix(line, mark) {
		p.mapping, err = parseMapping(line)
		return err
	}
	if p.layout = newLayout(line, p.mapping); p.layout == nil {
		return fault.New(fault.Invalid, "no header that names columns")
	}
	return nil
}

// row makes events of a row.
func (p *parser) row(rec record.Record, raw string, emit func(*event.Event)) error {
	if len(p.cells) > len(p.layout.columns) {
		return fault.New(fault.Invalid, "%d cells where the header names %d", len(p.cells), len(p.layout.columns))
	}
	if p.shape == shapeUnknown {
		p.shape = p.layout.sees(p.cells)
	}
	when, at := p.when()
	if p.shape == shapeMeasures {
		return p.measures(rec, raw, when, at, emit)
	}
	p.e.Reset()
	for i, cell := range p.cells {
		if i != at {
			p.put(&p.layout.columns[i], cell)
		}
	}
	p.meaning()
	record.Finish(&p.e, &p.src, rec, raw, 0, when)
	emit(&p.e)
	return nil
}

// when is the time of the row, and the column that said it; -1 for none alone.
func (p *parser) when() (time.Time, int) {
	var all []string // such as a date and a time of day
	for i := range p.cells {
		if !p.layout.columns[i].isTime {
			continue
		}
		v := strings.TrimSpace(p.cells[i])
		if t := p.stamp(v); !t.IsZero() {
			return t, i
		}
		if len(all) < maxTimes {
			all = append(all, v)
		}
	}
	if len(all) < 2 {
		return time.Time{}, -1
	}
	return p.stamp(strings.Join(all, " ")), -1
}

// maxTimes is how many columns a time may be cut into.
const maxTimes = 3

func (p *parser) stamp(v string) time.Time {
	if p.mapping == nil || p.mapping.TimeFormat == "" {
		return p.frame.Any(v)
	}
	t, err := time.ParseInLocation(p.mapping.TimeFormat, v, p.frame.Zone())
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func (p *parser) put(c *column, cell string) {
	v := strings.TrimSpace(cell)
	switch {
	case v == "":
	case c.slot == record.NoSlot || p.e.Has(c.slot):
		record.Keep(&p.e, c.name, v)
	case c.slot == event.SlotConnectionInfoProtocolName || c.slot == event.SlotAppName:
		record.Set(&p.e, c.slot, c.name, record.Lower(v))
	case c.slot == event.SlotSrcEndpointMAC || c.slot == event.SlotDstEndpointMAC || c.slot == event.SlotDeviceMAC:
		record.Set(&p.e, c.slot, c.name, record.MAC(v))
	default:
		record.Set(&p.e, c.slot, c.name, v)
	}
}

// measures makes an event of each number. What else the row says goes with all
// of them, as long as that repeats little.
func (p *parser) measures(rec record.Record, raw string, when time.Time, at int, emit func(*event.Event)) error {
	part, little := 0, len(raw)*len(p.cells) <= maxRepeated
	for i := range p.cells {
		c := &p.layout.columns[i]
		v, ok := number(p.cells[i])
		if !ok || !c.measure || i == at {
			continue
		}
		p.e.Reset()
		p.e.SetMetricName(c.name)
		p.e.SetMetricValue(v)
		p.e.SetMetricUnit(c.unit)
		if part == 0 || little {
			p.others(at)
		}
		p.finish(rec, raw, part, when, emit)
		part++
	}
	if part == 0 {
		p.e.Reset()
		p.others(at)
		p.finish(rec, raw, 0, when, emit)
	}
	return nil
}

// maxRepeated is how many bytes the events of one row may repeat of it.
const maxRepeated = 64 << 10

// others puts in what is no reading.
func (p *parser) others(at int) {
	for i, cell := range p.cells {
		c := &p.layout.columns[i]
		if _, ok := number(cell); i != at && (!ok || !c.measure) {
			p.put(c, cell)
		}
	}
}

func (p *parser) finish(rec record.Record, raw string, part int, when time.Time, emit func(*event.Event)) {
	p.meaning()
	if part > 0 && len(raw)*len(p.cells) > maxRepeated {
		raw = strings.ToValidUTF8(raw[:min(len(raw), 512)], "")
		rec.Raw = rec.Raw[:min(len(rec.Raw), 512)]
	}
	record.Finish(&p.e, &p.src, rec, raw, part, when)
	emit(&p.e)
}

// number reads a cell; a comma may be its point where it is no delimiter.
func number(cell string) (float64, bool) {
	s := strings.TrimSpace(cell)
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789+-.,eE") != "" {
		return 0, false
	}
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}
