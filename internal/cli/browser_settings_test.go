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
