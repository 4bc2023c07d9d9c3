// Package otlp reads log records as OpenTelemetry collectors export them (OTLP
// 1.x over HTTP, protobuf or JSON): a body that is a text is the record as its
// program wrote it, and is handed on as that; any other becomes a line of JSON.
//
// It must not parse meaning: what the resource tells of the host goes with the
// record, and stays the sender's word.
package otlp

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Bounds of what a request may unfold to.
const (
	maxDepth = 16 // of values in values
	partSize = 256 << 10
)

// Read turns the body of an export request into payloads, one or more for each
// resource. Refused counts records that are longer than a payload.
func Read(body []byte, isJSON bool, source, peer string, now time.Time) (list []ingest.Payload, lines, refused int64, err error) {
	var data logspb.LogsData // on the wire the same as ExportLogsServiceRequest
	if isJSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: 100}.Unmarshal(body, &data)
	} else {
		err = proto.Unmarshal(body, &data)
	}
	if err != nil {
		return nil, 0, 0, fault.Wrap(fault.Invalid, err, "the body is no export of OTLP logs").WithHint("send ExportLogsServiceRequest as application/x-protobuf or application/json")
	}
	for _, r := range data.GetResourceLogs() {
		meta := hostOf(r.GetResource().GetAttributes())
		texts := parts{meta: meta, source: source, peer: peer + "/" + meta[ingest.MetaDevice], now: now}
		trees := texts // what was no text is another format than what was
		trees.peer += "/json"
		for _, scope := range r.GetScopeLogs() {
			for _, rec := range scope.GetLogRecords() {
				line, isText := lineOf(rec, r.GetResource().GetAttributes(), now)
				switch {
				case len(line) > ingest.MaxPayload/2:
					refused++
				case len(line) == 0:
				case isText:
					texts.add(line)
					lines++
				default:
					trees.add(line)
					lines++
				}
			}
		}
		list = append(append(list, texts.end()...), trees.end()...)
	}
	return list, lines, refused, nil
}

// parts gathers lines of one resource.
type parts struct {
	meta         map[string]string
	source, peer string
	now          time.Time
	buf          bytes.Buffer
	list         []ingest.Payload
}

func (p *parts) add(line []byte) {
	if p.buf.Len() > 0 && p.buf.Len()+len(line) > partSize {
		p.cut()
	}
	p.buf.Write(line)
	p.buf.WriteByte('\n')
}

func (p *parts) cut() {
	if p.buf.Len() > 0 {
		p.list = append(p.list, ingest.Payload{Source: p.source, Peer: p.peer, Received: p.now, Meta: p.meta, Data: bytes.Clone(p.buf.Bytes())})
		p.buf.Reset()
	}
}

func (p *parts) end() []ingest.Payload {
	p.cut()
	return p.list
}

// hostOf is what a resource tells of the machine (semantic conventions for hosts
// and services).
func hostOf(attrs []*commonpb.KeyValue) map[string]string {
	meta := map[string]string{}
	for _, a := range attrs {
		v := a.GetValue().GetStringValue()
		switch {
		case v == "" || len(v) > 1024:
		case a.GetKey() == "host.name":
			meta[ingest.MetaDevice] = v
		case a.GetKey() == "service.name":
			meta["service.name"] = v
		}
	}
	return meta
}

// lineOf is a record as a line: its body, if that is a text, else JSON with all
// that it has.
func lineOf(rec *logspb.LogRecord, resource []*commonpb.KeyValue, now time.Time) (line []byte, isText bool) {
	if text, ok := rec.GetBody().GetValue().(*commonpb.AnyValue_StringValue); ok {
		return []byte(strings.TrimSpace(strings.NewReplacer("\r\n", "#012", "\n", "#012", "\x00", "").Replace(strings.TrimRight(text.StringValue, "\r\n")))), true
	}
	at := cmp.Or(rec.GetTimeUnixNano(), rec.GetObservedTimeUnixNano())
	out := map[string]any{"timestamp": timeOf(at, now), "body": valueOf(rec.GetBody(), 0)}
	if s := rec.GetSeverityText(); s != "" {
		out["severity"] = s
	}
	for _, a := range resource {
		out["resource."+a.GetKey()] = valueOf(a.GetValue(), 0)
	}
	for _, a := range rec.GetAttributes() {
		if _, taken := out[a.GetKey()]; !taken {
			out[a.GetKey()] = valueOf(a.GetValue(), 0)
		}
	}
	line, err := json.Marshal(out)
	if err != nil {
		return nil, false // a number that JSON has not; none of the kinds of values gives one
	}
	return line, false
}

func timeOf(nanos uint64, now time.Time) string {
	if nanos == 0 || nanos > 1<<63-1 {
		return now.UTC().Format(time.RFC3339Nano)
	}
	return time.Unix(0, int64(nanos)).UTC().Format(time.RFC3339Nano)
}

func valueOf(v *commonpb.AnyValue, depth int) any {
	if depth > maxDepth {
		return "…"
	}
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return x.StringValue
	case *commonpb.AnyValue_BoolValue:
		return x.BoolValue
	case *commonpb.AnyValue_IntValue:
		return x.IntValue
	case *commonpb.AnyValue_DoubleValue:
		if x.DoubleValue != x.DoubleValue || x.DoubleValue > 1e308 || x.DoubleValue < -1e308 { // JSON has no such numbers
			return nil
		}
		return x.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		list := make([]any, len(x.ArrayValue.GetValues()))
		for i, one := range x.ArrayValue.GetValues() {
			list[i] = valueOf(one, depth+1)
		}
		return list
	case *commonpb.AnyValue_KvlistValue:
		out := make(map[string]any, len(x.KvlistValue.GetValues()))
		for _, one := range x.KvlistValue.GetValues() {
			out[one.GetKey()] = valueOf(one.GetValue(), depth+1)
		}
		return out
	}
	return nil
}
