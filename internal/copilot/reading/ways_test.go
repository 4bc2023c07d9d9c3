package reading

import "testing"

// TestTenWays holds that ten ways to say a thing are read alike.
func TestTenWays(t *testing.T) {
	plans, all := sectionsOf(t, "../../../content/lexicon/ways.txt")
	if len(plans) < 10 {
		t.Errorf("%d plans, want at least 10", len(plans))
	}
	for plan, questions := range all {
		if len(questions) < 10 {
			t.Errorf("%s: %d ways, want at least 10", plan, len(questions))
		}
		for _, q := range questions {
			r := read(t, plant(), q, nil)
			if got := planOf(r); got != plan || r.Status != Understood {
				t.Errorf("%q (%s; not understood: %v)\n got %s\nwant %s", q, r.Status, r.Unknown, got, plan)
			}
		}
	}
}
