package cli_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

// send puts a file to the server as the page would, and returns the status.
func (b tab) send(path, body string) string {
	b.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	return b.js(`fetch("/api/v1` + path + `", { method: "POST", body: ` + string(text) + ` }).then(async (r) => r.status + " " + await r.text())`)
}

func (b tab) uidOf(name string) string {
	b.Helper()
	return b.js(`fetch("/api/v1/devices?q=` + name + `").then((r) => r.json()).then((d) => d.rows[0].uid)`)
}

// A person goes from the list of vulnerabilities to a device's bill of materials
// by keyboard, sends a newer bill, sees what changed, and states a word of the
// site's own.
func TestVulnerabilitiesInABrowser(t *testing.T) {
	b, asked := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.press("g")
	b.press("v")
	b.until("what to do", `location.pathname === "/vulnerabilities" && document.querySelector(".grid tbody tr.can") !== null`)
	for _, by := range []string{"device", "component", "advisory"} {
		b.js(`document.querySelector("nav.tabs a[href*='by=` + by + `']").click()`)
		b.until("the list by "+by, `new URLSearchParams(location.search).get("by") === "`+by+`" && document.querySelector(".grid tbody tr.can") !== null`)
		b.js(`document.activeElement.blur()`)
		b.press("j")
		b.press("\r")
		b.until("Enter opens the rows with their reasons", `document.querySelector(".panel .plain li .answer") !== null && document.querySelector(".panel .plain li .block").textContent.length > 10`)
		before := b.js(`document.querySelectorAll(".panel .plain .bullets li").length`)
		b.press("w")
		b.until("w tells how each came about", `document.querySelectorAll(".panel .plain .bullets li").length > `+before)
	}
	b.press("/")
	b.until("/ focuses the text", `document.activeElement.id === "vulns-query"`)
	b.js(`document.activeElement.select()`) // the driver types the key that only moved the focus
	b.press("3752")
	b.until("the text narrows the list", `new URLSearchParams(location.search).get("q") === "3752" && document.querySelectorAll(".grid tbody tr.can").length === 1`)

	camera := b.uidOf("cam-dock-02")
	b.open("/devices/" + camera + "/bill")
	b.until("components", `document.querySelectorAll(".grid tbody tr.can").length === 7`)
	b.js(`(() => {
		const bill = { bomFormat: "CycloneDX", specVersion: "1.5", version: 1, metadata: { component: { type: "firmware", name: "IPC-2MP", version: "1.0.9" } },
			components: [{ type: "library", name: "openssl", version: "3.5.0", publisher: "OpenSSL", cpe: "cpe:2.3:a:openssl:openssl:3.5.0:*:*:*:*:*:*:*" }] };
		const files = new DataTransfer();
		files.items.add(new File([JSON.stringify(bill)], "new.cdx.json"));
		files.items.add(new File(["{\"bomFormat\":\"CycloneDX\"}"], "bad.cdx.json"));
		const input = document.querySelector("input[type=file]");
		input.files = files.files;
		input.dispatchEvent(new Event("change", { bubbles: true }));
		return 1;
	})()`)
	b.until("one is taken in and one is refused with its reason", `/new\.cdx\.json.*taken in/s.test(document.querySelector("main").textContent) && /bad\.cdx\.json.*refused.*CycloneDX version/s.test(document.querySelector("main").textContent)`)
	b.until("the new bill counts", `document.querySelectorAll(".grid tbody tr.can").length === 1 && document.querySelectorAll("aside .plain li").length >= 3`)
	b.js(`[...document.querySelectorAll("button.link")].find((x) => x.textContent === "What changed since").click()`)
	b.until("what changed", `/Vulnerabilities that went \([1-9]/.test(document.querySelector("main").textContent) && /Removed \([1-9]/.test(document.querySelector("main").textContent)`)

	b.open("/vulnerabilities/CVE-2022-3752")
	b.until("who has it", `/plc-filler-03/.test(document.querySelector("main").textContent)`)
	set := func(selector, value string) {
		text, _ := json.Marshal(value)
		b.js(`(() => { const el = document.querySelector("` + selector + `"); el.value = ` + string(text) + `; el.dispatchEvent(new Event("input", { bubbles: true })); return 1; })()`)
	}
	set("form.decide input", "plc-filler-03")
	set("form.decide textarea", "the port is closed by the cabinet's firewall")
	b.js(`document.querySelector("form.decide button[type=submit]").click()`)
	b.until("the site's word counts", `document.querySelector("section[aria-label='not affected'] .answer.not_affected") !== null && /cabinet/.test(document.querySelector("section[aria-label='not affected']").textContent)`)
	b.js(`[...document.querySelectorAll("button.link")].find((x) => x.textContent === "Take it back").click()`)
	b.until("and counts no more when it is taken back", `document.querySelector("section[aria-label='affected']") !== null && !document.querySelector("section[aria-label='not affected']")`)
	for _, u := range asked() {
		if !strings.HasPrefix(u, b.base+"/") && !strings.HasPrefix(u, "data:") {
			t.Errorf("the page asks elsewhere: %s", u)
		}
	}
}

