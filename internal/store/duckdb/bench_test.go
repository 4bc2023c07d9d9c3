package duckdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/duckdb"
)

// conn makes a connection record such as a sensor's log gives, about 25 fields
// and 120 bytes of raw text.
func conn(r *rand.Rand, n int, at time.Time) *event.Event {
	e := &event.Event{}
	raw := fmt.Sprintf("%d.%06d\tC%x\t10.%d.%d.%d\t%d\t10.0.%d.%d\t502\ttcp\tmodbus\t%f\t%d\t%d\tSF", at.Unix(), at.Nanosecond()/1000, r.Uint64(), r.IntN(4), r.IntN(250), r.IntN(250), 1024+r.IntN(60000), r.IntN(4), r.IntN(250), r.Float64(), r.IntN(5000), r.IntN(5000))
	e.SetTimeField(at)
	e.SetMetadataUID(event.UID("bench", int64(n), []byte(raw)))
	e.SetMetadataLogName("zeek/conn")
	e.SetMetadataProduct("Zeek")
	e.SetMetadataSource("/var/log/zeek/conn.log")
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetStr(event.SlotRaw, raw)
	e.SetLabelIntegrity(event.Untrusted)
	dev := r.IntN(10000)
	e.SetDeviceUID(fmt.Sprintf("dev-%05d", dev))
	e.SetSrcEndpointUID(fmt.Sprintf("dev-%05d", dev))
	e.SetSrcEndpointIP(fmt.Sprintf("10.1.%d.%d", dev/250, dev%250))
	e.SetSrcEndpointPort(int64(1024 + r.IntN(60000)))
	e.SetDstEndpointIP(fmt.Sprintf("10.0.%d.%d", r.IntN(4), r.IntN(250)))
	e.SetDstEndpointPort([]int64{502, 443, 80, 53, 22, 47808}[r.IntN(6)])
	e.SetConnectionInfoUID(fmt.Sprintf("C%x", r.Uint64()))
	e.SetConnectionInfoProtocolName("tcp")
	e.SetConnectionInfoState("SF")
	e.SetConnectionInfoHistory("ShADadFf")
	e.SetAppName([]string{"modbus", "ssl", "http", "dns", "ssh", "bacnet"}[r.IntN(6)])
	e.SetDuration(r.Float64())
	e.SetTrafficBytesOut(int64(r.IntN(5000)))
	e.SetTrafficBytesIn(int64(r.IntN(5000)))
	e.SetTrafficPacketsOut(int64(r.IntN(50)))
	e.SetTrafficPacketsIn(int64(r.IntN(50)))
	e.SetExtra("missed_bytes", "0")
	return e
}

func batches(n, size int, from time.Time, step time.Duration) [][]*event.Event {
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]*event.Event
	for i := range n {
		if i%size == 0 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], conn(r, i, from.Add(time.Duration(i)*step)))
	}
	return out
}

