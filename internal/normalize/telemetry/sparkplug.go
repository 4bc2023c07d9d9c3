package telemetry

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// Sparkplug is a file that holds one Sparkplug B payload (Eclipse Sparkplug 3.0,
// chapter 6.4), as a client of MQTT may save it.
func Sparkplug() record.Dialect {
	return record.Dialect{
		Name: "sparkplug", Detect: detectSparkplug, Cut: cutWhole, Piecemeal: true,
		New: func(src record.Source) record.Parser {
			return &sparkplugFile{out: output{src: src, log: "telemetry/sparkplug"}}
		},
	}
}

// sparkplugTopic begins the topics of Sparkplug B.
const sparkplugTopic = "spBv1.0/"

// detectSparkplug reads the payload as far as the head goes: its time and its
// first metric must be right.
func detectSparkplug(head []byte, _ string) int {
	if len(head) < 10 || head[0] != 0x08 { // the tag of the timestamp
		return 0
	}
	p, err := readPayload(head)
	if err != nil && (!errors.Is(err, errCutOff) || len(head) < 32<<10) {
		return 0
	}
	when := p.when()
	if when.Year() < 2010 || when.Year() > 2100 || len(p.metrics) == 0 {
		return 0
	}
	for _, m := range p.metrics {
		if m.name == "" && !m.aliased || m.datatype > lastDatatype {
			return 0
		}
	}
	return 90
}

// cutWhole gives the file as one record.
func cutWhole(in *bufio.Reader) func() ([]byte, int64, error) {
	done := false
	return func() ([]byte, int64, error) {
		if done {
			return nil, 0, io.EOF
		}
		done = true
		b, err := io.ReadAll(io.LimitReader(in, MaxPayload+1))
		if err == nil && len(b) > MaxPayload {
			err = fault.New(fault.Limited, "a Sparkplug payload longer than %d MiB", MaxPayload>>20)
		}
		return b, 0, err
	}
}

type sparkplugFile struct {
	out     output
	reader  Reader
	carrier record.Carrier
}

// Hear implements [record.Hearer].
func (p *sparkplugFile) Hear(c record.Carrier) {
	p.carrier = c
	p.out.src.Clock(c)
}

// Parse implements [record.Parser].
func (p *sparkplugFile) Parse(rec record.Record, emit func(*event.Event)) error {
	m, ok := p.reader.sparkplug(p.carrier.Topic, rec.Raw, moment.Frame{Ref: p.carrier.Received})
	if !ok {
		return fault.New(fault.Invalid, "not a Sparkplug B payload")
	}
	m.came(p.carrier)
	p.out.give(&m, rec, hex.EncodeToString(rec.Raw), emit)
	return nil
}

// maxAliases is how many names a reader remembers. When there are more it
// begins anew.
const maxAliases = 4096

// sparkplug reads a payload. Births name the aliases that data use; they are of
// the edge node (section 6.4.6).
func (s *Reader) sparkplug(topic string, payload []byte, frame moment.Frame) (Message, bool) {
	level := strings.Split(topic, "/")
	if len(level) > 1 && level[1] == "STATE" {
		return s.text(topic, payload, frame)
	}
	p, err := readPayload(payload)
	if err != nil || p.timestamp == 0 && len(p.metrics) == 0 {
		return Message{}, false
	}
	m := Message{Time: p.when(), Topic: topic}
	node := ""
	if len(level) >= 4 {
		node = level[1] + "/" + level[3]
		m.Device.Hostname = level[len(level)-1]
		m.keep("sparkplug.group", level[1])
		m.keep("sparkplug.message", level[2])
		m.keep("sparkplug.node", level[3])
	}
	if p.hasSeq {
		m.keep("sparkplug.seq", strconv.FormatUint(p.seq, 10))
	}
	m.keep("sparkplug.uuid", record.Text(p.uuid))
	if len(p.body) > 0 {
		m.keep("sparkplug.body_bytes", strconv.Itoa(len(p.body)))
	}
	for i := range p.metrics {
		if len(m.Readings) == maxReadings {
			m.keep("telemetry.not_read", strconv.Itoa(len(p.metrics)-maxReadings))
			break
		}
		m.Readings = append(m.Readings, s.metric(node, &p.metrics[i]))
	}
	return m, true
}

// metric makes a reading of a metric.
func (s *Reader) metric(node string, x *spMetric) Reading {
	r := Reading{Name: x.name, Time: spTime(x.timestamp), Unit: x.unit}
	if x.aliased {
		alias := strconv.FormatUint(x.alias, 10)
		r.Name = s.alias(node+"/"+alias, x.name)
		if r.Name == "" {
			r.Name = "alias " + alias
		}
		r.More = append(r.More, event.Extra{Name: "sparkplug.alias", Value: alias})
	}
	if x.datatype > 0 {
		r.More = append(r.More, event.Extra{Name: "sparkplug.datatype", Value: datatypeName(x.datatype)})
	}
	for _, mark := range [...]struct {
		name string
		set  bool
	}{{"sparkplug.historical", x.historical}, {"sparkplug.transient", x.transient}, {"sparkplug.null", x.null}} {
		if mark.set {
			r.More = append(r.More, event.Extra{Name: mark.name, Value: "true"})
		}
	}
	r.More = append(r.More, x.properties...)
	x.value(&r)
	return r
}

// alias learns or finds the name of an alias.
func (s *Reader) alias(key, name string) string {
	if name == "" {
		return s.aliases[key]
	}
	if s.aliases == nil || len(s.aliases) >= maxAliases {
		s.aliases = make(map[string]string)
	}
	s.aliases[strings.Clone(key)] = strings.Clone(cut(name))
	return name
}

// spTime is a time of Sparkplug, in milliseconds.
func spTime(ms uint64) time.Time {
	if ms == 0 || ms > 1e14 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}
