package asset

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/internal/event"
)

// million is a registry of as many devices, made once for all benchmarks.
var million = sync.OnceValue(func() *Registry { return fleet(1_000_000) })

// fleet is a registry of n devices with a MAC, an address, a name and a
// protocol each.
func fleet(n int) *Registry {
	r := New(Config{MaxDevices: n + 10}, nil, clock)
	e := &event.Event{}
	for i := range n {
		*e = event.Event{}
		seen(e, i)
		if i%2 == 0 {
			e.SetDHCPAssignedIP(e.SrcEndpointIP())
			e.SetSrcEndpointHostname(fmt.Sprintf("host-%d", i))
		}
		r.Observe(e)
	}
	return r
}

func seen(e *event.Event, i int) {
	e.SetTime(event.SlotTime, start.Add(time.Duration(i)*time.Millisecond))
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetSrcEndpointIP(fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255))
	e.SetSrcEndpointMAC(fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", i>>24&255, i>>16&255, i>>8&255, i&255))
	e.SetAppName("modbus")
	e.SetConnectionInfoState("SF")
}

func BenchmarkObserveMillion(b *testing.B) {
	r := million()
	events := make([]*event.Event, 4096)
	for i := range events {
		events[i] = &event.Event{}
		seen(events[i], i*241)
		events[i].SetTime(event.SlotTime, start.Add(time.Second))
		r.Observe(events[i])
	}
	b.ReportAllocs()
	begin := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		r.Observe(events[i%len(events)])
	}
	b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process took of the processors: on a machine that others
// use too it tells more than the clock.
func cpuTime(b *testing.B) int64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}

func BenchmarkFindNameMillion(b *testing.B) {
	r := million()
	for i := 0; b.Loop(); i++ {
		if len(r.Find(fmt.Sprintf("HOST-%d", i%1000*2))) != 1 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkNamesMillion(b *testing.B) {
	r := million()
	for b.Loop() {
		r.Names()
	}
}

func BenchmarkStatsMillion(b *testing.B) {
	r := million()
	for b.Loop() {
		r.Stats()
	}
}

// BenchmarkMemory tells the bytes that a device takes.
func BenchmarkMemory(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := fleet(n)
		if _, _, err := r.Dirty(); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/device")
		runtime.KeepAlive(r)
	}
}

func BenchmarkDirtyAndRestore(b *testing.B) {
	const n = 200_000
	r := fleet(n)
	for b.Loop() {
		for uid := range r.nodes {
			r.Retry(uid)
		}
		began := time.Now()
		records, _, err := r.Dirty()
		if err != nil || len(records) != n {
			b.Fatal(len(records), err)
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/n, "dirty-ns/device")
		bytes := 0
		for _, rec := range records {
			bytes += len(rec.JSON)
		}
		b.ReportMetric(float64(bytes)/n, "record-B/device")
		again := New(Config{MaxDevices: n + 10}, nil, clock)
		began = time.Now()
		if p := again.Restore(slices.Values(records)); len(p) > 0 {
			b.Fatal(p[0])
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/n, "restore-ns/device")
	}
}
