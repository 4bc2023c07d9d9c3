package telemetry

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// SenML is a file of SenML packs (RFC 8428, JSON): arrays whose records build on
// the base values of those before them in the same array, which is why they
// are cut as wholes.
func SenML() record.Dialect {
	return record.Dialect{
		Name: "senml", Detect: detectSenML, Cut: cutPacks, Piecemeal: true, Memoryless: true,
		New: func(src record.Source) record.Parser {
			return &senml{out: output{src: src, log: "telemetry/senml"}, frame: src.Frame()}
		},
	}
}

// senmlLabels are the labels of RFC 8428, table 1, and of RFC 8798.
var senmlLabels = map[string]bool{
	"bn": true, "bt": true, "bu": true, "bv": true, "bs": true, "bver": true, "n": true, "u": true, "v": true, "vs": true, "vb": true, "vd": true,
	"s": true, "t": true, "ut": true,
}

// detectSenML asks that the first record has only labels of SenML, with a name
// and a value.
func detectSenML(head []byte, _ string) int {
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\xef\xbb\xbf"), " \t\r\n")
	if !strings.HasPrefix(text, "[") {
		return 0
	}
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return 0
	}
	var named, valued bool
	for n := 0; n < 2 && dec.More(); n++ { // the first may hold base values alone
		var first map[string]json.RawMessage
		if dec.Decode(&first) != nil {
			break
		}
		for label := range first {
			if !senmlLabels[label] {
				return 0
			}
			named = named || label == "n" || label == "bn"
			valued = valued || label[0] == 'v' || label == "s" || label == "bv"
		}
	}
	if named && valued {
		return 95
	}
	return 0
}

type senml struct {
	out     output
	frame   moment.Frame
	carrier record.Carrier
}

// Hear implements [record.Hearer]: times without a base count from when the pack
// came.
func (p *senml) Hear(c record.Carrier) {
	p.carrier = c
	p.out.src.Clock(c)
	p.frame = p.out.src.Frame()
}

// Parse implements [record.Parser].
func (p *senml) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.out.src.Keep(rec.Raw)
	m, err := readPack(strings.TrimSpace(strings.TrimPrefix(raw, "\xef\xbb\xbf")), p.frame)
	if err != nil {
		return err
	}
	m.came(p.carrier)
	p.out.give(&m, rec, record.Text(raw), emit)
	return nil
}

// pack is a pack being resolved (section 4.6).
type pack struct {
	frame      moment.Frame
	name, unit string
	time       float64
	value, sum string
	m          Message
	skipped    int
}

// readPack reads an array of records.
func readPack(text string, frame moment.Frame) (Message, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return Message{}, fault.New(fault.Invalid, "not a SenML pack")
	}
	p := pack{frame: frame}
	var scan jsonleaf.Scanner
	var one json.RawMessage
	for dec.More() {
		if err := dec.Decode(&one); err != nil {
			return Message{}, fault.New(fault.Invalid, "not valid JSON")
		}
		leaves, err := scan.Read(string(one))
		if err != nil {
			return Message{}, err
		}
		if err := p.record(leaves); err != nil {
			return Message{}, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return Message{}, fault.New(fault.Invalid, "the SenML pack breaks off")
	}
	if p.skipped > 0 {
		p.m.keep("telemetry.not_read", strconv.Itoa(p.skipped))
	}
	if len(p.m.Readings) == 0 {
		return Message{}, fault.New(fault.Invalid, "a SenML pack without a value")
	}
	return p.m, nil
}

// record takes one record. Its base values count for it and for those after it.
func (p *pack) record(leaves []jsonleaf.Leaf) error {
	own := make(map[string]string, len(leaves))
	var more []event.Extra
	for i := range leaves {
		key, v := leaves[i].Key.Name, leaves[i].Value
		switch {
		case senmlLabels[key]:
			own[key] = v
		case strings.HasSuffix(key, "_"): // section 4.4: what is not understood must not be read on
			return fault.New(fault.Invalid, "the SenML label %q is not known, and must be", cut(key))
		case v != "":
			more = append(more, event.Extra{Name: key, Value: v})
		}
	}
	p.base(own)
	if _, sum := own["s"]; !sum && !hasValue(own) && (p.value == "" || own["n"] == "" && own["t"] == "") {
		for _, x := range more {
			p.m.keep(x.Name, x.Value)
		}
		return nil
	}
	if len(p.m.Readings) >= maxReadings {
		p.skipped++
		return nil
	}
	r := p.reading(own)
	r.More = append(r.More, more...)
	p.m.Readings = append(p.m.Readings, r)
	return nil
}

