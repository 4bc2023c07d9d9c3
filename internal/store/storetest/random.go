package storetest

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

// Upkeep is what an engine does now and then that must change no answer, such
// as sealing the days before a time or closing and opening again.
type Upkeep func(t testing.TB, s store.Events, before time.Time) store.Events

// Random applies random operations to the engine and to the in-memory one and
// wants equal histories. It makes a dozen of them, about a thousand queries, as
// opening an engine is slow; the flag -rapid.checks asks for more.
func Random(t *testing.T, open Open, upkeep ...Upkeep) {
	t.Helper()
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("12"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		ref, s := store.Events(memory.New()), open(t)
		defer func() { _ = s.Close() }()
		steps := rapid.IntRange(5, 25).Draw(rt, "steps")
		for i := range steps {
			switch op := rapid.IntRange(0, 9).Draw(rt, "operation"); {
			case i == 0 || op < 2:
				sameAppend(rt, ref, s)
			case op == 2:
				samePut(rt, ref, s)
			case op == 3 && len(upkeep) > 0:
				s = rapid.SampledFrom(upkeep).Draw(rt, "upkeep")(t, s, day().AddDate(0, 0, rapid.IntRange(-3, 3).Draw(rt, "before")))
			case op == 4:
				sameBounds(rt, ref, s)
			default:
				for range 6 { // asking is cheap beside the rest
					sameQuery(rt, ref, s)
				}
			}
		}
		sameBounds(rt, ref, s)
	})
}

func sameAppend(rt *rapid.T, ref, s store.Events) {
	batch := rapid.SliceOfN(rapid.Custom(randomEvent), 5, 30).Draw(rt, "batch")
	want, err1 := ref.Append(context.Background(), batch)
	got, err2 := s.Append(context.Background(), batch)
	if want != got || err1 != nil || err2 != nil {
		rt.Fatalf("Append = %+v, %v; want %+v, %v", got, err2, want, err1)
	}
}

func samePut(rt *rapid.T, ref, s store.Events) {
	list := rapid.SliceOfN(rapid.Custom(randomDevice), 0, 6).Draw(rt, "devices")
	if err1, err2 := ref.PutDevices(context.Background(), list), s.PutDevices(context.Background(), list); err1 != nil || err2 != nil {
		rt.Fatalf("PutDevices = %v; want %v", err2, err1)
	}
}

