package feed_test

import (
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

// shared is a file of the public data set, which is not in the repository.
func shared(t *testing.T, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

// TestPublic: of the public sets, the list of IoT malware is taken whole; the
// STIX bundles of ATT&CK and CAPEC have no indicators and nothing that is
// broken.
func TestPublic(t *testing.T) {
	tests := []struct {
		name, kind          string
		taken, refused, min int // min: opaque objects at least
	}{
		{"threat/iot-malware-iocs.csv.gz", feed.CSV, 79358, 0, 0},
		{"threat/attack-ics-18.1.stix21.json.gz", feed.STIX, 0, 0, 1800},
		{"threat/capec.stix21.json.gz", feed.STIX, 0, 0, 2600},
	}
	for _, tt := range tests {
		f, err := os.Open(shared(t, tt.name))
		if err != nil {
			t.Fatal(err)
		}
		b := intel.NewBuilder()
		rep, err := feed.Read(t.Context(), f, feed.Options{Source: "public"}, b.Add)
		_ = f.Close()
		if err != nil || rep.Kind != tt.kind || rep.Taken != tt.taken || rep.Refused != tt.refused || rep.Opaque < tt.min {
			t.Errorf("%s: %v %+v", tt.name, err, rep)
		}
	}
}
