package normalize_test

import (
	"bytes"
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
}
