package behave_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

func conditions(d *behave.Detector) map[string]int64 {
	out := map[string]int64{}
	for _, c := range d.Conditions() {
		out[c.Code] = c.Count
	}
	return out
}

// TestSlowRate: a device that does 1 % more every day is told before it has
// tripled.
func TestSlowRate(t *testing.T) {
	s := newSite(t, behave.Config{})
	perMinute, told := 20., 0
	for day := range 130 {
		if day > 5 {
			perMinute *= 1.01
		}
		for m := 0; m < 24*60; m += 10 {
			at := start.Add(time.Duration(day)*24*time.Hour + time.Duration(m)*time.Minute)
			for range int(perMinute) {
				s.show(flow(at, "pump", "10.0.0.9", 502))
			}
		}
		if fs := s.end(); told == 0 && len(fs) > 0 {
			told = day
			if !s.has(fs, "behave.drift") {
				t.Errorf("day %d: %+v", day, fs)
			}
		}
	}
	if told == 0 || perMinuteAt(told) > 60 {
		t.Errorf("told on day %d, at %.0f a minute", told, perMinuteAt(told))
	}
	t.Logf("told on day %d at %.0f events a minute (20 when learnt)", told, perMinuteAt(told))
}

func perMinuteAt(day int) float64 { return 20 * math.Pow(1.01, float64(day-5)) }

// TestSlowPeers: a device that adds one peer a day is told, by the first or by
// their number.
func TestSlowPeers(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("hmi", start, 72)
	s.end()
	novel, told := 0, -1
	for day := range 40 {
		at = s.usual("hmi", at, 24)
		e := s.show(flow(at, "hmi", fmt.Sprintf("10.9.0.%d", day+1), 502))
		novel += len(e.AnomalyNovel())
		if fs := s.end(); told < 0 && len(fs) > 0 {
			told = day
		}
	}
	if novel != 40 || told < 0 || told > 20 {
		t.Errorf("%d of 40 new peers marked, told on day %d", novel, told)
	}
	t.Logf("told at new peer %d", told+1)
}

// TestFlaggedIsNotLearnt: what was flagged stays unusual, and is not told again
// and again.
func TestFlaggedIsNotLearnt(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("cam", start, 240)
	s.end()
	attack := func(at time.Time) *event.Event {
		e := flow(at, "cam", "198.51.100.7", 6667)
		e.SetAppName("irc")
		e.SetStatus(event.Failure)
		return s.show(e)
	}
	first := attack(at).AnomalyScore()
	if fs := s.end(); len(fs) != 1 {
		t.Fatalf("%d findings of the first call (score %.4f)", len(fs), first)
	}
	told := 0
	for day := range 20 {
		at = s.usual("cam", at, 24)
		if got := attack(at).AnomalyScore(); got < 0.9 {
			t.Fatalf("day %d: score %v; at first %v", day, got, first)
		}
		told += len(s.end())
	}
	if told > 20 {
		t.Errorf("told %d times in 20 days", told)
	}
}

// TestSpoofing: a million made-up devices do not grow the memory, do not push
// out what is learnt, and are named in a condition.
func TestSpoofing(t *testing.T) {
	s := newSite(t, behave.Config{MaxProfiles: 2000})
	at := s.usual("plc", start, 24)
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	e := flow(at, "x", "10.0.0.9", 502)
	for i := range n {
		id := fmt.Sprintf("made-up-%d", i)
		e.SetSrcEndpointUID(id)
		e.SetDeviceUID(id)
		s.d.Inspect(e, s.raise)
		e.Unset(event.SlotAnomalyScore)
	}
	if got := s.d.Profiles(); got != 2000 {
		t.Errorf("%d profiles, want 2000", got)
	}
	if c := conditions(s.d); c["profiles-full"] < int64(n)-2000 {
		t.Errorf("conditions %v", c)
	}
	fs := s.end()
	if e := s.show(flow(at.Add(time.Minute), "plc", "10.0.0.9", 502)); e.AnomalyScore() > 0 || e.AnomalyNovel() != nil {
		t.Errorf("the learnt device was forgotten: %v %v", e.AnomalyScore(), e.AnomalyNovel())
	}
	if len(fs) > 100 {
		t.Errorf("%d findings of a flood", len(fs))
	}
}

