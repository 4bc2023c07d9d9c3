package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"vedette/internal/cli"
)

// lines collects what a command writes while it runs.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// browser finds a Chromium; a machine without one skips, and says so.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no browser is installed: apt-get install chromium")
	return ""
}

// startDemo runs the demo in a directory and returns the link that it prints.
func startDemo(t *testing.T, dir string) string {
	t.Helper()
	if built, _ := filepath.Glob("../console/dist/index.html"); len(built) == 0 {
		t.Skip("the console is not bundled: make web")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs lines
	done := make(chan int, 1)
	go func() {
		done <- cli.Main(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--data", dir}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	link := regexp.MustCompile(`http://\S+token=\S+`)
	for range 600 {
		if strings.Contains(errs.String(), "the plant lives") {
			return link.FindString(out.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("the demo does not live: %s", errs.String())
	return ""
}

// tab is a page of a browser that a person sits at.
type tab struct {
	*testing.T
	ctx  context.Context
	base string
}

func (b tab) js(code string) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async()=>String(await ("+code+")))()", chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", code, err)
	}
	return got
}

// until waits for something to be true on the page.
func (b tab) until(what, code string) {
	b.Helper()
	for range 150 {
		if b.js(code) == "true" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("%s: not so within 15 s; the page shows: %.600s", what, b.js("document.body.innerText"))
}

func (b tab) open(path string) {
	b.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.base+path)); err != nil {
		b.Fatalf("opening %s: %v", path, err)
	}
	b.until("a page at "+path, `document.querySelector("h1") !== null && !document.querySelector("main [aria-busy=true]")`)
}

func (b tab) press(keys string) {
	b.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.Fatalf("pressing %q: %v", keys, err)
	}
}

func openTab(t *testing.T) (tab, func() []string) {
	t.Helper()
	return openTabOn(t, t.TempDir())
}

// openTabOn opens a browser at a demo that has its data in a directory.
func openTabOn(t *testing.T, dir string) (tab, func() []string) {
	t.Helper()
	path := browser(t)
	link := startDemo(t, dir)
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "vedette-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true),
		chromedp.UserDataDir(profile), chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	var mu sync.Mutex
	var asked []string
	events := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for ev, err := range events {
			if err != nil {
				return
			}
			mu.Lock()
			asked = append(asked, ev.Request.URL)
			mu.Unlock()
		}
	}()
	if err := chromedp.Do(ctx, chromedp.Navigate(link)); err != nil {
		t.Fatalf("opening the link: %v", err)
	}
	return tab{t, ctx, "http://" + at.Host}, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
}

// A person works with the console by keyboard: asks, follows the evidence, opens
// an incident, narrows the events. Nothing is fetched from elsewhere.
func TestConsoleInABrowser(t *testing.T) {
	b, asked := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	t.Logf("first useful paint after %s ms, first by the browser's word %s ms", b.js("Math.round(performance.now())"), b.js(`Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime)`))

	b.press("/")
	b.until("/ focuses the question", `document.activeElement.id === "ask"`)
	b.press("Which sources have the most failed logins in the past 24 hours?\r")
	b.until("an answer", `document.querySelector(".says .cite") !== null`)
	if got := b.js(`document.querySelector(".proof tbody tr td").textContent`); got == "" {
		t.Error("the evidence has no row")
	}
	if got := b.js(`document.querySelector(".says li").textContent`); !strings.Contains(got, "E1") || !strings.Contains(got, "Checked") {
		t.Errorf("the first sentence: %q", got)
	}

	b.js(`document.activeElement.blur()`)
	b.press("g")
	b.press("i")
	b.until("g i goes to the incidents", `location.pathname === "/incidents" && document.querySelector(".grid tbody tr.can") !== null`)
	b.press("j")
	b.press("o")
	b.until("an incident with its timeline", `/^\/incidents\/./.test(location.pathname) && document.querySelector(".timeline li") !== null`)

	b.press("g")
	b.press("e")
	b.until("events", `document.querySelectorAll(".grid tbody tr.can").length > 10`)
	b.until("values to narrow by", `[...document.querySelectorAll(".values .pivot")].some((x) => x.textContent === "modbus")`)
	b.js(`[...document.querySelectorAll(".values .pivot")].find((x) => x.textContent === "modbus").click()`)
	b.until("a click asks for a value", `new URLSearchParams(location.search).get("q") === "app_name=modbus"`)
	b.js(`document.querySelector(".values .pivot").dispatchEvent(new MouseEvent("click", { bubbles: true, altKey: true }))`)
	b.until("Alt and a click leave a value out", `/!=/.test(new URLSearchParams(location.search).get("q"))`)
	b.open("/events")
	b.until("rows", `document.querySelector(".grid tbody tr.can") !== null`)
	b.press("j")
	b.press("\r")
	b.until("Enter opens the event with its record", `document.querySelector(".panel pre.raw")?.textContent.length > 10`)

	for _, u := range asked() {
		if !strings.HasPrefix(u, b.base+"/") && !strings.HasPrefix(u, "data:") {
			t.Errorf("the page asks elsewhere: %s", u)
		}
	}
}

