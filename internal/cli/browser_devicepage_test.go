package cli_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// fill writes into a field and sends its form, as two things a person does.
func (b tab) fill(field, text string) {
	b.Helper()
	b.js(`(() => { const i = document.querySelector("` + field + `"); i.focus(); i.value = "` + text + `"; i.dispatchEvent(new Event("input", { bubbles: true })); return new Promise((r) => setTimeout(r, 100)); })()`)
	b.js(`document.querySelector("` + field + `").form.requestSubmit()`)
}

// The page of a device has its charts beside the usual, what is not usual by word
// and mark, a policy that can be saved, and its life with who said what.
func TestDevicePageInABrowser(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	uid := b.js(`fetch("/api/v1/devices?q=plc-boiler-01").then((r) => r.json()).then((d) => d.rows[0].uid)`)
	b.open("/devices/" + uid)
	b.until("charts", `document.querySelectorAll(".charts canvas").length >= 3`)
	if got := b.js(`document.querySelector(".charts figcaption").textContent`); !strings.Contains(got, "unusual is more than") {
		t.Errorf("the first chart says %q", got)
	}
	b.until("the intruder is no usual peer", `[...document.querySelectorAll(".grid[aria-label=Peers] tbody tr")].some((r) => /srv-jump-01/.test(r.textContent) && /new|flagged|not known/.test(r.textContent) && /finding/.test(r.textContent))`)
	b.until("who always asks is usual", `[...document.querySelectorAll(".grid[aria-label=Peers] tbody tr")].some((r) => /hmi-line-01/.test(r.textContent) && /usual/.test(r.textContent))`)
	b.until("a policy", `/from local networks, tcp 502/.test(document.querySelector("main").textContent)`)
	if got := b.js(`fetch([...document.querySelectorAll("main a[download]")].find((x) => /format=mud/.test(x.href)).href).then((r) => r.json()).then((d) => Object.keys(d).join(" "))`); !strings.Contains(got, "ietf-mud:mud") {
		t.Errorf("the file has %s", got)
	}
	b.js(`(() => { const s = document.querySelector("aside select"); s.value = "state"; s.dispatchEvent(new Event("change", { bubbles: true })); const i = document.querySelector("aside input"); i.value = "approved"; i.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until("it can be set", `document.querySelector("aside button[type=submit]").disabled === false`)
	b.js(`document.querySelector("aside button[type=submit]").click()`)
	b.until("its life tells who said so", `/state was set to approved by /.test(document.querySelector("aside").textContent)`)
	b.js(`(() => { const s = document.querySelector("#behaviour").parentElement.querySelector("select"); s.value = "7d"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	b.until("seven days", `/unusual\./.test(document.querySelector(".charts figcaption")?.textContent)`)
}

// The picture of the network is worked with by keyboard alone, and what is chosen
// is told in words.
func TestNetworkByKeys(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.open("/network?by=name")
	b.until("the picture", `performance.getEntriesByName("graph-drawn").length > 0`)
	b.js(`(() => { document.querySelector(".biggraph canvas").focus(); return 1; })()`)
	b.press(kb.ArrowDown)
	b.until("a group is chosen", `document.querySelector(".biggraph .card") !== null`)
	b.press("\r")
	b.until("Enter closes it", `/Open it/.test(document.querySelector(".biggraph .card").textContent)`)
	b.press(kb.Escape)
	b.until("Escape lets go", `document.querySelector(".biggraph .card") === null`)
	b.fill(".biggraph input", "plc-boiler")
	b.until("search finds and tells", `/plc-boiler-01/.test(document.querySelector(".biggraph .card")?.textContent) && /hmi-line-01/.test(document.querySelector(".biggraph .card").textContent)`)
	b.js(`(() => { document.querySelector(".biggraph canvas").focus(); return 1; })()`)
	b.press("\r")
	b.until("Enter goes to the device", `/^\/devices\/dev-/.test(location.pathname)`)
}

// How a question was read can be changed: a condition taken out, a stage edited,
// and the query asked again.
func TestChipsInABrowser(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.fill("#ask", "Show failed logins per hour over the past 24 hours")
	b.until("chips", `document.querySelectorAll(".reading .part").length >= 4`)
	chips := b.js(`[...document.querySelectorAll(".reading .part .chip:first-child")].map((x) => x.textContent).join("; ")`)
	for _, want := range []string{"class authentication", "condition status=Failure", "time last 24h", "then every 1h count"} {
		if !strings.Contains(chips, want) {
			t.Errorf("the chips %q lack %q", chips, want)
		}
	}
	b.js(`[...document.querySelectorAll(".reading .chip.off")].find((x) => /Without status=Failure/.test(x.getAttribute("aria-label"))).click()`)
	b.js(`[...document.querySelectorAll(".reading .part .chip")].find((x) => /every 1h/.test(x.textContent)).click()`)
	b.until("a stage can be written", `document.querySelector(".chip-edit input") !== null`)
	b.fill(".chip-edit input", "every 3h count")
	b.until("it is kept", `[...document.querySelectorAll(".reading .part .chip")].some((x) => /every 3h/.test(x.textContent))`)
	b.js(`[...document.querySelectorAll(".reading button")].find((x) => x.textContent === "Ask again").click()`)
	b.until("it is asked again", `document.querySelector(".reading .proof tbody tr") !== null`)
	if got := b.js(`document.querySelector(".reading .proof .query").textContent`); strings.Contains(got, "Failure") || !strings.Contains(got, "every 3h count") || !strings.Contains(got, "last 24h") {
		t.Errorf("asked was %q", got)
	}
	b.until("its trend is drawn", `document.querySelector(".reading .proof .time canvas") !== null`)
}