// TestBadClocks: suspect clocks and time that goes backwards change nothing
// that was learnt; a clock that is set back for good is followed.
func TestBadClocks(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("plc", start, 48)
	before, _ := s.d.Snapshot()
	for i := range 50 {
		e := flow(start.AddDate(30, 0, i), "plc", "10.0.0.9", 502)
		e.SetMetadataClockSuspect(true)
		s.show(e)
		s.show(flow(start.Add(-time.Duration(i)*time.Hour), "plc", "10.0.0.9", 502))
	}
	if after, _ := s.d.Snapshot(); len(after) != len(before) {
		t.Errorf("the profile changed in size: %d, was %d", len(after), len(before))
	}
	if e := s.show(flow(at, "plc", "10.0.0.9", 502)); e.AnomalyScore() > 0 {
		t.Errorf("usual work is unusual after bad clocks: %v", e.AnomalyReasons())
	}
	s.show(flow(at.AddDate(20, 0, 0), "plc", "10.0.0.9", 502)) // one jump ahead, not marked
	s.usual("plc", at, 4)
	if e := s.show(flow(at.Add(4*time.Hour), "plc", "203.0.113.9", 31337)); len(e.AnomalyNovel()) == 0 {
		t.Errorf("nothing is novel after a jump of the clock")
	}
	if fs := s.end(); len(fs) > 2 {
		t.Errorf("%d findings", len(fs))
	}
}

// TestAddressChange: a device whose address changes every minute is one device.
func TestAddressChange(t *testing.T) {
	s := newSite(t, behave.Config{})
	for m := range 3000 {
		e := flow(start.Add(time.Duration(m)*time.Minute), "phone", "10.0.0.9", 443)
		e.SetSrcEndpointIP(fmt.Sprintf("10.0.%d.%d", m/250, m%250+1))
		s.show(e)
	}
	if fs := s.end(); len(fs) > 0 || s.d.Profiles() != 1 {
		t.Errorf("%d profiles, findings %+v", s.d.Profiles(), fs)
	}
}

// TestColdStart: what the group does is nothing new for a new device of it;
// what no device of it does is.
func TestColdStart(t *testing.T) {
	s := newSite(t, behave.Config{})
	typed := func(e *event.Event) *event.Event {
		e.SetStr(event.SlotSrcEndpointType, "camera")
		e.SetStr(event.SlotSrcEndpointVendor, "Acme")
		return s.show(e)
	}
	for m := range 24 * 60 {
		for i := range 4 {
			typed(flow(start.Add(time.Duration(m)*time.Minute), fmt.Sprintf("cam-%d", i), "10.0.0.9", 554))
		}
	}
	at := start.Add(24 * time.Hour)
	if e := typed(flow(at, "cam-new", "10.0.0.9", 554)); e.AnomalyNovel() != nil || e.AnomalyScore() > 0 {
		t.Errorf("what the group does: novel %v, score %v", e.AnomalyNovel(), e.AnomalyScore())
	}
	e := typed(flow(at, "cam-newer", "198.51.100.1", 6667))
	if len(e.AnomalyNovel()) == 0 {
		t.Errorf("what no camera does is not novel")
	}
	t.Logf("score %.4f, threshold %.4f, %v", e.AnomalyScore(), s.d.Threshold(), e.AnomalyReasons())
}

// TestBeacon: a steady rhythm to a new peer is told as such.
func TestBeacon(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("cam", start, 96)
	s.end()
	for i := range 200 {
		now := at.Add(time.Duration(i)*2*time.Minute + time.Duration(rand.IntN(5))*time.Second)
		s.usual("cam", now, 0)
		s.show(flow(now, "cam", "203.0.113.5", 443))
	}
	if fs := s.end(); !s.has(fs, "behave.beacon") {
		for _, f := range fs {
			t.Errorf("%s %v", f.Rule, f.Reasons)
		}
	}
}

// TestBudget: a fleet of noisy devices keeps to the budget.
func TestBudget(t *testing.T) {
	s := newSite(t, behave.Config{Budget: 20})
	r := rand.New(rand.NewPCG(1, 2))
	const devices, days = 100, 12
	late := 0
	for day := range days {
		for m := 0; m < 24*60; m += 7 {
			at := start.Add(time.Duration(day)*24*time.Hour + time.Duration(m)*time.Minute)
			for i := range devices {
				peer := "10.0.0.9"
				port := int64(502)
				if r.IntN(2000) == 0 {
					peer, port = fmt.Sprintf("10.7.%d.%d", r.IntN(250), r.IntN(250)), int64(1000+r.IntN(100))
				}
				s.show(flow(at, fmt.Sprintf("d%d", i), peer, port))
			}
		}
		if n := len(s.end()); day >= days/2 {
			late += n
		}
	}
	per := float64(late) * 1000 / (devices * days / 2)
	t.Logf("%.1f findings per 1 000 devices and day, budget 20, threshold %.5f", per, s.d.Threshold())
	if per > 60 {
		t.Errorf("%.1f findings per 1 000 devices and day, budget 20", per)
	}
}

