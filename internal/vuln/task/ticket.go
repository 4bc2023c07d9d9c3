package task

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"vedette/internal/vuln/remedy"
)

// Names are what subjects are called, by their ids; a device may have chosen its own.
type Names map[string]string

// maxListed is how many devices and vulnerabilities a ticket lists.
const maxListed = 200

// Ticket writes the task in Markdown for another tool: what to do, where, by when,
// how, what if it fails, and when it is over. What devices, advisories and persons
// wrote stands as code: it becomes no markup and no link.
func (t *Task) Ticket(names Names, now time.Time) []byte {
	w := &ticket{Task: t, names: names, now: now.UTC()}
	w.line("# %s", w.title())
	w.facts()
	w.steps()
	w.subjects()
	w.vulnerabilities()
	w.sources()
	w.fallback()
	w.notes()
	return []byte(w.String())
}

type ticket struct {
	strings.Builder
	*Task
	names Names
	now   time.Time
}

func (w *ticket) line(format string, args ...any) { fmt.Fprintf(&w.Builder, format+"\n", args...) }
func (w *ticket) head(text string)                { w.line("\n## %s\n", text) }
func (w *ticket) item(format string, args ...any) { w.line("- "+format, args...) }

func (w *ticket) title() string {
	switch w.Kind {
	case remedy.Update:
		return "Update " + code(w.Product) + " to " + code(w.To)
	case remedy.Component:
		return "Get firmware with " + code(w.Product) + " " + code(w.To) + " or later"
	case remedy.Advised:
		return "Do what the advisory says for " + code(w.Product)
	case remedy.Control:
		return "Limit what reaches " + code(w.Product)
	}
	return "Find out which version of " + code(w.Product) + " runs"
}

func (w *ticket) facts() {
	w.line("")
	verified, affected := w.Count()
	w.item("Task: `%s`", w.UID)
	if w.Site != "" {
		w.item("Site: %s", code(w.Site))
	}
	w.item("Urgency when it was opened: %s", w.Decision)
	w.item("State: %s", strings.ReplaceAll(string(w.State), "_", " "))
	w.item("Seen as it should be: %d of %d; seen still affected: %d", verified, len(w.Subjects), affected)
	owner := "nobody"
	if w.Owner != "" {
		owner = code(w.Owner)
	}
	w.item("Owner: %s", owner)
	switch {
	case w.Due.IsZero():
		w.item("Due: no date is set")
	case w.Overdue(w.now):
		w.item("Due: %s (%s); it is overdue", w.Due.Format(time.DateOnly), code(w.DueWhy))
	default:
		w.item("Due: %s (%s)", w.Due.Format(time.DateOnly), code(w.DueWhy))
	}
	if !w.From.IsZero() {
		w.item("Maintenance window: %s", span(w.From, w.Until))
	}
	if a := w.Accepted; a != nil {
		w.item("Risk accepted by %s until %s: %s", code(a.By), a.Until.Format(time.DateOnly), code(a.Why))
	}
	w.item("Written %s by Vedette", w.now.Format("2006-01-02 15:04 UTC"))
}

func (w *ticket) steps() {
	w.head("Steps")
	n := 0
	step := func(format string, args ...any) {
		n++
		w.line("%d. "+format, append([]any{n}, args...)...)
	}
	switch w.Kind {
	case remedy.Update, remedy.Component:
		if w.Kind == remedy.Component {
			step("Ask the maker of the device for firmware with %s %s or later, or for a statement that it is not affected.", code(w.Product), code(w.To))
		}
		step("Read the sources below: what the update needs, and from which versions it can be made.")
		step("Get the update from its maker and check its signature or digest.")
		step("Note the version that runs now; save configuration and program, and check that they can be read back.")
		step("Agree on the window with who runs the process; bring it into a safe state first.")
		step("Update one device, check that it works, then the others.")
		step("Read the version back from each device.")
	case remedy.Advised:
		step("Do what the advisory says: %s", code(cmp.Or(w.Advice, "see the sources below")))
		step("Check that the process still works.")
		step("Note in the task what was changed and where.")
	case remedy.Control:
		step("Let through only what the devices need; hold the rule against what was seen, below.")
		step("Set the rule to log first where that is possible, and look at what it would stop.")
		step("Note in the task which rule was set and where.")
	default:
		step("Read the version from each device, or let Vedette see it: a capture of its identity, SNMP, a bill of materials.")
	}
	step("Say in Vedette that it is done: `vedette vulns task set %s --state said_done`.", w.UID)
	if len(w.Breaks) > 0 {
		w.line("\nWhat was seen to reach them:\n")
		for _, b := range w.Breaks {
			w.item("%s", code(b))
		}
	}
	w.line("\nThe task closes when each device is seen with a version that is not affected, not before.")
}

func (w *ticket) subjects() {
	w.head("Devices")
	for i := range w.Subjects[:min(len(w.Subjects), maxListed)] {
		s := &w.Subjects[i]
		text := code(s.ID)
		if name := w.names[s.ID]; name != "" {
			text = code(name) + ", " + text
		}
		text += ": " + strings.ReplaceAll(string(s.State), "_", " ")
		if s.Version != "" {
			text += ", version " + code(s.Version)
		}
		if !s.At.IsZero() {
			text += ", seen " + s.At.Format("2006-01-02 15:04 UTC") + " by " + code(s.Source)
		}
		w.item("%s", text)
	}
	if more := len(w.Subjects) - maxListed; more > 0 {
		w.item("and %d more: `vedette vulns task show %s`", more, w.UID)
	}
}

func (w *ticket) vulnerabilities() {
	w.head("Vulnerabilities")
	for _, id := range w.Vulnerabilities[:min(len(w.Vulnerabilities), maxListed)] {
		w.item("%s", code(id))
	}
	if more := len(w.Vulnerabilities) - maxListed; more > 0 {
		w.item("and %d more", more)
	}
}

func (w *ticket) sources() {
	if len(w.Cited) == 0 {
		return
	}
	w.head("Sources")
	for _, c := range w.Cited {
		text := code(c.Advisory)
		if c.URL != "" {
			text += ", " + code(c.URL)
		}
		if c.Text != "" {
			text += ": " + code(c.Text)
		}
		w.item("%s", text)
	}
}

func (w *ticket) fallback() {
	w.head("If it fails")
	switch w.Kind {
	case remedy.Update, remedy.Component:
		w.item("Go back to the version that was noted, with the saved configuration and program, if the maker allows it.")
		w.item("Until then limit what reaches the devices to what they need.")
		w.item("Where it cannot be done, say so in the task: accept the risk with a reason and until when.")
	case remedy.FindOut:
		w.item("Where a device does not tell its version, look at its label or its maker's tool, and set it in the inventory.")
	default:
		w.item("Take the change back.")
		w.item("Accept the risk in the task with a reason and until when, and ask the maker for a fix.")
	}
}

func (w *ticket) notes() {
	if len(w.Notes) == 0 {
		return
	}
	w.head("Notes")
	for _, n := range w.Notes {
		w.item("%s, %s: %s", n.At.Format("2006-01-02 15:04 UTC"), code(n.By), code(n.Text))
	}
}
