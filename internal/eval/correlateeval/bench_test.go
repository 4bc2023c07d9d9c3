package correlateeval

import (
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
	b.ResetTimer()
	for _, f := range found {
		c.Add(f)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "findings/s")
}

func BenchmarkHub(b *testing.B)   { bench(b, hub) }
func BenchmarkFlood(b *testing.B) { bench(b, flood) }
func BenchmarkStorm(b *testing.B) { bench(b, storm) }
