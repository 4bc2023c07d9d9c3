package app_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
	"vedette/internal/copilot"
)

// BenchmarkAskLargeFleet asks about one of 100 000 named devices.
func BenchmarkAskLargeFleet(b *testing.B) {
	const n = 100_000
	a, err := app.Open(b.Context(), app.Config{Dir: filepath.Join(b.TempDir(), "d"), Now: func() time.Time { return clock }})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	var csv strings.Builder
	csv.WriteString("ip,name,type\n")
	for i := range n {
		fmt.Fprintf(&csv, "10.%d.%d.%d,press %d east,plc\n", i>>16, i>>8&255, i&255, i)
	}
	if _, err := a.ImportDevices(b.Context(), "maria", strings.NewReader(csv.String())); err != nil {
		b.Fatal(err)
	}
	if _, err := a.IngestStream(b.Context(), strings.NewReader(sessions([]string{"10.0.0.1"}, 10, clock)), "conn.log", "", clock); err != nil {
		b.Fatal(err)
	}
	ask := func() {
		if _, err := a.Ask(b.Context(), copilot.Request{Question: "how many connections did press 4242 east make?", Now: clock}); err != nil {
			b.Fatal(err)
		}
	}
	ask()
	for b.Loop() {
		ask()
	}
}
