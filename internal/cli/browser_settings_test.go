package cli_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A person sees on the first page that a payload is set aside, looks at it as text,
// has it read again in vain, and drops it with a reason.
func TestConsoleSetAside(t *testing.T) {
	dir := t.TempDir()
	b, _ := openTabOn(t, dir)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.open("/settings?part=aside")
	b.until("an empty state that helps", `/No payload is set aside/.test(document.querySelector("main").textContent)`)
	aside := filepath.Join(dir, "spool", "aside")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aside, "demo-7.rec"), []byte("\x05<img src=x onerror=document.title='owned'> \x1b[31m\u202e"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aside, "demo-7.json"), []byte(`{"at":"2026-01-02T03:04:05Z","reason":"<b>it</b> fell \u202eover"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open("/now")
	b.until("the first page leads to it", `document.querySelector("main a[href='/settings?part=aside']") !== null`)
	b.open("/settings")
	b.until("the sources lead to it", `document.querySelector("main p a[href='/settings?part=aside']") !== null`)
	b.js(`document.querySelector("main p a[href='/settings?part=aside']").click()`)
	b.until("it is listed with its reason", `/<b>it<\/b> fell ‹U\+202E›over/.test(document.querySelector("main tbody")?.textContent)`)
	button := func(name string) string {
		return `[...document.querySelectorAll("main button")].find((x) => x.textContent.trim() === "` + name + `")`
	}
	b.js(button("Show") + `.click()`)
	b.until("it is shown as text", `(() => { const p = document.querySelector("pre.raw"); return p !== null && p.children.length === 0 && p.textContent.includes("<img src=x") && p.textContent.includes("\\x1b[31m") && !p.textContent.includes("\u202e") && document.title !== "owned"; })()`)
	b.js(`document.querySelector("main tbody input[type=checkbox]").click()`)
	b.until("it is chosen", button("Read again (1)")+`?.disabled === false`)
	b.js(button("Read again (1)") + `.click()`)
	b.until("it is confirmed", button("Read again")+` !== undefined`)
	b.js(button("Read again") + `.click()`)
	b.until("it stays, and why", `/could not be read again and stays/.test(document.querySelector("main > .page [role=status], main [role=status]")?.textContent) && !/fell/.test(document.querySelector("main tbody")?.textContent)`)
	b.js(button("Choose all 1") + `.click()`)
	b.until("all are chosen", button("Drop (1)")+`?.disabled === false`)
	b.js(button("Drop (1)") + `.click()`)
	b.until("without a reason nothing is dropped", button("Drop 1 payload")+`?.disabled === true`)
	b.js(`(() => { const t = document.querySelector("form.decide input"); t.value = "rubbish"; t.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until("with one it is", button("Drop 1 payload")+`?.disabled === false`)
	b.js(button("Drop 1 payload") + `.click()`)
	b.until("nothing is left", `/No payload is set aside/.test(document.querySelector("main").textContent)`)
	if left, err := os.ReadDir(aside); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// A person uploads a rule: it is shown to what is stored, and what it would have
// found is told, before it is kept; then a zone is added, foretold, kept and undone.
func TestConsoleTrialAndZones(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	button := func(name string) string {
		return `[...document.querySelectorAll("main button")].find((x) => x.textContent.trim() === "` + name + `")`
	}
	fill := func(what, text string) {
		t.Helper()
		b.js(`(() => { const t = document.querySelector(` + "`" + what + "`" + `); t.value = ` + "`" + text + "`" + `; t.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	}
	b.open("/settings?part=rules")
	b.js(button("Upload a rule") + `.click()`)
	b.until("a form", `document.querySelector("form.decide textarea") !== null`)
	fill("form.decide textarea", "title: Any Modbus write\nid: 0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0009\nlevel: low\nlogsource: {product: zeek, service: modbus}\ndetection:\n  selection: {func|contains: WRITE}\n  condition: selection\n")
	b.until("it can be tried", button("Try it")+`?.disabled === false`)
	b.js(button("Try it") + `.click()`)
	b.until("it can be shown to what is stored", button("See what it would have found")+` !== undefined`)
	b.js(button("See what it would have found") + `.click()`)
	b.until("what it would have found", `/[1-9][0-9]* findings? of [0-9,]+ events/.test(document.querySelector("section[aria-label=Trial]")?.textContent) && document.querySelectorAll("section[aria-label=Trial] pre.raw").length > 0`)
	if got := b.js(`fetch("/api/v1/rules/0c1e9c1e-5a43-4ba5-9d2e-5f4b4a3a0009").then((r) => r.status)`); got != "404" {
		t.Errorf("a trial kept the rule: %s", got)
	}

	b.open("/settings?part=zones")
	b.js(button("Add a zone") + `.click()`)
	b.until("a form", `document.querySelector("form.decide textarea") !== null`)
	fill("form.decide input", "Boilers")
	fill("form.decide textarea", "10.20.0.0/28")
	b.until("it can be looked at", button("See what that does")+`?.disabled === false`)
	b.js(button("See what that does") + `.click()`)
	b.until("who moves is told", `/[1-9][0-9]* devices? changes? zone/.test(document.querySelector("form.decide")?.textContent) && /Process Cell/.test(document.querySelector("form.decide")?.textContent)`)
	fill("form.decide label:last-of-type input", "a test")
	b.until("it can be set", button("Set it")+`?.disabled === false`)
	b.js(button("Set it") + `.click()`)
	b.until("it is set", `[...document.querySelectorAll("main tbody tr")].some((x) => /^Boilers/.test(x.textContent) && /set by/.test(x.textContent))`)
	b.until("devices are in the zone", `fetch("/api/v1/devices?zone=Boilers").then((r) => r.json()).then((d) => d.total > 0)`)
	b.js(`document.querySelector("button[aria-label='Rename Boilers']").click()`)
	b.until("another name is asked for", `/^Rename Boilers/.test(document.querySelector("form.decide h2")?.textContent)`)
	fill("form.decide input", "<b>Boiler house</b>")
	b.until("it can be looked at", button("See what that does")+`?.disabled === false`)
	b.js(button("See what that does") + `.click()`)
	b.until("what follows and stays is told, as text", `/Boilers is called <b>Boiler house<\/b>/.test(document.querySelector("form.decide [role=status]")?.textContent) && /Keeps the old name/.test(document.querySelector("form.decide").textContent)`)
	fill("form.decide input", "Boiler house")
	b.until("another name is looked at anew", button("See what that does")+`?.disabled === false`)
	b.js(button("See what that does") + `.click()`)
	b.until("looked at", button("Rename it")+` !== undefined`)
	fill("form.decide label:last-of-type input", "a test")
	b.until("it can be renamed", button("Rename it")+`?.disabled === false`)
	b.js(button("Rename it") + `.click()`)
	b.until("devices are in it", `fetch("/api/v1/devices?zone=Boiler+house").then((r) => r.json()).then((d) => d.total > 0)`)
	b.until("it can be renamed back", `document.querySelector("button[aria-label='Rename Boiler house']") !== null`)
	b.js(`fetch("/api/v1/settings/zones/Boiler%20house/name", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ to: "Boilers", why: "a test" }) }).then((r) => r.status)`)
	b.open("/settings?part=zones")
	b.until("it is", `[...document.querySelectorAll("main tbody tr")].some((x) => /^Boilers/.test(x.textContent))`)
	b.js(`[...document.querySelectorAll("main tbody tr")].find((x) => /^Boilers/.test(x.textContent)).querySelectorAll("button")[2].click()`)
	b.until("going is foretold", `/^Remove Boilers/.test(document.querySelector("form.decide h2")?.textContent) && /changes? zone/.test(document.querySelector("form.decide")?.textContent)`)
	fill("form.decide input", "done")
	b.until("it can go", button("Remove")+`?.disabled === false`)
	b.js(`document.querySelector("form.decide button[type=submit]").click()`)
	b.until("it is gone", `document.querySelector("form.decide") === null && ![...document.querySelectorAll("main tbody tr")].some((x) => /^Boilers/.test(x.textContent))`)
}

// An administrator requires a passkey of somebody who has none: what that means is
// asked before, and the list tells it.
func TestConsoleRequiresPasskey(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.js(`fetch("/api/v1/account/users", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name: "bob", roles: ["viewer"], zones: [], second_required: false }) }).then((r) => r.status)`)
	b.open("/settings?part=users")
	row := `[...document.querySelectorAll("main tbody tr")].find((x) => /^bob/.test(x.textContent))`
	b.until("bob is there", row+` !== undefined && /no 0 passkeys/.test(`+row+`.textContent)`)
	b.js(`(() => { window.said = ""; window.confirm = (text) => { window.said = text; return true; }; })()`)
	b.js(row + `.querySelector("button[aria-label='Require a passkey of bob']").click()`)
	b.until("it is required", `/required 0 passkeys/.test(`+row+`.textContent) && /only a new link lets it in/.test(window.said)`)
	b.js(row + `.querySelector("button[aria-label='No longer require a passkey of bob']").click()`)
	b.until("no longer", `/no 0 passkeys/.test(`+row+`.textContent)`)
}

// A person adds an endpoint whose server is away: it is told, kept all the same, tested
// in vain, approved and removed; what narrows is set at once, what opens is told first.
func TestConsoleModels(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	button := func(name string) string {
		return `[...document.querySelectorAll("main button")].find((x) => x.textContent.trim() === "` + name + `")`
	}
	fill := func(label, text string) {
		t.Helper()
		b.until("a field "+label, `[...document.querySelectorAll("form.decide label")].some((l) => l.textContent.startsWith("`+label+`"))`)
		b.js(`(() => { const t = [...document.querySelectorAll("form.decide label")].find((l) => l.textContent.startsWith("` + label + `")).querySelector("input, select, textarea"); t.value = ` + "`" + text + "`" + `; t.dispatchEvent(new Event(t.tagName === "SELECT" ? "change" : "input", { bubbles: true })); })()`)
	}
	press := func(name string) {
		t.Helper()
		b.until(name+" can be pressed", button(name)+`?.disabled === false`)
		b.js(button(name) + `.click()`)
	}
	b.open("/settings?part=models")
	b.until("an empty state that helps", `/No endpoint is set/.test(document.querySelector("main").textContent)`)
	press("Add an endpoint")
	b.until("a form", `document.querySelector("form.decide h2")?.textContent === "Add an endpoint"`)
	fill("Name, of", "plant")
	fill("Address", "http://127.0.0.1:1")
	fill("The name that", "m<b>1</b>")
	press("Try it")
	b.until("that it is away is told", `/is down/.test(document.querySelector("form.decide [role=status]")?.textContent)`)
	fill("Why", "a test")
	press("Set it all the same")
	b.until("it is listed, as text, and not asked", `/m<b>1<\/b>.*not asked: .*not in the register/.test(document.querySelector("main tbody")?.textContent)`)
	press("Test")
	b.until("the test tells", `/asked how much 17 times 3 is:.*is down/s.test(document.querySelector("main [role=status]")?.textContent)`)
	press("Approve")
	b.until("what it means is told", `/may go to m<b>1<\/b> at http/.test(document.querySelector("form.decide").textContent)`)
	fill("Why", "a test")
	b.until("it can be approved", `document.querySelector("form.decide button[type=submit]")?.disabled === false`)
	b.js(`document.querySelector("form.decide button[type=submit]").click()`)
	b.until("it is approved", `/approved plant revision/.test(document.querySelector("main tbody")?.textContent)`)
	fill("Mode", "off")
	press("See what that does")
	b.until("nothing goes further", `/Nothing goes further than before/.test(document.querySelector("main").textContent)`)
	fill("Why", "a test")
	press("Set it")
	b.until("the mode is off", `/Modeoff/.test(document.querySelector("main dl").textContent)`)
	b.until("the form is that of now", button("See what that does")+`?.disabled === true`)
	fill("Mode", "cloud")
	press("See what that does")
	b.until("that it opens is told", `/This lets data go further: the mode is cloud instead of off/.test(document.querySelector("main").textContent)`)
	press("Remove")
	b.until("the form to remove", `document.querySelector("form.decide h2")?.textContent === "Remove plant"`)
	fill("Why", "a test")
	b.until("it can be removed", `document.querySelector("form.decide button[type=submit]")?.disabled === false`)
	b.js(`document.querySelector("form.decide button[type=submit]").click()`)
	b.until("it is gone", `/No endpoint is set/.test(document.querySelector("main").textContent)`)
	b.open("/settings?part=limits")
	b.until("limits with their default", `/query_time.*30s.*longest time/.test(document.querySelector("main tbody")?.textContent)`)
	fill("query_time", "soon")
	press("See what that does")
	b.until("what is no time is refused", `/no length of time/.test(document.querySelector("form.decide").textContent)`)
	fill("query_time", "1m")
	press("See what that does")
	fill("Why", "a test")
	press("Set it")
	b.until("it is set", `/query_time1m/.test(document.querySelector("main tbody")?.textContent)`)
}

// A person adds a broker and a user of it: the password is shown once, and that the last
// user goes is told before.
func TestConsoleBrokerUsers(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	if got := b.js(`fetch("/api/v1/settings/sources", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({config: {name: "devices", kind: "broker", listen: "127.0.0.1:0"}, why: "a test"})}).then((r) => r.status)`); got != "200" {
		t.Fatalf("adding a broker: %s", got)
	}
	button := func(name string) string {
		return `[...document.querySelectorAll("main button")].find((x) => x.textContent.trim() === "` + name + `")`
	}
	press := func(name string) {
		t.Helper()
		b.until(name+" can be pressed", button(name)+`?.disabled === false`)
		b.js(button(name) + `.click()`)
	}
	fill := func(label, text string) {
		t.Helper()
		b.until("a field "+label, `[...document.querySelectorAll("form.decide label")].some((l) => l.textContent.startsWith("`+label+`"))`)
		b.js(`(() => { const t = [...document.querySelectorAll("form.decide label")].find((l) => l.textContent.startsWith("` + label + `")).querySelector("input, textarea"); t.value = "` + text + `"; t.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	}
	b.open("/settings?part=sources")
	b.until("who may connect", `/It has no user: anybody on this machine may connect/.test(document.querySelector("main").textContent)`)
	press("Add a user")
	fill("Name", "pump<3>")
	fill("Why", "a test")
	press("Add")
	b.until("the password, once", `/The password is shown once, now: pump<3>: [A-Z0-9]{20}/.test(document.querySelector("main").textContent)`)
	b.until("the user", `/pump<3>plants\/\+\/\{user\}\/#/.test(document.querySelector("main").textContent)`)
	b.js(`[...document.querySelectorAll("main tr")].find((x) => x.textContent.startsWith("pump<3>")).querySelectorAll("button")[2].click()`)
	b.until("a form", `document.querySelector("form.decide h2")?.textContent === "Remove pump<3>"`)
	fill("Why", "a test")
	b.until("it can be removed", `document.querySelector("form.decide button[type=submit]")?.disabled === false`)
	b.js(`document.querySelector("form.decide button[type=submit]").click()`)
	b.until("that it opens is told", `/has no user left: anybody on this machine may connect/.test(document.querySelector("main").textContent)`)
	press("Remove all the same")
	b.until("it is gone", `/It has no user/.test(document.querySelector("main").textContent)`)
}