// TestBusyFromTheStart: what a device does from its first minute becomes its
// usual, however much it is.
func TestBusyFromTheStart(t *testing.T) {
	s := newSite(t, behave.Config{})
	for m := range 12 * 60 {
		for i := range 600 {
			e := s.show(flow(start.Add(time.Duration(m)*time.Minute), "poller", fmt.Sprintf("10.0.0.%d", i%40), 502))
			if m > 6*60 && e.AnomalyScore() > 0 {
				t.Fatalf("still unusual after %d minutes: %q", m, e.AnomalyReasons())
			}
		}
	}
}

// TestRestless: a server of more clients than its profile holds is not unusual
// for it, and its clients are not novel for ever.
func TestRestless(t *testing.T) {
	s := newSite(t, behave.Config{})
	novel := 0
	for m := range 5 * 24 * 60 {
		for i := range 4 {
			e := flow(start.Add(time.Duration(m)*time.Minute), fmt.Sprintf("client-%d", (4*m+i)%1000), "10.0.0.9", 1883)
			e.SetSrcEndpointIP(fmt.Sprintf("10.4.%d.%d", (4*m+i)%1000/250, m%250+1))
			e.SetDstEndpointUID("broker")
			if s.show(e); m > 24*60 && e.AnomalyNovel() != nil {
				novel++
			}
		}
	}
	if fs := s.end(); len(fs) > 0 || novel > 10 {
		t.Errorf("%d novel, findings %+v", novel, fs)
	}
}

func telemetry(at time.Time, device, metric string, v float64) *event.Event {
	e := new(event.Event)
	e.SetTimeField(at)
	e.SetClassUID(int64(event.DeviceTelemetry))
	e.SetDeviceUID(device)
	e.SetMetricName(metric)
	e.SetMetricValue(v)
	return e
}

// TestTelemetry: out of range, standing still, and not fitting the siblings.
func TestTelemetry(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		change     func(i int, flow, pressure float64) (float64, float64)
	}{
		{"range", "behave.telemetry-range", func(_ int, f, p float64) (float64, float64) { return f + 40, p }},
		{"flat", "behave.telemetry-flat", func(int, float64, float64) (float64, float64) { return 10, 20 }},
		{"residual", "behave.telemetry-residual", func(_ int, f, p float64) (float64, float64) { return f, 2*20 - p + 3 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, behave.Config{})
			r := rand.New(rand.NewPCG(3, 4))
			for i := range 1500 {
				base := r.NormFloat64()
				f, p := 10+base+0.1*r.NormFloat64(), 20+base+0.1*r.NormFloat64()
				if i >= 1200 {
					f, p = c.change(i, f, p)
				}
				at := start.Add(time.Duration(i) * time.Second)
				s.show(telemetry(at, "pump", "flow", f))
				s.show(telemetry(at, "pump", "pressure", p))
				if i == 1199 {
					if fs := s.end(); len(fs) > 0 {
						t.Errorf("usual readings were told: %v", fs[0].Reasons)
					}
				}
			}
			fs := s.end()
			if len(fs) == 0 || len(fs) > 3 {
				t.Fatalf("%d findings", len(fs))
			}
			var all []string
			for _, f := range fs {
				all = append(all, f.Rule, fmt.Sprint(f.Reasons))
			}
			if text := strings.Join(all, " "); !s.has(fs, c.rule) {
				t.Errorf("no %s: %s", c.rule, text)
			}
		})
	}
}

