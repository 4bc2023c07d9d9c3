package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"vedette/internal/api/rest"
	"vedette/internal/authz"
	"vedette/internal/console"
	"vedette/internal/store"
	"vedette/internal/toolbox"
)

// anything may be done by anybody.
type anything struct{}

func (anything) Decide(context.Context, authz.Principal, authz.Action, string) error { return nil }

func (anything) Allowed(authz.Principal) []authz.Action {
	return []authz.Action{authz.DevicesRead, authz.EventsRead, authz.SelfRead}
}

// fleetService is a product with many devices that speak with each other; what
// it has no answer for the pages under test do not ask.
type fleetService struct {
	rest.Service
	rows  []store.Device
	links int
}

func (f *fleetService) DeviceRows(context.Context) ([]store.Device, error) { return f.rows, nil }

// Query answers the one question of the page of the network: links of devices
// with each other, most within a zone, each with one of a few servers.
func (f *fleetService) Query(context.Context, string, time.Time) (*toolbox.Table, error) {
	t := &toolbox.Table{Columns: []string{
		"src_endpoint.uid", "src_endpoint.name", "src_endpoint.zone", "src_endpoint.type", "src_endpoint.level",
		"dst_endpoint.uid", "dst_endpoint.name", "dst_endpoint.zone", "dst_endpoint.type", "dst_endpoint.level", "count", "sum(bytes)", "last", "writes",
	}}
	n := len(f.rows)
	for i := range f.links {
		a := i % n
		b := (a + 40*(1+i*7%11)) % n // the zone is the number modulo 40
		if i%4 == 0 {
			b = (i * 7919) % n
		}
		x, y := f.rows[a], f.rows[b]
		t.Rows = append(t.Rows, []any{x.UID, x.Name, x.Zone, x.Type, x.Level, y.UID, y.Name, y.Zone, y.Type, y.Level, int64(1 + i*31%5000), int64(i) * 1000, time.Now().UTC(), int64(i % 29 / 28)})
	}
	t.Total = int64(f.links)
	return t, nil
}

func manyDevices(n int) []store.Device {
	types := []string{"plc", "camera", "industrial sensor", "hmi"}
	out := make([]store.Device, n)
	for i := range out {
		out[i] = store.Device{
			UID: fmt.Sprintf("dev-%08d", i), Name: fmt.Sprintf("unit-%07d", i), Type: types[i%4], Vendor: "Acme", Model: "M" + strconv.Itoa(i%9), Zone: fmt.Sprintf("Zone %02d", i%40), Level: strconv.Itoa(i % 40 % 5),
			IPs: []string{fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)}, State: "known", FirstSeen: time.Unix(1_700_000_000, 0), LastSeen: time.Unix(1_700_000_000+int64(i*31%100000), 0),
		}
	}
	return out
}

// benchTab is a browser at a server of its own with so many devices.
func benchTab(t *testing.T, devices, links int) tab {
	t.Helper()
	path := browser(t)
	if built, _ := filepath.Glob("../console/dist/index.html"); len(built) == 0 {
		t.Skip("the console is not bundled: make web")
	}
	pages, err := console.New()
	if err != nil {
		t.Fatal(err)
	}
	api := rest.Handler(&fleetService{rows: manyDevices(devices), links: links}, anything{}, rest.About{Now: time.Now})
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(authz.With(r.Context(), authz.Principal{ID: "u", Name: "bench", Kind: authz.Person})))
	})
	mux.Handle("/", pages)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/settings")); err != nil {
		t.Fatal(err)
	}
	return tab{t, ctx, srv.URL}
}

// frames measures the time between frames while act runs, in milliseconds.
func (b tab) frames(what string, act func()) {
	b.Helper()
	b.js(`(() => { window.gaps = []; window.going = true; let last = 0; const f = (t) => { if (last) window.gaps.push(t - last); last = t; if (window.going) requestAnimationFrame(f); }; requestAnimationFrame(f); return 1; })()`)
	act()
	var got struct {
		N                       int
		P50, P95, P99, Max, Sum float64
		Slow                    int
	}
	text := b.js(`(() => { window.going = false; const g = window.gaps.sort((a, b) => a - b), at = (q) => g[Math.min(g.length - 1, Math.floor(q * g.length))]; return JSON.stringify({ N: g.length, P50: at(.5), P95: at(.95), P99: at(.99), Max: g[g.length - 1], Sum: g.reduce((a, b) => a + b, 0), Slow: g.filter((x) => x > 50).length }); })()`)
	if err := json.Unmarshal([]byte(text), &got); err != nil || got.N == 0 {
		b.Fatalf("%s: %v %s", what, err, text)
	}
	b.Logf("%s: %d frames, %.0f a second; between frames p50 %.1f, p95 %.1f, p99 %.1f, longest %.1f ms; %d longer than 50 ms", what, got.N, float64(got.N)*1000/got.Sum, got.P50, got.P95, got.P99, got.Max, got.Slow)
}

