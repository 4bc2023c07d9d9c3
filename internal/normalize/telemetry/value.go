package telemetry

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/record"
)

// Value is what was published under a topic and what no other dialect knows: a
// bare number or word that the topic names, JSON without a time or a device, text.
// Nothing looks like it: a source of MQTT asks for it.
func Value() record.Dialect {
	return record.Dialect{
		Name: "mqtt-value", Cut: cutWhole, Piecemeal: true, Memoryless: true,
		Detect: func([]byte, string) int { return 0 },
		New: func(src record.Source) record.Parser {
			return &value{out: output{src: src, log: "telemetry/mqtt"}}
		},
	}
}

type value struct {
	out     output
	reader  Reader
	scan    jsonleaf.Scanner
	carrier record.Carrier
}

// Hear implements [record.Hearer].
func (p *value) Hear(c record.Carrier) {
	p.carrier = c
	p.out.src.Clock(c)
}

// Parse implements [record.Parser].
func (p *value) Parse(rec record.Record, emit func(*event.Event)) error {
	frame := p.out.src.Frame()
	text := strings.TrimSpace(string(rec.Raw))
	m, ok := p.reader.Payload(p.carrier.Topic, rec.Raw, frame)
	switch {
	case ok:
		if len(m.Readings) == 1 && text[0] != '{' && text[0] != '[' && p.carrier.Metric != "" {
			m.Readings[0].Name = p.carrier.Metric
		}
	case text == "" || !utf8.ValidString(text):
		return fault.New(fault.Invalid, "a payload that is neither text nor of a known format")
	case text[0] == '{':
		leaves, err := p.scan.Read(text)
		if err != nil {
			return err
		}
		m = fromLeaves(leaves, frame)
	default:
		m = p.word(text)
	}
	m.came(p.carrier)
	p.out.give(&m, rec, record.Text(rec.Raw), emit)
	return nil
}

// longestWord is the longest text that is a value, such as the name of a state.
const longestWord = 128

// word is a text that is no number: a state that the topic names, or a message.
func (p *value) word(text string) (m Message) {
	if len(text) > longestWord || strings.ContainsAny(text, "\r\n") {
		m.keep("text", text)
		return m
	}
	name := p.carrier.Metric
	if name == "" {
		name = p.carrier.Topic[strings.LastIndexByte(p.carrier.Topic, '/')+1:]
	}
	r := Reading{Name: name, Text: text}
	if v, err := strconv.ParseBool(strings.ToLower(text)); err == nil && len(text) > 1 {
		r.truth(v)
	}
	m.Readings = []Reading{r}
	return m
}