// BenchmarkAppend reports events per second of batches of 10,000, in the order
// of time (as live sources and most files give them) and again (all known).
func BenchmarkAppend(b *testing.B) {
	const n, size = 100000, 10000
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	all := batches(n, size, from, 800*time.Microsecond)
	fill := func(b *testing.B, s store.Events) {
		for _, batch := range all {
			if _, err := s.Append(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s := open(b, b.TempDir(), duckdb.Options{})
			b.StartTimer()
			fill(b, s)
			b.StopTimer()
			_ = s.Close()
			b.StartTimer()
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("known", func(b *testing.B) {
		s := open(b, b.TempDir(), duckdb.Options{})
		defer s.Close()
		fill(b, s)
		for b.Loop() {
			fill(b, s)
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// BenchmarkQuery asks typical questions over one million events of two days,
// the first of which is sealed.
func BenchmarkQuery(b *testing.B) {
	const n = 1000000
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := open(b, b.TempDir(), duckdb.Options{})
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < n; {
		var batch []*event.Event
		for range 10000 {
			batch = append(batch, conn(r, done, from.Add(time.Duration(done)*172800*time.Microsecond)))
			done++
		}
		if _, err := s.Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.Seal(context.Background(), from.AddDate(0, 0, 1)); err != nil {
		b.Fatal(err)
	}
	var devices []store.Device
	for i := range 10000 {
		devices = append(devices, store.Device{UID: fmt.Sprintf("dev-%05d", i), Name: fmt.Sprintf("device %d", i), Type: []string{"plc", "hmi", "sensor"}[i%3]})
	}
	if err := s.PutDevices(context.Background(), devices); err != nil {
		b.Fatal(err)
	}
	count := []query.Measure{{Fn: query.Count}}
	lastDay := query.TimeRange{From: from.AddDate(0, 0, 1), To: from.AddDate(0, 0, 2)}
	for name, q := range map[string]query.Query{
		"newest 100":                     {Time: lastDay},
		"newest 100 of a device":         {Time: lastDay, Where: &query.Expr{Field: "device.uid", Op: query.Eq, Value: "dev-00042"}},
		"newest 100 of a device, sealed": {Where: &query.Expr{Field: "device.uid", Op: query.Eq, Value: "dev-00042"}},
		"top ports of last hour":         {Time: query.TimeRange{From: from.Add(47 * time.Hour), To: from.Add(48 * time.Hour)}, Group: []string{"dst_endpoint.port"}, Measures: count, Sort: []query.Sort{{By: "count", Desc: true}}, Limit: 10},
		"sum and distinct per device":    {Time: lastDay, Group: []string{"device.uid"}, Measures: []query.Measure{{Fn: query.Sum, Field: "traffic.bytes_out"}, {Fn: query.Distinct, Field: "dst_endpoint.ip"}}, Sort: []query.Sort{{By: "sum(traffic.bytes_out)", Desc: true}}, Limit: 20},
		"by device type, all":            {Group: []string{"device.type", "app_name"}, Measures: count},
		"hourly, all":                    {Bucket: "1h", Measures: count},
		"text in raw, all":               {Where: &query.Expr{Field: "raw", Op: query.Contains, Value: "9.999"}, Measures: count},
		"subnet, all":                    {Where: &query.Expr{Field: "dst_endpoint.ip", Op: query.CIDR, Value: "10.0.2.0/24"}, Measures: count},
		"document field, all":            {Where: &query.Expr{Field: "connection_info.history", Op: query.Eq, Value: "S"}, Measures: count},
		"first seen pairs, all":          {Group: []string{"device.uid", "dst_endpoint.ip"}, Measures: []query.Measure{{Fn: query.First}}, Having: []query.Having{{By: "first", Op: query.Ge, Value: "2026-03-02T23:59:00Z"}}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Query(context.Background(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConfined asks the same of all and of one zone of half of 100,000 devices,
// over a million events of two days, the first of which is sealed.
func BenchmarkConfined(b *testing.B) {
	const n, known = 1000000, 100000
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s := open(b, b.TempDir(), duckdb.Options{})
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < n; {
		var batch []*event.Event
		for range 10000 {
			batch = append(batch, conn(r, done, from.Add(time.Duration(done)*172800*time.Microsecond)))
			done++
		}
		if _, err := s.Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.Seal(context.Background(), from.AddDate(0, 0, 1)); err != nil {
		b.Fatal(err)
	}
	var devices []store.Device
	for i := range known {
		devices = append(devices, store.Device{UID: fmt.Sprintf("dev-%05d", i), Name: fmt.Sprintf("device %d", i), Zone: []string{"mine", "others"}[i%2]})
	}
	if err := s.PutDevices(context.Background(), devices); err != nil {
		b.Fatal(err)
	}
	count := []query.Measure{{Fn: query.Count}}
	lastDay := query.TimeRange{From: from.AddDate(0, 0, 1), To: from.AddDate(0, 0, 2)}
	for name, q := range map[string]query.Query{
		"newest 100":       {Time: lastDay},
		"hourly, all":      {Bucket: "1h", Measures: count},
		"by app, all":      {Group: []string{"app_name"}, Measures: count},
		"by name, a day":   {Time: lastDay, Group: []string{"src_endpoint.name"}, Measures: count, Limit: 20},
		"text in raw, all": {Where: &query.Expr{Field: "raw", Op: query.Contains, Value: "9.999"}, Measures: count},
	} {
		for who, ctx := range map[string]context.Context{"whole": b.Context(), "zone": query.Confine(b.Context(), []string{"mine"})} {
			b.Run(name+"/"+who, func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Query(ctx, q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("bounds/zone", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Bounds(query.Confine(b.Context(), []string{"mine"})); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDeviceList lists the first hundred of a million devices.
func BenchmarkDeviceList(b *testing.B) {
	s, err := duckdb.Open(b.TempDir(), duckdb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const all, part = 1_000_000, 100_000
	for from := 0; from < all; from += part {
		list := make([]store.Device, part)
		for i := range list {
			list[i] = store.Device{UID: fmt.Sprintf("dev-%07d", from+i), Name: fmt.Sprintf("device %d", from+i), Type: []string{"plc", "hmi", "camera"}[i%3], State: "known"}
		}
		if err := s.PutDevices(context.Background(), list); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		got, err := s.Query(context.Background(), query.Query{From: "devices", Where: &query.Expr{Field: "type", Op: query.Eq, Value: "plc"}, Sort: []query.Sort{{By: "name"}}, Limit: 100})
		if err != nil || len(got.Rows) != 100 {
			b.Fatal(got, err)
		}
	}
}
