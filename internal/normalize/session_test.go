package normalize_test

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize"
	"vedette/internal/normalize/syslog"
)

// The end of a session says how long it was; another process with the same
// user, or an end without a beginning, does not.
func TestSessionsHaveADuration(t *testing.T) {
	log := `Mar  1 07:00:00 gw1 sshd[10]: pam_unix(sshd:session): session opened for user maria by (uid=0)
Mar  1 07:00:30 gw1 sshd[11]: pam_unix(sshd:session): session opened for user maria by (uid=0)
Mar  1 07:10:00 gw1 sshd[10]: pam_unix(sshd:session): session closed for user maria
Mar  1 07:20:00 gw1 sshd[99]: pam_unix(sshd:session): session closed for user root`
	p := syslog.Dialect().New(normalize.Source{Modified: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	var ends []float64
	offset := int64(0)
	for line := range strings.SplitSeq(log, "\n") {
		err := p.Parse(normalize.Record{Raw: []byte(line), Offset: offset}, func(e *event.Event) {
			if e.ActivityName() == "Logoff" {
				ends = append(ends, e.Duration())
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		offset += int64(len(line)) + 1
	}
	if len(ends) != 2 || ends[0] != 600 || ends[1] != 0 {
		t.Errorf("durations %v, want 600 and none", ends)
	}
}
