package correlate_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/correlate"
	"vedette/internal/event"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return start.Add(time.Hour) }

func techniques(t testing.TB) *correlate.Techniques {
	t.Helper()
	q, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func correlator(t testing.TB) *correlate.Correlator {
	return correlate.New(correlate.Config{Techniques: techniques(t)}, clock)
}

// serial numbers findings.
type serial int

// finding makes one, n minutes after the start.
func (n *serial) finding(minute float64, rule string, sev event.Severity, src, dst string, techs ...string) event.Finding {
	*n++
	at := start.Add(time.Duration(minute * float64(time.Minute)))
	f := event.Finding{
		UID: fmt.Sprintf("f%06d", *n), Rule: rule, Title: "rule " + rule, Family: event.FamilySigma, Severity: sev, Techniques: techs,
		Time: at, First: at, Count: 1, Src: side(src), Dst: side(dst), Device: deviceOf(dst),
	}
	if f.Device == "" {
		f.Device = deviceOf(src)
	}
	return f
}

// side is a device when it is named, and an address otherwise.
func side(s string) event.Side {
	if deviceOf(s) != "" {
		return event.Side{UID: s, IP: "10.0.0.1"}
	}
	return event.Side{IP: s}
}

func deviceOf(s string) string {
	if s == "" || strings.ContainsAny(s[:1], "0123456789") {
		return ""
	}
	return s
}

// TestPlantAttack: a scan, a login and a stop of a PLC are one incident that
// says so.
func TestPlantAttack(t *testing.T) {
	c := correlator(t)
	var n serial
	uids := map[string]bool{}
	for i := range 14 {
		uids[c.Add(n.finding(float64(i)/10, "scan", event.Medium, "10.1.2.3", fmt.Sprintf("dev-%02d", i), "T0846"))] = true
	}
	uids[c.Add(n.finding(20, "login", event.Medium, "10.1.2.3", "dev-03", "T0812"))] = true
	uids[c.Add(n.finding(40, "stop", event.High, "10.1.2.3", "plc-02", "T0858"))] = true
	uids[c.Add(n.finding(42, "param", event.High, "10.1.2.3", "plc-02", "T0836"))] = true
	if len(uids) != 1 {
		t.Fatalf("%d incidents, want 1", len(uids))
	}
	in := c.Incidents()[0]
	in, _ = c.Get(in.UID)
	if os.Getenv("SHOW") != "" {
		t.Logf("%+v", in)
	}
	if in.Findings.Count != 17 || in.Severity != event.Critical || len(in.Stages) < 3 {
		t.Errorf("%d findings, %s, stages %v", in.Findings.Count, in.Level, in.Stages)
	}
	if want := "plc-02 was told to change its operating mode and had a parameter written by 10.1.2.3, after a scan of 14 devices"; in.Title != want {
		t.Errorf("title %q, want %q", in.Title, want)
	}
	for _, j := range in.Joins {
		t.Log(j.Score, j.Reason)
	}
}

func BenchmarkAddMixed(b *testing.B) {
	c := correlator(b)
	var n serial
	b.ReportAllocs()
	for i := range b.N {
		c.Add(n.finding(float64(i)/50, fmt.Sprintf("r%d", i%40), event.Low, fmt.Sprintf("dev-%d", i%5000), fmt.Sprintf("10.9.%d.%d", i/7%200, i%250), "T0846"))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "findings/s")
}
