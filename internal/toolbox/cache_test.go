package toolbox

import (
	"testing"
	"time"
)

// What was dear to list outlives changes for a while; what was cheap does not.
func TestDearListsOutliveChanges(t *testing.T) {
	now := time.Now()
	b := &Box{cache: map[string]cached{
		"cheap":  {at: now, took: dear / 2},
		"dear":   {at: now.Add(-10 * time.Second), took: time.Second, complete: true},
		"old":    {at: now.Add(-time.Minute), took: time.Second},
		"slower": {at: now.Add(-time.Minute), took: 5 * time.Second},
	}}
	b.Forget()
	for name, want := range map[string]bool{"cheap": false, "dear": true, "old": false, "slower": true} {
		if c, got := b.cache[name]; got != want || c.complete {
			t.Errorf("%s is there: %v, complete: %v", name, got, c.complete)
		}
	}
}
