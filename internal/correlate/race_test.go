package correlate_test

import (
	"fmt"
	"sync"
	"testing"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// TestConcurrent: many add, read and decide at once, for the race detector, and
// every finding is there in the end.
func TestConcurrent(t *testing.T) {
	c := correlator(t)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			var n serial
			for i := range 200 {
				f := n.finding(float64(i), fmt.Sprint("r", i%5), event.Medium, "10.0.0.9", fmt.Sprint("dev-", i%20), "T0846")
				f.UID = fmt.Sprintf("%d-%d", g, i)
				uid := c.Add(f)
				switch i % 40 {
				case 0:
					c.Incidents()
				case 10:
					c.Similar(uid)
				case 20:
					_, _ = c.Desk(nil).Feedback(uid, correlate.Benign, fmt.Sprint("p", g), "")
				case 30:
					_, _ = c.Dirty()
				}
			}
		})
	}
	all.Wait()
	checkSums(t, c, 800)
}
