package app_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
)

// What retention is going to drop is told when it is taken in, whatever order the
// files come in, and it is what maintenance then drops.
func TestTooOldIsTold(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "a-old.json") // read first
	recent := filepath.Join(dir, "b-new.json")
	var a, b strings.Builder
	for i := range 30 {
		a.WriteString(connTo("Cold"+strconv.Itoa(i), "192.0.2.9", clock.AddDate(0, 0, -200).Add(time.Duration(i)*time.Second)))
	}
	for i := range 20 {
		b.WriteString(connTo("Cnew"+strconv.Itoa(i), "192.0.2.9", clock.Add(-time.Hour+time.Duration(i)*time.Second)))
	}
	for path, text := range map[string]string{old: a.String(), recent: b.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := app.Open(t.Context(), app.Config{Dir: filepath.Join(dir, "data"), Now: func() time.Time { return clock }, Retention: app.Retention{Events: 90 * 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sum, err := p.Ingest(t.Context(), []string{old}, "", nil)
	if err != nil || sum.Stored != 30 || sum.TooOld != 0 { // alone it is the newest there is
		t.Fatalf("%+v, %v", sum, err)
	}
	if sum, err = p.Ingest(t.Context(), []string{old}, "", nil); err != nil || sum.Stored != 0 || sum.TooOld != 0 { // and what was stored before counts once
		t.Fatalf("%+v, %v", sum, err)
	}
	in, err := os.Open(recent)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	sum, err = p.IngestStream(t.Context(), in, recent, "", clock) // file by file, as the command does
	if err != nil || sum.Stored != 20 || sum.TooOld != 30 || sum.KeptFrom == nil {
		t.Fatalf("%+v, %v", sum, err)
	}
	up, err := p.Maintain(t.Context())
	if err != nil || int(up.TooOld.Events) != sum.TooOld || !up.KeptFrom.Equal(*sum.KeptFrom) {
		t.Errorf("maintenance dropped %d of the %d that were told: %v", up.TooOld.Events, sum.TooOld, err)
	}
	if sum, err = p.IngestStream(t.Context(), strings.NewReader(connTo("Clast", "192.0.2.9", clock)), "last", "", clock); err != nil || sum.TooOld != 0 {
		t.Errorf("what was dropped is told again: %+v, %v", sum, err)
	}
}
