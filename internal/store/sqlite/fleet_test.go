package sqlite_test

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"vedette/internal/store"
	"vedette/internal/store/sqlite"
)

// BenchmarkFleet writes the records of 50 000 new devices by 5 000, and all of
// them once more, as an ingest of a large fleet does.
func BenchmarkFleet(b *testing.B) {
	const devices, batch = 50_000, 5_000
	changes := make([]store.Change, devices)
	for i := range changes {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		changes[i] = store.Change{Kind: "device", ID: "dev-" + hex.EncodeToString(sum[:6]), Version: store.AnyVersion, JSON: []byte(`"` + strings.Repeat("x", 1200) + `"`)}
	}
	for b.Loop() {
		r, err := sqlite.Open(filepath.Join(b.TempDir(), "records.db"))
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < devices; i += batch {
			if err := r.Update(b.Context(), changes[i:i+batch]...); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Update(b.Context(), changes...); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/devices/2, "us/record")
}
