package otlp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

var now = time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func attr(k, v string) *commonpb.KeyValue { return &commonpb.KeyValue{Key: k, Value: text(v)} }

func export(host string, records ...*logspb.LogRecord) *logspb.LogsData {
	return &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{
		Resource:  &resourcepb.Resource{Attributes: []*commonpb.KeyValue{attr("host.name", host), attr("service.name", "sshd")}},
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: records}},
	}}}
}

func TestBodies(t *testing.T) {
	tree := &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{
		attr("user", "root"), {Key: "port", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 22}}},
	}}}}
	raw, err := proto.Marshal(export("gw-1",
		&logspb.LogRecord{Body: text("<38>Dec 10 09:32:20 gw-1 sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2\n")},
		&logspb.LogRecord{Body: text("two\nlines")},
		&logspb.LogRecord{TimeUnixNano: 1764320000000000000, SeverityText: "ERROR", Body: tree, Attributes: []*commonpb.KeyValue{attr("net.peer.ip", "10.0.0.9")}},
		&logspb.LogRecord{Body: text(strings.Repeat("x", ingest.MaxPayload))},
		&logspb.LogRecord{Body: text("  ")},
	))
	if err != nil {
		t.Fatal(err)
	}
	list, lines, refused, err := Read(raw, false, "otlp", "u1", now)
	if err != nil || len(list) != 2 || lines != 3 || refused != 1 {
		t.Fatalf("%d payloads, %d lines, %d refused, %v", len(list), lines, refused, err)
	}
	p := list[0]
	if p.Meta[ingest.MetaDevice] != "gw-1" || p.Meta["service.name"] != "sshd" || p.Source != "otlp" || !strings.HasPrefix(p.Peer, "u1/") {
		t.Errorf("%+v", p)
	}
	got := strings.Split(strings.TrimSuffix(string(p.Data)+string(list[1].Data), "\n"), "\n")
	if got[0] != "<38>Dec 10 09:32:20 gw-1 sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2" || got[1] != "two#012lines" {
		t.Errorf("%q", got)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(got[2]), &line); err != nil {
		t.Fatal(err)
	}
	if line["timestamp"] != "2025-11-28T08:53:20Z" || line["severity"] != "ERROR" || line["net.peer.ip"] != "10.0.0.9" || line["resource.host.name"] != "gw-1" || line["body"].(map[string]any)["port"] != 22.0 {
		t.Errorf("%v", line)
	}
}

// What the collector writes as JSON, with ids in hex as the specification has it.
func TestJSON(t *testing.T) {
	body := `{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"plc-gw"}}]},"scopeLogs":[{"scope":{"name":"x"},"logRecords":[
		{"timeUnixNano":"1764320000000000000","severityNumber":9,"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","body":{"stringValue":"hello"},"later":"a field of tomorrow"}]}]}]}`
	list, lines, _, err := Read([]byte(body), true, "otlp", "u1", now)
	if err != nil || lines != 1 || string(list[0].Data) != "hello\n" {
		t.Errorf("%v %d %v", list, lines, err)
	}
	for _, bad := range []string{"", "[]", `{"resourceLogs":5}`, strings.Repeat(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[`, 200)} {
		if _, _, _, err := Read([]byte(bad), true, "otlp", "u1", now); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// Whatever comes in is bounded, and each line is one line.
func FuzzRead(f *testing.F) {
	raw, _ := proto.Marshal(export("h", &logspb.LogRecord{Body: text("a\nb")}))
	f.Add(raw, false)
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"intValue":"5"}}]}]}]}`), true)
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		list, lines, refused, err := Read(body, isJSON, "s", "p", now)
		if err != nil {
			return
		}
		n := int64(0)
		for _, p := range list {
			if len(p.Data) > ingest.MaxPayload {
				t.Fatalf("a payload of %d bytes", len(p.Data))
			}
			n += int64(bytes.Count(p.Data, []byte("\n")))
		}
		if n != lines || refused < 0 {
			t.Fatalf("%d lines in payloads, %d told", n, lines)
		}
	})
}
