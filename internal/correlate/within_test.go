package correlate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/correlate"
)

// halfBlind sees two devices; another one has an address.
type halfBlind struct{}

func (halfBlind) Own(uid string) bool { return uid == "plc-1" || uid == "hmi-1" }

func (halfBlind) Reads(zones []string) bool { return slices.Equal(zones, []string{"hall"}) }

func (halfBlind) Foreign(text string) bool {
	return strings.Contains(text, "plc-2") || strings.Contains(text, "10.0.0.6") || strings.Contains(text, "gateway")
}

func (halfBlind) Findings(uids []string) map[string]bool {
	out := map[string]bool{}
	for _, uid := range uids {
		out[uid] = strings.HasSuffix(uid, "1")
	}
	return out
}

// Whatever an incident is made of, what is left of it names no device that may not be
// seen, no line is lost uncounted, and the incident itself is not changed.
func TestWithin(t *testing.T) {
	q := techniques(t)
	rapid.Check(t, func(t *rapid.T) {
		c := correlate.New(correlate.Config{Techniques: q}, clock)
		for _, f := range someFindings(t) {
			c.Add(f)
		}
		for _, in := range all(c) {
			before, _ := json.Marshal(in)
			got, ok := in.Within(halfBlind{})
			if after, _ := json.Marshal(in); string(after) != string(before) {
				t.Fatalf("the incident was changed")
			}
			if ok != slices.ContainsFunc(in.Devices, halfBlind{}.Own) {
				t.Fatalf("seen: %v, of %v", ok, in.Devices)
			}
			if !ok {
				continue
			}
			text, _ := json.Marshal(got)
			for _, secret := range []string{"plc-2", "10.0.0.6", "gateway"} {
				if strings.Contains(string(text), secret) {
					t.Fatalf("it tells of %s: %s", secret, text)
				}
			}
			for _, uid := range slices.Concat(got.Findings.Telling, got.Findings.Newest) {
				if !strings.HasSuffix(uid, "1") {
					t.Fatalf("a finding that may not be seen: %s", uid)
				}
			}
			if (got.Outside == nil) != in.Wholly(halfBlind{}) || got.Outside == nil && slices.ContainsFunc(in.Devices, func(uid string) bool { return !halfBlind{}.Own(uid) }) {
				t.Fatalf("outside %+v of an incident of %v", got.Outside, in.Devices)
			}
			if got.Outside != nil && len(got.Timeline)+got.Outside.Moments != len(in.Timeline) {
				t.Fatalf("%d lines and %d left out are not %d", len(got.Timeline), got.Outside.Moments, len(in.Timeline))
			}
			if got.Outside == nil && len(got.Timeline) != len(in.Timeline) {
				t.Fatal("a line is missing and nothing says so")
			}
		}
	})
}
