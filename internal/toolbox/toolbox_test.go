package toolbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

type fixture struct {
	t      *testing.T
	events *memory.Events
	n      int
}

func newFixture(t *testing.T) *fixture {
	return &fixture{t: t, events: memory.New()}
}

// flow stores one connection.
func (f *fixture) flow(at time.Time, src, dst string, port int64, more ...func(*event.Event)) {
	f.t.Helper()
	f.n++
	e := &event.Event{}
	e.SetMetadataUID(fmt.Sprintf("u%d", f.n))
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetTimeField(at)
	e.SetMetadataLogName("zeek/conn")
	e.SetSrcEndpointUID(src)
	e.SetSrcEndpointIP(src)
	e.SetDstEndpointIP(dst)
	e.SetDstEndpointPort(port)
	e.SetTrafficBytesOut(1000)
	for _, m := range more {
		m(e)
	}
	if _, err := f.events.Append(f.t.Context(), []*event.Event{e}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) device(uid, name, typ string) {
	f.t.Helper()
	if err := f.events.PutDevices(f.t.Context(), []store.Device{{UID: uid, Name: name, Type: typ}}); err != nil {
		f.t.Fatal(err)
	}
}

// calmPast gives three sensors three days of the same habit.
func (f *fixture) calmPast() {
	for _, s := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		f.device(s, "sensor "+s, "industrial sensor")
		for h := 1; h <= 72; h++ {
			f.flow(now.Add(-time.Duration(h)*time.Hour), s, "10.0.0.100", 1883)
		}
	}
}

func (f *fixture) unusual(where string) *Table {
	f.t.Helper()
	q, err := query.ParseText("network_activity " + where + " last 24h")
	if err != nil {
		f.t.Fatal(err)
	}
	got, err := New(f.events, nil).Unusual(f.t.Context(), q, now)
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

func TestUnusualIsQuietOnHabit(t *testing.T) {
	f := newFixture(t)
	f.calmPast()
	if got := f.unusual(""); len(got.Rows) != 0 {
		t.Errorf("calm devices were ranked: %v", got.Rows)
	}
}

// Each sign of trouble alone brings its device to the top with its reason.
func TestUnusualSigns(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(f *fixture)
		reason string
	}{
		"new peer": {func(f *fixture) { f.flow(now.Add(-time.Hour), "10.0.0.2", "203.0.113.9", 1883) }, "peer seen for the first time (203.0.113.9)"},
		"new port": {func(f *fixture) { f.flow(now.Add(-time.Hour), "10.0.0.2", "10.0.0.100", 22) }, "port used for the first time (22)"},
		"fan-out": {func(f *fixture) {
			for i := range 40 {
				f.flow(now.Add(-time.Hour), "10.0.0.2", fmt.Sprintf("10.0.1.%d", i), 1883)
			}
		}, "different peers, usually about 1"},
		"failures": {func(f *fixture) {
			for range 60 {
				f.flow(now.Add(-time.Hour), "10.0.0.2", "10.0.0.100", 1883, func(e *event.Event) { e.SetStatus(event.Failure) })
			}
		}, "connections failed"},
		"volume": {func(f *fixture) {
			f.flow(now.Add(-time.Hour), "10.0.0.2", "10.0.0.100", 1883, func(e *event.Event) { e.SetTrafficBytesOut(50_000_000) })
		}, "50 MB sent, usually about 24 kB in such a time"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.calmPast()
			c.do(f)
			got := f.unusual("")
			if len(got.Rows) != 1 || got.Rows[0][0] != "10.0.0.2" {
				t.Fatalf("ranked %v", got.Rows)
			}
			reasons, _ := got.Rows[0][4].([]string)
			if !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, c.reason) }) {
				t.Errorf("reasons %q lack %q", reasons, c.reason)
			}
			if score, _ := got.Rows[0][3].(float64); score <= 0 || score > 1 {
				t.Errorf("score %v", got.Rows[0][3])
			}
		})
	}
}

func TestUnusualRanksTheWorstFirstAndFilters(t *testing.T) {
	f := newFixture(t)
	f.calmPast()
	f.flow(now.Add(-time.Hour), "10.0.0.1", "203.0.113.9", 1883)
	for i := range 30 {
		f.flow(now.Add(-time.Hour), "10.0.0.3", fmt.Sprintf("10.0.1.%d", i), 23, func(e *event.Event) { e.SetStatus(event.Failure) })
	}
	got := f.unusual(`src_endpoint.type="industrial sensor"`)
	if len(got.Rows) != 2 || got.Rows[0][0] != "10.0.0.3" || got.Rows[0][1] != "sensor 10.0.0.3" {
		t.Errorf("ranked %v", got.Rows)
	}
	if got := f.unusual(`src_endpoint.type=camera`); len(got.Rows) != 0 {
		t.Errorf("no camera did anything, but %v", got.Rows)
	}
}

func TestQueryNamesTheNearestValue(t *testing.T) {
	f := newFixture(t)
	f.calmPast()
	q, err := query.ParseText("metadata.log_name=zeek/con | count")
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(f.events, nil).Query(t.Context(), q, now)
	if _, hint := fault.Public(err); fault.KindOf(err) != fault.Invalid || !strings.Contains(hint, "zeek/conn") {
		t.Errorf("error %v, hint %q", err, hint)
	}
}

// Values are those of now, not of the first look.
func TestValuesFollowTheStore(t *testing.T) {
	f := newFixture(t)
	box := New(f.events, nil)
	for i := int64(1); i <= 2; i++ {
		f.flow(now.Add(time.Duration(i)*time.Second), "10.0.0.1", "10.0.0.2", i, func(e *event.Event) { e.SetAppName(fmt.Sprintf("app%d", i)) })
		if _, err := box.Bounds(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, complete, err := box.Values(t.Context(), "", "app_name")
		if err != nil || !complete || len(got) != int(i) {
			t.Errorf("after %d events: %v, %t, %v", i, got, complete, err)
		}
	}
}