func sameBounds(rt *rapid.T, ref, s store.Events) {
	ctx := randomContext(rt)
	want, err1 := ref.Bounds(ctx)
	got, err2 := s.Bounds(ctx)
	if _, ok := query.Confined(ctx); ok {
		want.Extras, got.Extras = nil, nil // an engine may tell those of the whole store
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err1 != nil || err2 != nil {
		rt.Fatalf("Bounds: %v, %v\n%s", err1, err2, diff)
	}
}

func sameQuery(rt *rapid.T, ref, s store.Events) {
	q := rapid.Custom(randomQuery).Draw(rt, "query")
	ctx := randomContext(rt)
	want, err1 := ref.Query(ctx, q)
	got, err2 := s.Query(ctx, q)
	if fault.KindOf(err1) != fault.KindOf(err2) || (err1 == nil) != (err2 == nil) {
		rt.Fatalf("%+v\nQuery = %v; want %v", q, err2, err1)
	}
	if diff := cmp.Diff(want, got, approx()); diff != "" {
		zones, _ := query.Confined(ctx)
		rt.Fatalf("%+v in zones %q\n(-want +got):\n%s", q, zones, diff)
	}
}

// randomContext is one in three times confined to zones.
func randomContext(rt *rapid.T) context.Context {
	if rapid.IntRange(0, 2).Draw(rt, "confined") > 0 {
		return context.Background()
	}
	return query.Confine(context.Background(), rapid.SliceOfN(rapid.Custom(drawWord), 0, 3).Draw(rt, "zones"))
}

// words are few, so that random comparisons often hold.
func words() []string {
	return []string{"tcp", "udp", "TCP", "a", "A/b", "plc-1", "10", "9", "1.5", "-3e2", "x y", "ä", "Ä", "'", `"`, "%", "zz\x00"}
}

func drawWord(t *rapid.T) string { return rapid.SampledFrom(words()).Draw(t, "word") }

func drawAddress(t *rapid.T) string {
	return rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.10", "10.1.0.9", "192.168.1.1", "::1", "2001:db8::5", "fe80::1", "255.255.255.255"}).Draw(t, "address")
}

func drawTime(t *rapid.T) time.Time {
	at := day().AddDate(0, 0, rapid.IntRange(-3, 3).Draw(t, "day"))
	return at.Add(rapid.SampledFrom([]time.Duration{0, 1, time.Second, time.Hour, 23*time.Hour + 59*time.Minute, dayEnd}).Draw(t, "clock"))
}

const dayEnd = 24*time.Hour - 1

// randomEvent draws an event whose uid decides its time, as in life, so that
// an engine may look for duplicates in a range of time.
func randomEvent(t *rapid.T) *event.Event {
	n := rapid.IntRange(0, 80).Draw(t, "uid")
	at := day().Add(time.Duration(n-40) * 3 * time.Hour)
	if n%5 == 0 {
		at = day().AddDate(0, 0, n/5-8)
	}
	e := New(n, at, nil)
	switch n % 17 {
	case 3:
		e.SetMetadataClockSuspect(true)
	case 5:
		e.Unset(event.SlotTime)
	}
	for range rapid.IntRange(0, 12).Draw(t, "fields") {
		setRandom(t, e, rapid.SampledFrom(randomFields()).Draw(t, "field"))
	}
	return e
}

// randomFields are fields of every kind and place; "" is an extra.
func randomFields() []event.Field {
	schema := event.NewSchema()
	var list []event.Field
	for _, name := range []string{
		"connection_info.protocol_name", "user.name", "message", "status", "dst_endpoint.port", "count", "traffic.bytes_out",
		"duration", "ics.write", "src_endpoint.ip", "dst_endpoint.ip", "answers", "class_uid", "tls.cipher", "file.size", "dhcp.lease_time",
		"tls.certificate.expires", "dhcp.assigned_ip", "email.to", "src_endpoint.hostname", "device.uid", "src_endpoint.uid", "dst_endpoint.uid",
	} {
		f, _ := schema.Lookup(name)
		list = append(list, f)
	}
	return append(list, event.Field{Name: "x"}, event.Field{Name: "a/b~c"}, event.Field{Name: "user.name "})
}

func setRandom(t *rapid.T, e *event.Event, f event.Field) {
	switch f.Kind {
	case event.String:
		switch f.Name {
		case "device.uid", "src_endpoint.uid", "dst_endpoint.uid":
			e.SetStr(f.Slot, drawUID(t))
		default:
			e.SetStr(f.Slot, drawWord(t))
		}
	case event.Int:
		if f.Slot == event.SlotClassUID {
			e.SetInt(f.Slot, int64(rapid.SampledFrom([]event.Class{event.NetworkActivity, event.DNSActivity, event.BaseEvent}).Draw(t, "class")))
			return
		}
		e.SetInt(f.Slot, rapid.Int64Range(-2, 12).Draw(t, "int"))
	case event.Float:
		e.SetFloat(f.Slot, float64(rapid.IntRange(-8, 8).Draw(t, "quarters"))/4)
	case event.Bool:
		e.SetBool(f.Slot, rapid.Bool().Draw(t, "bool"))
	case event.Time:
		e.SetTime(f.Slot, drawTime(t))
	case event.IP:
		e.SetIP(f.Slot, drawAddress(t))
	case event.List:
		e.SetList(f.Slot, rapid.SliceOfN(rapid.Custom(drawWord), 1, 3).Draw(t, "list"))
	default:
		e.SetExtra(f.Name, drawWord(t))
	}
}

func drawUID(t *rapid.T) string { return fmt.Sprint("dev", rapid.IntRange(0, 4).Draw(t, "device")) }

func randomDevice(t *rapid.T) store.Device {
	d := store.Device{UID: drawUID(t), Name: drawWord(t)}
	if rapid.Bool().Draw(t, "full") {
		d.Type, d.Zone, d.IPs, d.LastSeen = drawWord(t), drawWord(t), []string{drawAddress(t)}, drawTime(t)
		d.FirstSeen = d.LastSeen.AddDate(0, 0, -1)
	}
	return d
}
