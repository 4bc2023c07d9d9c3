package normalize_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/normalize"
)

// zeekConn is a whole conn record of Zeek, for encoding/json.
type zeekConn struct {
	TS            float64  `json:"ts"`
	UID           string   `json:"uid"`
	OrigH         string   `json:"id.orig_h"`
	OrigP         int      `json:"id.orig_p"`
	RespH         string   `json:"id.resp_h"`
	RespP         int      `json:"id.resp_p"`
	Proto         string   `json:"proto"`
	Service       string   `json:"service"`
	Duration      float64  `json:"duration"`
	OrigBytes     int64    `json:"orig_bytes"`
	RespBytes     int64    `json:"resp_bytes"`
	ConnState     string   `json:"conn_state"`
	LocalOrig     bool     `json:"local_orig"`
	LocalResp     bool     `json:"local_resp"`
	MissedBytes   int64    `json:"missed_bytes"`
	History       string   `json:"history"`
	OrigPkts      int64    `json:"orig_pkts"`
	OrigIPBytes   int64    `json:"orig_ip_bytes"`
	RespPkts      int64    `json:"resp_pkts"`
	RespIPBytes   int64    `json:"resp_ip_bytes"`
	TunnelParents []string `json:"tunnel_parents"`
}

// connLines are the connections of the sample of Zeek's conn.log, each as the
// JSON that Zeek writes of the same record: numbers and truth values bare,
// unset columns left out, sets as arrays.
func connLines(b *testing.B) [][]byte {
	b.Helper()
	data, err := os.ReadFile("testdata/zeek-tsv/conn.log")
	if err != nil {
		b.Fatal(err)
	}
	var fields, types []string
	var out [][]byte
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		switch name, rest, _ := strings.Cut(line, "\t"); {
		case name == "#fields":
			fields = strings.Split(rest, "\t")
		case name == "#types":
			types = strings.Split(rest, "\t")
		case !strings.HasPrefix(name, "#"):
			out = append(out, connJSON(fields, types, strings.Split(line, "\t")))
		}
	}
	return out
}

func connJSON(fields, types, cells []string) []byte {
	obj := []byte{'{'}
	for i, v := range cells {
		switch {
		case strings.HasPrefix(types[i], "set["):
			v = `[]`
		case v == "-":
			continue
		case types[i] == "bool":
			v = map[string]string{"T": "true", "F": "false"}[v]
		case types[i] == "string" || types[i] == "addr" || types[i] == "enum":
			v = `"` + v + `"`
		}
		if len(obj) > 1 {
			obj = append(obj, ',')
		}
		obj = append(obj, `"`+fields[i]+`":`+v...)
	}
	return append(obj, '}')
}

// BenchmarkConn reads whole conn records, one by one: into a struct of all
// their columns with encoding/json, into events, and into events whose devices
// are known.
func BenchmarkConn(b *testing.B) {
	lines := connLines(b)
	registry := asset.New(asset.Config{}, nil, nil)
	ours := func(b *testing.B, sink func(*event.Event)) {
		p := newParser(dialect(b, "zeek-json"), "conn.log", bytes.Join(lines, []byte("\n")))
		perLine(b, lines, func(raw []byte, at int64) error { return p.Parse(normalize.Record{Raw: raw, Offset: at}, sink) })
	}
	b.Run("struct", func(b *testing.B) {
		perLine(b, lines, func(raw []byte, _ int64) error {
			var z zeekConn
			return json.Unmarshal(raw, &z)
		})
	})
	b.Run("event", func(b *testing.B) { ours(b, func(*event.Event) {}) })
	b.Run("identified", func(b *testing.B) { ours(b, registry.Observe) })
	b.Run("identified+copied", func(b *testing.B) {
		kept := make([]*event.Event, 1000)
		n := 0
		ours(b, func(e *event.Event) { registry.Observe(e); kept[n%len(kept)] = e.Clone(); n++ })
	})
}

func perLine(b *testing.B, lines [][]byte, read func(raw []byte, at int64) error) {
	size := 0
	for _, raw := range lines {
		size += len(raw)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	begin := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		if err := read(lines[i%len(lines)], int64(i)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process took of the processors, collecting garbage
// included: on a machine that others use too it tells more than the clock.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
