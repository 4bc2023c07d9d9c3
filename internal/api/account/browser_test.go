package account_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// page is a page in a real browser.
type page struct {
	*testing.T
	ctx context.Context //nolint:containedctx // of the browser, which ends with the test
}

// openPage opens an address in a browser of its own; without one the test is
// skipped.
func openPage(t *testing.T, address string) page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no browser is installed: apt-get install chromium")
	}
	profile, err := os.MkdirTemp("", "vedette-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) }) // the browser may still be writing
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("ignore-certificate-errors", true), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(time.Minute))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	return page{t, ctx}
}

// js runs a line in the page.
func (p page) js(code string) string {
	p.Helper()
	short, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	got, err := chromedp.Run(short, chromedp.Evaluate[string](code))
	if err != nil {
		return "" // between two pages
	}
	return got
}

// until waits until what a line gives has a part.
func (p page) until(what, code, part string) {
	p.Helper()
	got := ""
	for range 100 {
		if got = p.js(code); strings.Contains(got, part) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.Fatalf("%s: %q", what, got)
}
