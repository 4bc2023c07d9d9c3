package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"vedette/internal/authz"
	"vedette/internal/store"
)

// crowd is a product with many devices; it counts how often they are listed.
type crowd struct {
	plant
	rows   []store.Device
	listed int
}

func (c *crowd) DeviceRows(context.Context) ([]store.Device, error) {
	c.listed++
	return append([]store.Device{}, c.rows...), nil
}

func crowded(n int) *crowd {
	c := &crowd{rows: make([]store.Device, n)}
	types := []string{"plc", "camera", "industrial sensor", "hmi"}
	for i := range c.rows {
		c.rows[i] = store.Device{
			UID: fmt.Sprintf("dev-%07d", (i*7919)%n), Name: fmt.Sprintf("unit-%06d", i), Type: types[i%4], Zone: fmt.Sprintf("Zone %d", i%40), IPs: []string{fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)},
			LastSeen: time.Unix(int64(i*31%100000), 0).UTC(), State: "known",
		}
	}
	return c
}

// A list that is scrolled through is made once; a change of one's own is seen at
// once.
func TestFleetIsKept(t *testing.T) {
	c := crowded(500)
	c.list = device3("Zone 1").list
	h := Handler(c, authority(t), here())
	seen, cursor := map[string]bool{}, ""
	for range 10 {
		_, out := call(t, h, as(authz.Responder), "GET", "/api/v1/devices?sort=-last_seen&limit=100&cursor="+cursor, "")
		for _, uid := range uids(out) {
			seen[uid] = true
		}
		more := false
		if cursor, more = out["next"].(string); !more {
			break
		}
	}
	if len(seen) != 500 || c.listed != 1 {
		t.Errorf("%d devices seen, listed %d times", len(seen), c.listed)
	}
	if code, _ := call(t, h, as(authz.Responder), "PATCH", "/api/v1/devices/dev-000", `{"owner":"x"}`); code != http.StatusOK {
		t.Fatal(code)
	}
	call(t, h, as(authz.Responder), "GET", "/api/v1/devices?sort=-last_seen&limit=100", "")
	if c.listed != 2 {
		t.Errorf("listed %d times after a change", c.listed)
	}
	_, out := call(t, h, as(authz.Viewer, "Zone 3"), "GET", "/api/v1/devices?sort=-last_seen&limit=1000", "")
	for _, row := range out["rows"].([]any) {
		if zone := row.(map[string]any)["zone"]; zone != "Zone 3" {
			t.Errorf("what was kept for others is shown: %v", zone)
		}
	}
}

// A page of the list of a million devices, for one who scrolls.
func BenchmarkDevicesPage(b *testing.B) {
	h := Handler(crowded(1_000_000), allow{}, here())
	page := func(path string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(authz.With(b.Context(), as(authz.Viewer)), http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
	for name, path := range map[string]string{"uid": "/api/v1/devices?limit=200", "sorted": "/api/v1/devices?limit=200&sort=name&cursor=500000"} {
		b.Run("scroll/"+name, func(b *testing.B) {
			page(path)
			for b.Loop() {
				page(path)
			}
		})
	}
	b.Run("first", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			page(fmt.Sprintf("/api/v1/devices?limit=200&facets=1&sort=name&q=unit-%d", n%10))
		}
	})
}

type allow struct{}

func (allow) Decide(context.Context, authz.Principal, authz.Action, string) error { return nil }
func (allow) Allowed(authz.Principal) []authz.Action                              { return nil }
