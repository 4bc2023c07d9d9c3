package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"vedette/internal/authz"
	"vedette/internal/console"
)

// The console of who is limited to a zone: no page is broken, none tells of a device
// outside, and those that stay closed say why.
func TestLimitedConsoleInABrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no browser is installed: apt-get install chromium")
	}
	if built, _ := filepath.Glob("../console/dist/index.html"); len(built) == 0 {
		t.Skip("the console is not bundled: make web")
	}
	x := openHalls(t)
	x.write(in())
	pages, err := console.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(authz.With(r.Context(), in(ovens)))
		if strings.HasPrefix(r.URL.Path, "/api/") {
			x.h.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx := browse(t, path)
	incident := x.incidents(in(ovens), "/api/v1/incidents?status=all")[0]
	for at, wants := range map[string]string{
		"/now": "open incident", "/incidents": "test of a write", "/incidents/" + incident: "outside your zones", "/events?last=all": "10.1.0.5", "/network?last=all": "docks", "/network?last=all&by=name": "in docks",
		"/devices": "oven-hmi", "/devices/" + x.ours[0]: "What was found", "/ask?q=top+talkers+in+the+last+7+days": "E1",
		"/vulnerabilities": "Acme Gate", "/vulnerabilities?by=device": "oven plc north", "/vulnerabilities?by=advisory": "CVE-2024-7777", "/vulnerabilities/CVE-2024-7777": "seen on this site", "/intelligence": "Hits here", "/intelligence?part=technique": "Technique", "/intelligence?part=lookup": "Look up", "/devices/" + x.ours[0] + "/bill": "Bill", "/ai": "whole site", "/settings": "Tokens",
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+at)); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		text := ""
		for range 100 {
			short, cancel := context.WithTimeout(ctx, 10*time.Second)
			text, err = chromedp.Run(short, chromedp.Evaluate[string](`document.querySelector("main [aria-busy=true]") ? "" : document.body.innerText`))
			cancel()
			if err == nil && strings.Contains(text, wants) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !strings.Contains(text, wants) || strings.Contains(text, "is not allowed") || !strings.Contains(text, "zone ovens") {
			t.Errorf("%s: %v %.2000s", at, err, text)
		}
		x.silent(at, text)
		if dir := os.Getenv("VEDETTE_SHOTS"); dir != "" {
			if shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(90)); err == nil {
				_ = os.WriteFile(filepath.Join(dir, strings.NewReplacer("/", "_", "?", "_").Replace(at)+".jpg"), shot, 0o600)
			}
		}
	}
}

// browse opens a browser of its own.
func browse(t *testing.T, path string) context.Context {
	t.Helper()
	profile, err := os.MkdirTemp("", "vedette-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(profile), chromedp.WindowSize(1440, 900), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	return ctx
}
