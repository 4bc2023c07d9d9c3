//go:build unix

package correlateeval

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"vedette/content"
	"vedette/internal/correlate"
	"vedette/internal/event"
)

// bench adds findings of a case, made beforehand.
func bench(b *testing.B, make func(int) event.Finding) {
	t, err := correlate.LoadTechniques(content.Techniques())
	if err != nil {
		b.Fatal(err)
	}
	found := []event.Finding{}
	for i := range b.N {
		f := make(i)
		f.UID, f.Count, f.Family, f.First = event.FindingUID("bench", "", f.Time.String()+f.Rule+string(rune(i))), 1, event.FamilySigma, f.Time
		found = append(found, f)
	}
	c := correlate.New(correlate.Config{Techniques: t}, time.Now)
	b.ReportAllocs()
	runtime.GC()
	begun := processor(b)
	b.ResetTimer()
	for _, f := range found {
		c.Add(f)
	}
	b.StopTimer()
	// The clock tells what others on the machine do; processor time, with that of
	// the collector, what this takes.
	b.ReportMetric(float64(b.N)/(processor(b)-begun).Seconds(), "findings/cpu-s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "findings/s")
}

// processor is the processor time that the process has taken.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkHub(b *testing.B)   { bench(b, hub) }
func BenchmarkFlood(b *testing.B) { bench(b, flood) }
func BenchmarkStorm(b *testing.B) { bench(b, storm) }
