package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/store/disk"
	"vedette/internal/store/duckdb"
)

// Retention by size counts no file that was dropped and that an open load may still
// read: it goes when the load ends, and no other day has to.
func TestDroppedFilesCountForNoOther(t *testing.T) {
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	a, err := Open(t.Context(), Config{Dir: filepath.Join(t.TempDir(), "d"), Now: func() time.Time { return first.AddDate(0, 0, 5) }, Store: duckdb.Options{MinSealedRows: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var log strings.Builder
	for i := range 5 * 500 {
		at := first.AddDate(0, 0, i/500).Add(time.Duration(i%500) * time.Second)
		fmt.Fprintf(&log, "<38>%s gw1 sshd[%d]: Failed password for root from 203.0.113.3 port %d ssh2\n", at.Format(time.Stamp), i, 1024+i)
	}
	if _, err := a.IngestStream(t.Context(), strings.NewReader(log.String()), "auth.log", "", a.cfg.Now()); err != nil {
		t.Fatal(err)
	}
	if up, err := a.Maintain(t.Context()); err != nil || up.Sealed.Days < 4 {
		t.Fatalf("%+v, %v", up, err)
	}
	l, err := a.events.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Rollback()
	if _, err := a.events.DropBefore(t.Context(), first.AddDate(0, 0, 1)); err != nil || a.events.Leaving() == 0 {
		t.Fatalf("%v; %d bytes are leaving", err, a.events.Leaving())
	}
	size, err := disk.Size(a.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Retention.Disk = size - a.events.Leaving()
	var up api.Upkeep
	if err := a.dropLarge(t.Context(), &up); err != nil || up.TooLarge.Days != 0 {
		t.Errorf("%+v, %v", up, err)
	}
	a.cfg.Retention.Disk -= 2
	if err := a.dropLarge(t.Context(), &up); err != nil || up.TooLarge.Days != 1 {
		t.Errorf("what is too large stays: %+v, %v", up, err)
	}
}