func (b tab) mouse(p input.DispatchMouseEventParams) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, p); err != nil {
		b.Fatal(err)
	}
}

// pace does something n times, one after another, no faster than 60 a second.
func pace(n int, do func(i int)) {
	for i := range n {
		began := time.Now()
		do(i)
		time.Sleep(max(0, 16*time.Millisecond-time.Since(began)))
	}
}

// TestBenchConsole measures the console in a real browser: make bench-console.
func TestBenchConsole(t *testing.T) {
	if os.Getenv("BENCH_CONSOLE") == "" {
		t.Skip("BENCH_CONSOLE is not set: make bench-console")
	}
	t.Run("list", func(t *testing.T) {
		b := benchTab(t, number(t, "DEVICES", 1_000_000), 10)
		b.open("/devices?sort=name")
		b.until("rows", `document.querySelectorAll(".grid tbody tr.can").length > 10`)
		b.frames("the list at rest", func() { time.Sleep(2 * time.Second) })
		b.frames("the list while it is wheeled", func() {
			pace(900, func(int) {
				b.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: 800, Y: 600, DeltaX: 0.001, DeltaY: 240})
			})
		})
		b.Logf("wheeled to row %s of %s that are loaded; heap of the page %s MB", b.js(`Math.round(document.querySelector(".grid").scrollTop / 30)`), b.js(`document.querySelector(".grid table").getAttribute("aria-rowcount")`), b.js(`Math.round(performance.memory.usedJSHeapSize / 1e6)`))
	})
	t.Run("graph", func(t *testing.T) {
		b := benchTab(t, number(t, "NODES", 2000), number(t, "LINKS", 4000))
		b.open("/network?by=name")
		b.until("the graph", `performance.getEntriesByName("graph-drawn").length > 0`)
		b.Logf("first drawn, groups closed, %s ms after the navigation began", b.js(`Math.round(performance.getEntriesByName("graph-drawn")[0].startTime)`))
		b.Logf("opening all groups: laid out and drawn in %s ms", b.js(`(async () => { const p = [...document.querySelectorAll(".biggraph button")].find((x) => x.textContent === "Open groups"), t = performance.now(); p.click(); await new Promise((r) => requestAnimationFrame(() => setTimeout(r))); return Math.round(performance.now() - t); })()`))
		b.js(`(() => { document.querySelector(".biggraph canvas").scrollIntoView({ block: "center" }); return 1; })()`)
		at := strings.Split(b.js(`(() => { const r = document.querySelector(".biggraph canvas").getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2].join(" "); })()`), " ")
		x, _ := strconv.ParseFloat(at[0], 64)
		y, _ := strconv.ParseFloat(at[1], 64)
		drag := func() {
			b.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: "left", Buttons: 1, ClickCount: 1})
			pace(240, func(i int) {
				b.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x + 150*float64(i%60-30)/30, Y: y + 80*float64(i%40-20)/20, Button: "left", Buttons: 1})
			})
			b.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseReleased, X: x + 60, Y: y + 60, Button: "left", ClickCount: 1})
		}
		b.frames("the graph, all in view, while it is dragged", drag)
		b.frames("the graph while it is zoomed", func() {
			pace(240, func(i int) {
				b.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: x, Y: y, DeltaX: 0.001, DeltaY: float64(60 * (1 - 2*(i/60%2)) * -1)})
			})
		})
		b.js(`(() => { for (let i = 0; i < 8; i++) document.querySelector("[aria-label='Zoom in']").click(); return 1; })()`)
		b.frames("the graph, near, with names, while it is dragged", drag)
	})
	t.Run("paint", func(t *testing.T) {
		b, _ := openTab(t)
		b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
		b.painted()
	})
}

// painted tells when each page of the demo has its heading and nothing that is
// still loading, and when the browser painted first.
func (b tab) painted() {
	b.Helper()
	const watch = `{ const look = () => { if (document.querySelector("h1") && !document.querySelector("main [aria-busy=true]")) { if (!window.useful) requestAnimationFrame(() => setTimeout(() => { window.useful ||= performance.now(); })); } }; new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true }); }`
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		b.Fatal(err)
	}
	incident := b.js(`fetch("/api/v1/incidents").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	device := b.js(`fetch("/api/v1/devices?q=plc-boiler-01").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	for _, path := range []string{"/now", "/ask", "/incidents", "/incidents/" + incident, "/events", "/devices", "/devices/" + device, "/network", "/network?by=name", "/vulnerabilities", "/ai", "/settings"} {
		var useful, first []string
		for range 5 {
			b.open(path)
			b.until("a useful paint", `window.useful > 0`)
			useful = append(useful, b.js(`Math.round(window.useful)`))
			first = append(first, b.js(`Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime)`))
		}
		b.Logf("%-24s first paint %s ms, useful %s ms", path, strings.Join(first, " "), strings.Join(useful, " "))
	}
}

// number reads a size from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv("BENCH_" + name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("BENCH_%s: %v", name, err)
	}
	return n
}
