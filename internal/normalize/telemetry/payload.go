package telemetry

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
)

// MaxPayload is the longest payload of MQTT that is understood.
const MaxPayload = 1 << 20

// Reader understands payloads of one stream of messages. It remembers what
// births of Sparkplug call their aliases. The zero value is ready for use.
type Reader struct{ aliases map[string]string }

// Payload understands what was published under a topic of MQTT: Sparkplug B
// under its own topics, else SenML, a JSON object that measures something, or a
// bare number, which the topic's last word names. ok is false for anything
// else.
func (s *Reader) Payload(topic string, payload []byte, frame moment.Frame) (m Message, ok bool) {
	if len(payload) == 0 || len(payload) > MaxPayload {
		return m, false
	}
	if strings.HasPrefix(topic, sparkplugTopic) {
		return s.sparkplug(topic, payload, frame)
	}
	return s.text(topic, payload, frame)
}

func (s *Reader) text(topic string, payload []byte, frame moment.Frame) (m Message, ok bool) {
	text := strings.TrimSpace(string(payload))
	if !utf8.ValidString(text) || text == "" {
		return m, false
	}
	switch text[0] {
	case '[':
		pack, err := readPack(text, frame)
		m, ok = pack, err == nil
	case '{':
		var scan jsonleaf.Scanner
		leaves, err := scan.Read(text)
		if err != nil {
			return m, false
		}
		m = fromLeaves(leaves, frame)
		ok = len(m.Readings) > 0
	default:
		var r Reading
		ok = r.number(text)
		r.Name = topic[strings.LastIndexByte(topic, '/')+1:]
		m.Readings = []Reading{r}
	}
	m.Topic = topic
	return m, ok
}

// carried undoes how a payload is written into JSON: hexadecimal, base64, or as
// it is.
func carried(s string) []byte {
	if len(s) >= 8 && len(s)%2 == 0 {
		if b, err := hex.DecodeString(s); err == nil && !allDigits(s) {
			return b
		}
	}
	if len(s) >= 8 && len(s)%4 == 0 && !allDigits(s) {
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b
		}
	}
	return []byte(s)
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// spelling is the value as text.
func (r *Reading) spelling() string {
	if r.Text != "" || !r.Number {
		return r.Text
	}
	return strconv.FormatFloat(r.Value, 'g', -1, 64)
}