// TestDailyCycle: a reading that follows the day leaves the range of its first
// hour. It is told more often than it should be: the bound keeps that from
// growing, see docs/behaviour.md.
func TestDailyCycle(t *testing.T) {
	s := newSite(t, behave.Config{})
	r := rand.New(rand.NewPCG(7, 8))
	for i := range 5 * 8640 {
		day := float64(i) / 8640
		at := start.Add(time.Duration(i) * 10 * time.Second)
		s.show(telemetry(at, "room", "temperature", 20+5*math.Sin(2*math.Pi*day)+0.1*r.NormFloat64()))
		s.show(telemetry(at, "room", "humidity", 50-8*math.Sin(2*math.Pi*day)+0.3*r.NormFloat64()))
	}
	fs := s.end()
	t.Logf("%d findings in 5 days", len(fs))
	if len(fs) > 20 {
		t.Errorf("%d findings in 5 days: %s %v", len(fs), fs[0].Rule, fs[0].Reasons)
	}
}

// TestSnapshot: what comes back is what was kept, and judges alike.
func TestSnapshot(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("plc", start, 48)
	for i := range 400 {
		s.show(telemetry(start.Add(time.Duration(i)*time.Second), "plc", "level", float64(i%7)))
	}
	data, err := s.d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	back := newSite(t, behave.Config{})
	if err := back.d.Restore(data); err != nil {
		t.Fatal(err)
	}
	if again, _ := back.d.Snapshot(); string(again) != string(data) {
		t.Errorf("a snapshot of what was restored differs")
	}
	a, b := s.show(flow(at, "plc", "203.0.113.7", 1)), back.show(flow(at, "plc", "203.0.113.7", 1))
	if math.Abs(a.AnomalyScore()-b.AnomalyScore()) > 1e-3 || len(b.AnomalyNovel()) != 2 {
		t.Errorf("score %v, after restoring %v %v", a.AnomalyScore(), b.AnomalyScore(), b.AnomalyNovel())
	}
	for n := range len(data) {
		if n%97 != 0 {
			continue
		}
		if back.d.Restore(data[:n]) == nil {
			t.Fatalf("a snapshot cut off at %d was taken", n)
		}
	}
	if back.d.Profiles() != 0 {
		t.Errorf("a broken snapshot left %d profiles", back.d.Profiles())
	}
}

// FuzzRestore: bytes that are no snapshot are an error and leave the detector
// empty; those that are one come back the same. The checksum is made right, so
// that what is behind it is reached.
func FuzzRestore(f *testing.F) {
	s := newSite(f, behave.Config{})
	s.usual("plc", start, 3)
	s.show(telemetry(start, "plc", "level", 1))
	data, _ := s.d.Snapshot()
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		d := behave.New(behave.Config{MaxProfiles: 50, MaxGroups: 4, MaxSeries: 8})
		if err := d.Restore(data); err != nil && d.Profiles() != 0 {
			t.Fatal("a broken snapshot left profiles")
		}
		if err := d.Restore(behave.Sealed(data)); err != nil && d.Profiles() != 0 {
			t.Fatal("a broken snapshot left profiles")
		}
		d.Inspect(flow(start.Add(100*time.Hour), "plc", "203.0.113.7", 1), func(event.Finding) {})
		d.Tick(start, true, func(event.Finding) {})
		again, err := d.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := behave.New(behave.Config{}).Restore(again); err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
	})
}

var _ detect.Keeper = (*behave.Detector)(nil)

// TestMutatedSnapshots changes single bytes of a snapshot under a right checksum:
// whatever comes back can be used and kept again.
func TestMutatedSnapshots(t *testing.T) {
	s := newSite(t, behave.Config{})
	s.usual("plc", start, 3)
	s.show(telemetry(start, "plc", "level", 1))
	data, _ := s.d.Snapshot()
	r := rand.New(rand.NewPCG(5, 6))
	taken := 0
	for range 3000 {
		bad := append([]byte(nil), data...)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] = byte(r.IntN(256))
		}
		d := behave.New(behave.Config{MaxProfiles: 50, MaxGroups: 4, MaxSeries: 8})
		if err := d.Restore(behave.Sealed(bad)); err != nil {
			if d.Profiles() != 0 {
				t.Fatal("a broken snapshot left profiles")
			}
			continue
		}
		taken++
		for i := range 3 {
			d.Inspect(flow(start.Add(time.Duration(100+i)*time.Hour), "plc", "203.0.113.7", 1), s.raise)
			d.Inspect(telemetry(start.Add(time.Duration(i)*time.Hour), "plc", "level", 1e30), s.raise)
		}
		d.Tick(start, true, s.raise)
		again, err := d.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := behave.New(behave.Config{}).Restore(again); err != nil {
			t.Fatalf("its own snapshot: %v", err)
		}
	}
	t.Logf("%d of 3000 changed snapshots were taken", taken)
}
