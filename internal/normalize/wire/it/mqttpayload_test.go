package it

import (
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// publish is a PUBLISH of MQTT 3.1.1 with quality 0 (section 3.3).
func publish(topic, payload string) []byte {
	return []byte("\x30" + string(rune(2+len(topic)+len(payload))) + "\x00" + string(rune(len(topic))) + topic + payload)
}

// TestMQTTMeasures publishes what devices do: each number is an event.
func TestMQTTMeasures(t *testing.T) {
	for _, c := range []struct {
		topic, payload, name string
		value                float64
		unit                 string
	}{
		{"plant/pump", `{"device":"pump-1","temp":21.5,"unit":"C"}`, "temp", 21.5, "C"},
		{"plant/pump/rpm", `1480`, "rpm", 1480, ""},
		{"s", `[{"bn":"p/","n":"flow","u":"l/s","v":3}]`, "flow", 3, "l/s"},
		{"spBv1.0/g/NDATA/n", "\x08\x01\x12\x07\x0a\x01x\x20\x03\x50\x07", "x", 7, ""},
	} {
		out, err := prototest.Run(newMQTT(prototest.Flow("tcp", 1883)), true, prototest.Say{Side: proto.Client, Data: publish(c.topic, c.payload)})
		if err != nil || len(out.Events) != 2 {
			t.Fatalf("%s: %d events, %v", c.topic, len(out.Events), err)
		}
		e := out.Events[1]
		if event.Class(e.ClassUID()) != event.DeviceTelemetry || e.MetricName() != c.name || e.MetricValue() != c.value || e.MetricUnit() != c.unit || e.MQTTTopic() != c.topic {
			t.Errorf("%s: %s", c.topic, e.AppendJSON(nil))
		}
	}
	for _, payload := range []string{"on", `{"user":"x"}`, "", "\xff\xfe\x00"} {
		out, err := prototest.Run(newMQTT(prototest.Flow("tcp", 1883)), true, prototest.Say{Side: proto.Client, Data: publish("a", payload)})
		if err != nil || len(out.Events) != 1 {
			t.Errorf("%q: %d events, %v", payload, len(out.Events), err)
		}
	}
}
