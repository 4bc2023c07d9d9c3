package normalize_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

func BenchmarkZeekTSV(b *testing.B)  { benchmark(b, "zeek-tsv", "testdata/zeek-tsv/conn.log") }
func BenchmarkZeekJSON(b *testing.B) { benchmark(b, "zeek-json", "testdata/zeek-json/mixed.json") }
func BenchmarkEVE(b *testing.B)      { benchmark(b, "eve", "testdata/eve/types.json") }
func BenchmarkSyslog(b *testing.B)   { benchmark(b, "syslog", "testdata/syslog/ssh.log") }
func Benchmark5424(b *testing.B)     { benchmark(b, "syslog", "testdata/syslog/rfc5424.log") }
func BenchmarkText(b *testing.B)     { benchmark(b, "text", "testdata/text/plc_boot-20250520.log") }

// BenchmarkZeekNoHeader reads rows that the built-in layouts must name.
func BenchmarkZeekNoHeader(b *testing.B) {
	benchmark(b, "zeek-tsv", "testdata/zeek-tsv/opcua_binary.log")
}

// benchmark reads the sample over and over with one parser, as one long
// source; bytes/s are those of the sample.
func benchmark(b *testing.B, name, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var records [][]byte
	for line := range bytes.Lines(data) {
		records = append(records, bytes.TrimRight(line, "\r\n"))
	}
	p := newParser(dialect(b, name), filepath.Base(path), data)
	events := 0
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for i, raw := range records {
			_ = p.Parse(normalize.Record{Raw: raw, Offset: int64(i)}, func(*event.Event) { events++ })
		}
	}
	if events == 0 {
		b.Fatal("no events")
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkEVEIntoStruct is what encoding/json takes to read the same records
// as BenchmarkEVE into a struct of the fields that most of them have, without
// making an event of them: the measure of what reading JSON may cost.
func BenchmarkEVEIntoStruct(b *testing.B) {
	type record struct {
		Timestamp string `json:"timestamp"`
		EventType string `json:"event_type"`
		FlowID    int64  `json:"flow_id"`
		SrcIP     string `json:"src_ip"`
		SrcPort   int    `json:"src_port"`
		DestIP    string `json:"dest_ip"`
		DestPort  int    `json:"dest_port"`
		Proto     string `json:"proto"`
		AppProto  string `json:"app_proto"`
		Alert     struct {
			Action    string `json:"action"`
			Signature string `json:"signature"`
			Severity  int    `json:"severity"`
		} `json:"alert"`
		Flow struct {
			PktsToServer int64 `json:"pkts_toserver"`
			PktsToClient int64 `json:"pkts_toclient"`
		} `json:"flow"`
	}
	intoStruct[record](b, "testdata/eve/types.json")
}

// BenchmarkZeekJSONIntoStruct is the same beside BenchmarkZeekJSON.
func BenchmarkZeekJSONIntoStruct(b *testing.B) {
	type record struct {
		TS        any     `json:"ts"`
		UID       string  `json:"uid"`
		OrigH     string  `json:"id.orig_h"`
		OrigP     int     `json:"id.orig_p"`
		RespH     string  `json:"id.resp_h"`
		RespP     int     `json:"id.resp_p"`
		Proto     string  `json:"proto"`
		Service   string  `json:"service"`
		Duration  float64 `json:"duration"`
		OrigBytes int64   `json:"orig_bytes"`
		RespBytes int64   `json:"resp_bytes"`
		ConnState string  `json:"conn_state"`
		Query     string  `json:"query"`
	}
	intoStruct[record](b, "testdata/zeek-json/mixed.json")
}

func intoStruct[T any](b *testing.B, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	records := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	events := 0
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range records {
			var r T
			if json.Unmarshal(raw, &r) == nil {
				events++
			}
		}
	}
	if events == 0 {
		b.Fatal("no events")
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
