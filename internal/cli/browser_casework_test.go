package cli_test

import (
	"strings"
	"testing"
)

// A person takes an incident by a key, writes a note that is shown as text, takes
// it back, exports, and comes to closing by a key; "g e" still goes to the events.
func TestConsoleCasework(t *testing.T) {
	b, _ := openTab(t)
	b.until("open incidents", `/open incident/.test(document.querySelector("h1")?.textContent)`)
	b.open("/incidents")
	b.until("rows", `document.querySelector(".grid tbody tr.can") !== null`)
	who := b.js(`fetch("/api/v1/me").then((r) => r.json()).then((m) => m.name)`)
	mine := `fetch("/api/v1/incidents?assignee=me").then((r) => r.json()).then((d) => d.total)`
	b.press("g")
	b.press("e")
	b.until("g e goes to the events", `location.pathname === "/events"`)
	if got := b.js(mine); got != "0" {
		t.Fatalf("g e took an incident: %s", got)
	}
	b.press("g")
	b.press("i")
	b.until("rows", `location.pathname === "/incidents" && document.querySelector(".grid tbody tr.can") !== null`)
	b.press("j")
	b.press("e")
	b.until("e takes the row", `[...document.querySelectorAll(".grid tbody tr.at td")].some((x) => x.textContent === "`+who+`")`)
	b.open("/incidents?assignee=me")
	b.until("what is mine is one", `document.querySelectorAll(".grid tbody tr.can").length === 1`)
	b.press("j")
	b.press("c")
	b.until("c goes to closing", `/^\/incidents\/./.test(location.pathname) && document.activeElement?.id === "decide-why" && location.search === ""`)
	b.press("e")
	if got := b.js(`document.activeElement.value`); got != "e" {
		t.Errorf("a letter that is typed is a key: %q", got)
	}

	button := func(name string) string {
		return `[...document.querySelectorAll("aside button, .notebook button")].find((x) => x.textContent.trim() === "` + name + `")`
	}
	b.js(`(() => { const t = document.querySelector("textarea"); t.value = "<img src=x onerror=alert(1)> [a](http://evil.example)\nsecond \u202e line"; t.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until("the note can be written", button("Write it")+`?.disabled === false`)
	b.js(button("Write it") + `.click()`)
	b.until("the note is text", `(() => { const n = document.querySelector(".notes li p"); return n !== null && n.children.length === 0 && n.textContent.startsWith("<img src=x") && n.textContent.includes("U+202E") && document.querySelector(".notes").textContent.includes("`+who+`"); })()`)
	doc := b.js(`fetch([...document.querySelectorAll("aside a[download]")].find((x) => /md$/.test(x.href)).href).then((r) => r.text())`)
	for _, want := range []string{"## Notes", `> \<img src\=x onerror\=alert(1)\> `, "`[a](http://evil.example)`", "- Assigned to: " + who} {
		if !strings.Contains(doc, want) {
			t.Errorf("the report lacks %q:\n%s", want, doc)
		}
	}
	b.js(`(() => { const set = (q, v) => { const t = document.querySelector(q); t.value = v; t.dispatchEvent(new Event("input", { bubbles: true })); }; set(".notebook textarea", "who wrote"); set(".notebook input", "write=true last 7d | by src, dst count | top 5"); })()`)
	b.until("the step can be written", button("Write it")+`?.disabled === false`)
	b.js(button("Write it") + `.click()`)
	b.until("the answer of now is kept with the note", `document.querySelectorAll(".notes li").length === 2 && document.querySelectorAll(".notes .proof tbody tr").length > 0`)
	if doc := b.js(`fetch([...document.querySelectorAll("aside a[download]")].find((x) => /md$/.test(x.href)).href).then((r) => r.text())`); !strings.Contains(doc, "`write=true last 7d | by src, dst count | top 5`") || !strings.Contains(doc, "- `src_endpoint.ip` `10.") {
		t.Errorf("the report lacks the query and its answer:\n%s", doc)
	}
	b.js(`document.querySelectorAll(".notes li")[1].querySelector("button.link").click()`)
	b.until("the step is taken back", `document.querySelectorAll(".notes li").length === 1`)
	b.js(`document.querySelector(".notes li button").click()`)
	b.until("the note is taken back", `document.querySelector(".notes") === null && /took back a note/.test(document.querySelector("aside").textContent)`)
	b.js(button("Nobody") + `.click()`)
	b.until("nobody has it", button("Nobody")+` === undefined`)
	b.js(button("Give to …") + `.click()`)
	b.until("a name is asked for", `document.querySelector("aside section form input") !== null`)
	b.js(`(() => { const t = document.querySelector("aside section form input"); t.value = "ann"; t.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	b.until("it can be given", button("Give")+`?.disabled === false`)
	b.js(button("Give") + `.click()`)
	b.until("ann has it", `document.querySelector("section[aria-labelledby=owner] strong")?.textContent === "ann"`)
	b.js(`document.activeElement.blur()`)
	b.press("e")
	b.until("e takes it back", `document.querySelector("section[aria-labelledby=owner] strong")?.textContent === "`+who+`"`)
	b.press("?")
	b.until("the keys are listed", `/take it/.test(document.querySelector("dialog")?.textContent)`)
}
