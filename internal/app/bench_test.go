package app_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/copilot"
)

// conns writes n connections of a few hundred devices, one every 50 ms, as
// Zeek's TSV or JSON.
func conns(n int, json bool) []byte {
	var b bytes.Buffer
	if !json {
		b.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
			"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n" +
			"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\n")
	}
	states := []string{"SF", "S0", "REJ", "SF", "SF"}
	for i := range n {
		at := fmt.Sprintf("%d.%06d", 1772350000+i/20, i%20*50000)
		src, dst := fmt.Sprintf("10.0.%d.%d", i*7%3, i*13%200+1), fmt.Sprintf("10.1.%d.%d", i*5%4, i*31%250+1)
		if json {
			fmt.Fprintf(&b, `{"ts":%s,"uid":"C%d","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"%s","id.resp_p":%d,"proto":"tcp","service":"modbus","duration":0.%d,"orig_bytes":%d,"resp_bytes":%d,"conn_state":"%s"}`+"\n",
				at, i, src, 1024+i%60000, dst, []int{502, 443, 1883}[i%3], i%1000, i%5000, i%9000, states[i%5])
			continue
		}
		fmt.Fprintf(&b, "%s\tC%d\t%s\t%d\t%s\t%d\ttcp\tmodbus\t0.%d\t%d\t%d\t%s\n", at, i, src, 1024+i%60000, dst, []int{502, 443, 1883}[i%3], i%1000, i%5000, i%9000, states[i%5])
	}
	return b.Bytes()
}

func benchOpen(b *testing.B, dir string) *app.App {
	b.Helper()
	a, err := app.Open(b.Context(), app.Config{Dir: dir, Now: func() time.Time { return clock }})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// BenchmarkIngest takes in 100 000 connections into an empty directory:
// reading, devices, and the commits that survive a kill.
func BenchmarkIngest(b *testing.B) {
	const n = 100_000
	for _, format := range []string{"zeek-tsv", "zeek-json"} {
		b.Run(format, func(b *testing.B) {
			data := conns(n, format == "zeek-json")
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				b.StopTimer()
				a := benchOpen(b, filepath.Join(b.TempDir(), "d"))
				b.StartTimer()
				sum, err := a.IngestStream(b.Context(), bytes.NewReader(data), "conn.log", "", clock)
				if err != nil || sum.Stored != n {
					b.Fatalf("%+v, %v", sum, err)
				}
				b.StopTimer()
				if err := a.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkAsk answers questions over 100 000 connections, from the words to
// the verified sentences.
func BenchmarkAsk(b *testing.B) {
	a := benchOpen(b, filepath.Join(b.TempDir(), "d"))
	defer a.Close()
	if _, err := a.IngestStream(b.Context(), bytes.NewReader(conns(100_000, false)), "conn.log", "", clock); err != nil {
		b.Fatal(err)
	}
	now := time.Unix(1772355000, 0)
	for name, q := range map[string]string{
		"count":   "how many connections failed in the last hour?",
		"top":     "top 10 sources by bytes sent",
		"unusual": "show unusual communication patterns over the past 30 minutes",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ans, err := a.Ask(b.Context(), copilot.Request{Question: q, Now: now})
				if err != nil || ans.Status != copilot.StatusAnswered {
					b.Fatalf("%v %v", ans, err)
				}
			}
		})
	}
}
