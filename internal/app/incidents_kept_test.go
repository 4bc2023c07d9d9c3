package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
)

// alerts are lines of Suricata, one a second, from a moment on.
func alerts(n int, from time.Time) string {
	var b strings.Builder
	for i := range n {
		at := from.Add(time.Duration(i) * time.Second).Format("2006-01-02T15:04:05.000000-0700")
		fmt.Fprintf(&b, `{"timestamp":%q,"flow_id":%d,"event_type":"alert","src_ip":"10.3.%d.%d","src_port":%d,"dest_ip":"10.9.0.1","dest_port":502,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":%d,"rev":1,"signature":"Odd request %c","category":"Misc activity","severity":2}}`+"\n",
			at, i+1, i/250%250, i%250, 1024+i%60000, 2000+i%20, 'A'+rune(i%20))
	}
	return b.String()
}

// TestIncidentsCatchUp looks at the directory as a kill would leave it while
// findings wait to be written as incidents: findings that are older than all of
// ten thousand others, so that to look at the newest would not find them.
func TestIncidentsCatchUp(t *testing.T) {
	clock := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	dir, left := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "left")
	acks := 0
	cfg := Config{Dir: dir, Now: func() time.Time { return clock }}
	cfg.Acknowledged = func(int) {
		if acks++; acks == 2 {
			if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
				t.Error(err)
			}
		}
	}
	a, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	lines := alerts(batchSize, clock.Add(-48*time.Hour)) + alerts(3000, clock.Add(-96*time.Hour))
	if _, err := a.IngestStream(t.Context(), strings.NewReader(lines), "eve.json", "", clock); err != nil {
		t.Fatal(err)
	}
	want := a.incidents.Totals()
	if _, err := a.records.Get(t.Context(), behindKind, behindID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("at the end of the source incidents still wait: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	b, err := Open(t.Context(), Config{Dir: left, Now: cfg.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.records.Get(t.Context(), behindKind, behindID); err != nil {
		t.Fatalf("nothing waited when it was killed, so this tests nothing: %v", err)
	}
	before := b.incidents.Totals().Added
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.incidents.Totals(); got.Added != want.Added || got.InIncidents != want.InIncidents || before >= got.Added {
		t.Errorf("after the kill %d findings are in incidents, %d of %d without a kill (%d were written)", got.InIncidents, got.Added, want.Added, before)
	}
	if _, err := b.records.Get(t.Context(), behindKind, behindID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("it still says that incidents wait: %v", err)
	}
}
