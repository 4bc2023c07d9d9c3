package behave_test

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

// fleet is a mix of events of a thousand learnt devices: flows, names, OT
// requests, telemetry.
func fleet(devices int) []*event.Event {
	var out []*event.Event
	for i := range devices {
		id := fmt.Sprintf("device-%d", i)
		for k := range 8 {
			e := flow(start, id, fmt.Sprintf("10.0.%d.%d", k, i%200+1), int64(80+k))
			e.SetAppName([]string{"http", "dns", "modbus", "mqtt"}[k%4])
			switch k {
			case 1:
				e.SetQueryHostname("telemetry.vendor.example.com")
			case 2:
				e.SetDstEndpointUID("plc")
				e.SetICSProtocol("modbus")
				e.SetICSFunction("read holding registers")
			case 3:
				e.SetMQTTTopic("plant/line1/temperature")
			}
			out = append(out, e)
		}
	}
	return out
}

// cpuTime is the time that this process had the processor: on a machine that
// others use it says more than the clock.
type cpuTime float64

func startCPU() cpuTime {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return cpuTime(float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9)
}

func (c cpuTime) report(b *testing.B) {
	b.ReportMetric(float64(b.N)/float64(startCPU()-c), "events/cpu-s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkInspect is one event of a learnt device.
func BenchmarkInspect(b *testing.B) {
	d := behave.New(behave.Config{})
	mix := fleet(1000)
	raise := func(event.Finding) {}
	at := start
	for round := range 120 {
		at = start.Add(time.Duration(round) * time.Minute)
		for _, e := range mix {
			e.SetTimeField(at)
			d.Inspect(e, raise)
		}
	}
	for _, e := range mix {
		e.Unset(event.SlotAnomalyScore)
		e.Unset(event.SlotAnomalyReasons)
		e.Unset(event.SlotAnomalyNovel)
	}
	b.ReportAllocs()
	b.ResetTimer()
	cpu := startCPU()
	for i := range b.N {
		e := mix[i%len(mix)]
		if i%len(mix) == 0 {
			at = at.Add(time.Minute)
		}
		e.SetTimeField(at)
		d.Inspect(e, raise)
	}
	cpu.report(b)
}

// BenchmarkTelemetry is one reading of one of eight metrics.
func BenchmarkTelemetry(b *testing.B) {
	d := behave.New(behave.Config{})
	raise := func(event.Finding) {}
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	e := telemetry(start, "pump", "a", 0)
	show := func(i int) {
		e.SetTimeField(start.Add(time.Duration(i/8) * time.Second))
		e.SetMetricName(names[i%8])
		e.SetMetricValue(float64((i*7919)%1000) / 100)
		d.Inspect(e, raise)
	}
	for i := range 8 * 400 {
		show(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	cpu := startCPU()
	for i := range b.N {
		show(8*400 + i)
	}
	cpu.report(b)
}

// TestNoAllocation: an event with nothing unusual costs no memory.
func TestNoAllocation(t *testing.T) {
	s := newSite(t, behave.Config{})
	at := s.usual("plc", start, 24)
	e := flow(at, "plc", "10.0.0.9", 502)
	if n := testing.AllocsPerRun(1000, func() {
		at = at.Add(30 * time.Second)
		e.SetTimeField(at)
		s.d.Inspect(e, s.raise)
	}); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}

// TestSizes holds the promise of the documents.
func TestSizes(t *testing.T) {
	t.Logf("profile %d bytes, series %d, group %d", behave.ProfileSize, behave.SeriesSize, behave.GroupSize)
	if behave.ProfileSize > 1150 {
		t.Errorf("a profile has %d bytes", behave.ProfileSize)
	}
}

// TestMillion builds, keeps and restores a million profiles. It takes about a
// GiB: set VEDETTE_SCALE=1 to run it.
func TestMillion(t *testing.T) {
	if os.Getenv("VEDETTE_SCALE") == "" {
		t.Skip("set VEDETTE_SCALE=1 to build a million profiles")
	}
	const n = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := behave.New(behave.Config{MaxProfiles: n})
	raise := func(event.Finding) {}
	began := time.Now()
	e := flow(start, "x", "10.0.0.9", 502)
	for i := range n {
		id := fmt.Sprintf("device-%d", i)
		e.SetSrcEndpointUID(id)
		e.SetDeviceUID(id)
		for k := range 12 {
			e.SetTimeField(start.Add(time.Duration(k) * time.Minute))
			e.SetDstEndpointPort(int64(500 + k))
			d.Inspect(e, raise)
		}
		e.Unset(event.SlotAnomalyScore)
	}
	built := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := after.HeapAlloc - before.HeapAlloc
	began = time.Now()
	data, err := d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	kept := time.Since(began)
	d = behave.New(behave.Config{MaxProfiles: n})
	runtime.GC()
	began = time.Now()
	if err := d.Restore(data); err != nil {
		t.Fatal(err)
	}
	restored := time.Since(began)
	t.Logf("%d profiles: built in %v (12 events each), heap %.2f GiB (%d bytes a device), snapshot %.2f GiB (%d bytes a device) in %v, restored in %v",
		d.Profiles(), built, float64(heap)/(1<<30), heap/n, float64(len(data))/(1<<30), len(data)/n, kept, restored)
	if d.Profiles() != n || heap > 16*(1<<30)/10 || restored > 30*time.Second {
		t.Errorf("out of the bounds: 1.6 GiB, 30 s")
	}
}