// A person takes an action on and says that it is done: that is kept as a word, and
// the task stays open until the devices are seen mended.
func TestTasksInABrowser(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.open("/vulnerabilities")
	b.until("what to do", `document.querySelector(".grid tbody tr.can") !== null`)
	b.press("j")
	b.press("\r")
	push := func(label string) {
		t.Helper()
		b.until("the button "+label, `[...document.querySelectorAll("main button")].some((x) => x.textContent === "`+label+`")`)
		b.js(`[...document.querySelectorAll("main button")].find((x) => x.textContent === "` + label + `").click()`)
	}
	state := func(word string) {
		t.Helper()
		b.until("the state "+word, `/`+word+`/.test(document.querySelector(".panel dl.facts dd")?.textContent)`)
	}
	push("Take it on")
	state("open")
	push("Say it is done")
	state("said done")
	b.until("and what is seen is told apart", `/^0 of [1-9]/.test([...document.querySelectorAll(".panel dl.facts dd")].at(-1).textContent)`)
	push("Undo the last change")
	state("open")
	b.js(`(() => { const el = document.querySelector(".panel textarea"); el.value = "<b>asked the maker</b>"; el.dispatchEvent(new Event("input", { bubbles: true })); return 1; })()`)
	push("Write it")
	b.until("the note is text", `/<b>asked the maker<\/b>/.test(document.querySelector(".panel .notes")?.textContent) && document.querySelector(".panel .notes b") === null`)
	b.open("/vulnerabilities?by=task&mine=1")
	b.until("it is in the list of tasks", `document.querySelectorAll(".grid tbody tr.can").length === 1`)
	if got := b.js(`fetch(document.querySelector("a[download]").getAttribute("href")).then((r) => r.text())`); !strings.Contains(got, "open") {
		t.Errorf("the file of tasks: %.200s", got)
	}
}

// What advisories, bills and feeds wrote is text on every page, and what is
// hidden in it is seen.
func TestHostileDocumentsInABrowser(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	hostile := "\u202e<img src=x onerror=\"document.title='owned'\">"
	text := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	type m = map[string]any
	record := text(m{
		"dataType": "CVE_RECORD", "dataVersion": "5.1", "cveMetadata": m{"cveId": "CVE-2024-99999", "state": "PUBLISHED", "assignerOrgId": "00000000-0000-4000-8000-000000000000", "assignerShortName": hostile},
		"containers": m{"cna": m{
			"providerMetadata": m{"orgId": "00000000-0000-4000-8000-000000000000"}, "title": hostile, "descriptions": []m{{"lang": "en", "value": hostile + " ignore all previous instructions"}},
			"affected":   []m{{"vendor": "Evil", "product": "evilpart", "versions": []m{{"version": "0", "status": "affected", "lessThan": "9.0", "versionType": "semver"}}}},
			"references": []m{{"url": "https://evil.example/" + hostile}}, "solutions": []m{{"lang": "en", "value": hostile}}, "workarounds": []m{{"lang": "en", "value": hostile}},
		}},
	})
	bill := text(m{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": m{"component": m{"type": "firmware", "name": hostile, "version": hostile}},
		"components": []m{{"type": "library", "name": "evilpart", "version": "1.0" + hostile, "publisher": "Evil", "licenses": []m{{"license": m{"name": hostile}}}}, {"type": "library", "name": hostile, "version": "1", "purl": "pkg:generic/x@1?y=" + hostile}},
	})
	camera := b.uidOf("cam-dock-02")
	for path, body := range map[string]string{
		"/advisories?name=" + url.QueryEscape(hostile): record, "/bills?name=x&device=" + camera: bill,
		"/intel?name=evil.csv": "type,value,family\nip,203.0.113.77," + strings.ReplaceAll(hostile, `"`, `'`) + "\n",
	} {
		if got := b.send(path, body); !strings.HasPrefix(got, "200 ") || strings.Contains(got, `"rejected"`) {
			t.Errorf("sending to %s: %s", path, got)
		}
	}
	if got := b.js(`fetch("/api/v1/intel/allow", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ values: ["203.0.113.78"], why: ` + text(hostile) + ` }) }).then((r) => r.status)`); got != "200" {
		t.Errorf("allowing: %s", got)
	}
	shows := func(path string, must bool) {
		t.Helper()
		b.open(path)
		time.Sleep(500 * time.Millisecond)
		if b.js(`document.title.includes("owned") || document.querySelector("main img") !== null`) == "true" {
			t.Errorf("%s: a text of others became markup", path)
		}
		got := b.js(`document.querySelector("main").textContent + [...document.querySelectorAll("main [title], main [aria-label]")].map((x) => (x.title || "") + (x.getAttribute("aria-label") || "")).join("")`)
		if strings.Contains(got, "\u202e") {
			t.Errorf("%s: a mark that turns the direction of text is not made visible", path)
		}
		if must && !strings.Contains(got, "U+202E") {
			t.Errorf("%s: the hostile text is not there at all: %.300s", path, got)
		}
	}
	for _, path := range []string{
		"/vulnerabilities?by=advisory&open=CVE-2024-99999", "/vulnerabilities?by=component", "/vulnerabilities?by=device&open=" + url.QueryEscape("device:"+camera),
		"/vulnerabilities/CVE-2024-99999", "/devices/" + camera + "/bill?open=1", "/devices/" + camera + "/bill?open=0", "/intelligence?part=allow",
	} {
		shows(path, true)
	}
	for _, path := range []string{"/vulnerabilities", "/intelligence", "/intelligence?part=advisories", "/devices/" + camera} { // they need not show it
		shows(path, false)
	}
	b.open("/intelligence?part=lookup")
	b.js(`(() => { const el = document.getElementById("intel-query"); el.value = "203.0.113.77"; el.dispatchEvent(new Event("input", { bubbles: true })); return 1; })()`)
	b.js(`document.querySelector("form.bar button").click()`)
	b.until("the look-up tells the feed's word as text", `/U\+202E/.test(document.querySelector("main").textContent) && document.querySelector("main img") === null`)
}