func hasValue(own map[string]string) bool {
	for _, key := range [...]string{"v", "vs", "vb", "vd"} {
		if _, ok := own[key]; ok {
			return true
		}
	}
	return false
}

func (p *pack) base(own map[string]string) {
	set := func(key string, to *string) {
		if v, ok := own[key]; ok {
			*to = v
		}
	}
	set("bn", &p.name)
	set("bu", &p.unit)
	set("bv", &p.value)
	set("bs", &p.sum)
	if t, ok := parseNumber(own["bt"]); ok {
		p.time = t
	}
	if v := own["bver"]; v != "" {
		p.m.keep("senml.bver", v)
	}
}

// reading is a record with its base values resolved. The name is its own, and
// with its base name it is kept beside it.
func (p *pack) reading(own map[string]string) Reading {
	r := Reading{Name: p.name + own["n"], Unit: own["u"], From: sender(p.name)}
	keep := func(name, v string) {
		if v != "" {
			r.More = append(r.More, event.Extra{Name: name, Value: v})
		}
	}
	if own["n"] != "" && p.name != "" {
		keep("senml.name", r.Name)
		r.Name = own["n"]
	}
	if r.Unit == "" {
		r.Unit = p.unit
	}
	switch {
	case own["vb"] != "":
		r.truth(own["vb"] == "true")
	case own["vs"] != "":
		r.Text = own["vs"]
	case own["vd"] != "":
		r.Text = own["vd"]
	default:
		p.numeric(&r, own)
	}
	keep("senml.sum", added(p.sum, own["s"]))
	keep("senml.ut", own["ut"])
	t, _ := parseNumber(own["t"])
	r.Time = p.when(t)
	return r
}

func (p *pack) numeric(r *Reading, own map[string]string) {
	v := own["v"]
	if _, sum := own["s"]; v == "" && sum && p.value == "" {
		return // a sum alone
	}
	r.number(v)
	if base, ok := parseNumber(p.value); ok && (r.Number || v == "") {
		r.Value, r.Number, r.Text = r.Value+base, finite(r.Value+base), v
	}
}

func added(base, own string) string {
	a, aok := parseNumber(base)
	b, bok := parseNumber(own)
	switch {
	case !aok:
		return own
	case !bok:
		return base
	}
	r := Reading{Value: a + b, Number: true}
	return r.spelling()
}

// leastAbsolute is the least time that is since 1970; a lesser one is so many
// seconds from now, in the past if negative (section 4.5.3).
const leastAbsolute = 1 << 28

// when is base time plus time. Now is when the file was last written.
func (p *pack) when(t float64) time.Time {
	switch t += p.time; {
	case t >= leastAbsolute && t < 1e11:
		whole := int64(t)
		return time.Unix(whole, int64((t-float64(whole))*1e6+0.5)*1000).UTC()
	case t > -leastAbsolute && t < leastAbsolute && !p.frame.Ref.IsZero():
		return p.frame.Ref.Add(time.Duration(t * float64(time.Second))).UTC()
	}
	return time.Time{}
}

// sender reads a base name: the URN of a device with its MAC (RFC 9039), or
// words that end in a mark.
func sender(base string) Device {
	if hex, ok := strings.CutPrefix(strings.ToLower(base), "urn:dev:mac:"); ok {
		hex = strings.TrimRight(hex, ":_-/")
		if len(hex) == 16 && hex[6:10] == "fffe" { // a MAC of 48 bits in one of 64
			hex = hex[:6] + hex[10:]
		}
		if mac := record.MAC(hex); len(mac) == 17 {
			return Device{MAC: mac}
		}
	}
	return Device{Hostname: strings.Trim(base, ":_-/ ")}
}
