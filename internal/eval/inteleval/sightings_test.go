package inteleval_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/detect/match"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

// TestSightings: the public list of IoT malware over the public logs of IoT
// networks. What is met is told; the logs of benign devices must meet nothing.
func TestSightings(t *testing.T) {
	dir := "../../../../shared/data"
	if env := os.Getenv("VEDETTE_SHARED"); env != "" {
		dir = filepath.Join(env, "data")
	}
	list, err := os.Open(filepath.Join(dir, "threat", "iot-malware-iocs.csv.gz"))
	if err != nil {
		t.Skip("no threat/iot-malware-iocs.csv.gz: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED")
	}
	defer list.Close()
	b := intel.NewBuilder()
	if _, err := feed.Read(t.Context(), list, feed.Options{Source: "public", Confidence: 70}, b.Add); err != nil {
		t.Fatal(err)
	}
	d := match.New(b.Build(), match.Config{})
	reader := ingest.NewReader(edge.Formats(), time.Now)
	look := func(name string, in io.Reader) {
		events, met := 0, 0
		_, err := reader.Stream(t.Context(), in, name, "", time.Time{}, func(e *event.Event) error {
			events++
			d.Inspect(e, func(f event.Finding) {
				met++
				t.Logf("%s: %s (%s)", name, f.Rule, f.Title)
			})
			return nil
		})
		if err != nil {
			t.Logf("%s cannot be read: %v", name, err)
		}
		t.Logf("%s: %d events, %d met", name, events, met)
		if met > 0 && strings.Contains(name, "benign") {
			t.Errorf("%s: %d indicators in the logs of a benign device", name, met)
		}
	}
	for _, name := range []string{"iot23-conn-labeled.tsv.gz", "suricata-eve.jsonl.gz"} {
		f, err := os.Open(filepath.Join(dir, "net", name))
		if err != nil {
			t.Fatal(err)
		}
		look(name, f)
		_ = f.Close()
	}
	for _, name := range []string{"iot23-benign-devices-zeek.zip", "slips-traffic.zip"} {
		z, err := zip.OpenReader(filepath.Join(dir, "net", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range z.File {
			if in, err := e.Open(); err == nil && !e.FileInfo().IsDir() {
				look(name+"!"+e.Name, in)
			}
		}
		_ = z.Close()
	}
}