// What a device wrote is text on every page, and what is hidden in it is seen.
func TestHostileNamesInABrowser(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	uid := b.js(`fetch("/api/v1/devices?q=plc-boiler-01").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	hostile := `<img src=x onerror="document.title='owned'">`
	name, _ := json.Marshal(hostile)
	if got := b.js(`fetch("/api/v1/devices/` + uid + `", { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name: ` + string(name) + ` }) }).then((r) => r.status)`); got != "200" {
		t.Fatalf("setting the name: %s", got)
	}
	line := "Nov 28 07:00:00 srv-jump-01 sshd[7]: Failed password for invalid user gpj\u202e<img/src=x/onerror=alert(1)> from 203.0.113.9 port 4711 ssh2"
	text, _ := json.Marshal(line)
	if got := b.js(`fetch("/api/v1/ingest?name=hostile", { method: "POST", body: ` + string(text) + ` }).then((r) => r.status)`); got != "200" {
		t.Fatalf("taking in a line: %s", got)
	}
	for _, path := range []string{"/events?last=all&q=" + url.QueryEscape("src=203.0.113.9"), "/devices", "/devices/" + uid, "/now", "/incidents", "/network?by=name", "/events?q=" + url.QueryEscape("dst_endpoint.uid="+uid)} {
		b.open(path)
		time.Sleep(500 * time.Millisecond)
		if b.js(`document.title.includes("owned") || document.querySelector("main img") !== null`) == "true" {
			t.Errorf("%s: a device's text became markup", path)
		}
		if strings.Contains(b.js(`document.querySelector("main").textContent`), "\u202e") {
			t.Errorf("%s: a mark that turns the direction of text is not made visible", path)
		}
	}
	b.open("/events?last=all&q=" + url.QueryEscape("src=203.0.113.9"))
	if got := b.js(`document.querySelector("main").textContent`); !strings.Contains(got, "U+202E") {
		t.Errorf("the hidden mark cannot be seen: %.300s", got)
	}
	// The pattern of a text that no dialect knows stands in how a question was read.
	text, _ = json.Marshal("2026-11-28 07:00:00 WARN oven: ovenbird\u202e<img/src=x/onerror=alert(1)> melted\n2026-11-28 07:00:01 WARN oven: opened")
	if got := b.js(`fetch("/api/v1/ingest?name=oven.log", { method: "POST", body: ` + string(text) + ` }).then((r) => r.status)`); got != "200" {
		t.Fatalf("taking in texts: %s", got)
	}
	b.open("/ask?q=" + url.QueryEscape("how often did the ovenbird melt?"))
	b.until("how the question was read", `/that a program wrote as/.test(document.querySelector("main").textContent)`)
	if got := b.js(`document.querySelector("main").textContent`); strings.Contains(got, "\u202e") || !strings.Contains(got, "U+202E") {
		t.Errorf("the hidden mark of a text is not made visible: %.600s", got)
	}
	b.open("/devices/" + uid)
	if got := b.js(`document.querySelector("h1").textContent`); !strings.HasPrefix(got, "<img src=x") {
		t.Errorf("the name is shown as %q", got)
	}
}

// Every page, light and dark, wide and narrow: names for what can be pressed,
// contrast, one heading, no text cut off at the side.
func TestConsoleIsForAll(t *testing.T) {
	check, err := os.ReadFile(filepath.Join("testdata", "accessible.js"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	incident := b.js(`fetch("/api/v1/incidents").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	device := b.js(`fetch("/api/v1/devices").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	pages := []string{"/now", "/ask", "/incidents", "/incidents/" + incident, "/events", "/devices", "/devices/" + device, "/network", "/network?by=name", "/vulnerabilities", "/ai", "/settings", "/settings?part=aside", "/settings?part=retention", "/settings?part=rules", "/settings?part=zones", "/settings?part=users", "/settings?part=feeds", "/settings?part=history"}
	camera := b.uidOf("cam-dock-02")
	bill := b.js(`fetch("/api/v1/devices/` + camera + `/bills").then((r) => r.json()).then((d) => d.rows[1].id)`)
	pages = append(pages, "/vulnerabilities?by=device&open=device:"+camera, "/vulnerabilities?by=component", "/vulnerabilities?by=task", "/intelligence?part=technique&id=T0855", "/vulnerabilities?by=advisory&open=CVE-2023-0809", "/vulnerabilities/CVE-2022-1797", "/vulnerabilities/CVE-2017-17562",
		"/devices/"+camera+"/bill?open=5", "/devices/"+camera+"/bill?before="+bill, "/intelligence", "/intelligence?part=hits", "/intelligence?part=lookup", "/intelligence?part=allow", "/intelligence?part=advisories")
	for _, wide := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(wide, 900)); err != nil {
				t.Fatal(err)
			}
			for _, path := range pages {
				b.open(path)
				if got := b.js(string(check)); got != "" {
					t.Errorf("%s, %d wide, %s:\n%s", path, wide, scheme, got)
				}
			}
			if got := b.js(`(() => { const p = document.createElement("p"); const s = document.createElement("span"); s.textContent = "hard to read"; s.style.color = "#888"; s.style.backgroundColor = "#999"; p.append(document.createElement("button"), s); document.querySelector("main").append(p); return 1; })()`) + b.js(string(check)); !strings.Contains(got, "has no name") || !strings.Contains(got, "contrast") {
				t.Errorf("the check finds nothing where something is wrong: %s", got)
			}
			if dark := b.js(`getComputedStyle(document.body).backgroundColor`); (dark == "rgb(16, 22, 27)") != (scheme == "dark") {
				t.Errorf("%s: the ground is %s", scheme, dark)
			}
		}
	}
}
