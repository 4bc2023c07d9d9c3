package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/app"
)

// TestSeenCountsAllFindings: hits and techniques are counted over all findings, also
// those beyond the newest thousand.
func TestSeenCountsAllFindings(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: func() time.Time { return now }, Detect: app.Detect{BuiltIn: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if got, err := a.Seen(t.Context()); err != nil || len(got.Hits)+len(got.Techniques) != 0 {
		t.Errorf("of nothing: %v %+v", err, got)
	}
	var feed, log strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&feed, "45.9.%d.%d\n", i/250, 1+i%250)
		log.WriteString(connTo(fmt.Sprint("C", i), fmt.Sprintf("45.9.%d.%d", i/250, 1+i%250), now.Add(-time.Duration(1600-i)*time.Minute)))
	}
	takeFeed(t, a, feed.String())
	if sum, err := a.IngestStream(t.Context(), strings.NewReader(log.String()), "conn.log", "", now); err != nil || sum.Findings < 1500 {
		t.Fatal(err, sum)
	}
	alert := fmt.Sprintf(`{"timestamp":%q,"event_type":"alert","src_ip":"10.0.0.5","dest_ip":"10.0.0.9","proto":"TCP","src_port":1,"dest_port":502,"alert":{"signature_id":7,"signature":"Write to a controller","category":"x","severity":1,"metadata":{"mitre_technique_id":["T0855"]}}}`+"\n", now.Format("2006-01-02T15:04:05.000000-0700"))
	if sum, err := a.IngestStream(t.Context(), strings.NewReader(alert), "eve.json", "", now); err != nil {
		t.Fatal(err, sum)
	}
	got, err := a.Seen(t.Context())
	if err != nil || len(got.Hits) != 1 || got.Hits[0].Findings < 1500 || got.Hits[0].Device == "" || len(got.Hits[0].Titles) == 0 || got.Hits[0].Last.IsZero() || got.Hits[0].Severity == 0 {
		t.Errorf("%v %+v", err, got.Hits)
	}
	found := false
	for _, x := range got.Techniques {
		found = found || x.ID == "T0855" && x.Devices == 1 && x.Findings >= 1 && x.Name != "" && len(x.Titles) == 1
	}
	if !found {
		t.Errorf("%+v", got.Techniques)
	}
}
