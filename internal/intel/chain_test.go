package intel_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/intel"
)

// FuzzPacked: what is packed reads back, and any text can be read.
func FuzzPacked(f *testing.F) {
	f.Add("Mirai", "Grid", "Sandworm", "T0855", 3, int64(1_700_000_000))
	f.Add("", "", "", "", 0, int64(0))
	f.Fuzz(func(t *testing.T, family, campaign, actor, techniques string, sightings int, seen int64) {
		var any intel.Indicator
		any.Unpack(strings.Join([]string{family, campaign, actor, techniques}, "\x1f"))
		any.Unpack(family)
		if strings.Contains(family+campaign+actor+techniques, "\x1f") {
			t.Skip("a value never has the mark that parts values")
		}
		in := intel.Indicator{Family: family, Chain: intel.Chain{Campaign: campaign, Actor: actor, Techniques: techniques, Sightings: sightings}}
		if seen > 0 && seen < 1<<33 {
			in.Sighted = time.Unix(seen, 0).UTC().Truncate(24 * time.Hour)
		}
		var back intel.Indicator
		if back.Unpack(in.Packed()); back != in {
			t.Fatalf("%+v became %+v", in, back)
		}
	})
}
