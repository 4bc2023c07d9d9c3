// Package report writes an incident as Markdown for people who do not sit at the
// console: what happened, to which devices, what persons wrote and decided.
//
// It owns the form of the report. It must not trust a text: what devices, logs,
// feeds and persons wrote is shown as text, and becomes no markup and no link.
package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"vedette/internal/correlate"
)

// Paper is what a report is made of.
type Paper struct {
	Incident correlate.Incident
	Similar  []correlate.Similar
	Names    map[string]string // of devices, by uid
	At       time.Time         // when it is written
	By       string            // who asked for it
}

// maxSimilar is how many similar incidents a report names.
const maxSimilar = 5

// Markdown writes the report.
func Markdown(p Paper) []byte {
	w := &writer{Paper: p}
	w.line("# " + cmp.Or(prose(p.Incident.Title), "Incident"))
	w.facts()
	w.story()
	w.stages()
	w.devices()
	w.findings()
	w.notes()
	w.decisions()
	w.together()
	w.similar()
	return []byte(w.String())
}

type writer struct {
	strings.Builder
	Paper
}

func (w *writer) line(text string) { w.WriteString(text + "\n") }

func (w *writer) head(title string) { w.line("\n## " + title + "\n") }

func (w *writer) item(format string, args ...any) {
	if text := strings.TrimSpace(fmt.Sprintf(format, args...)); text != "" {
		w.line("- " + text)
	}
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// called is a device with its name, or an address.
func (w *writer) called(uid string) string {
	if name := w.Names[uid]; name != "" && name != uid {
		return code(name)
	}
	return code(uid)
}

func times(n int64) string {
	if n > 1 {
		return fmt.Sprintf(" (%d times)", n)
	}
	return ""
}

// found counts findings; how many events they stand for is known of all of them alone.
func found(in *correlate.Incident) string {
	if in.Outside != nil {
		return fmt.Sprint(in.Findings.Count)
	}
	return fmt.Sprintf("%d, of %d events", in.Findings.Count, in.Findings.Events)
}

func (w *writer) facts() {
	in := &w.Incident
	w.line("")
	w.item("Severity: %s", prose(in.Level))
	for _, why := range in.Raised {
		w.item("Raised: %s", prose(why))
	}
	status := in.Status
	if in.Verdict != "" {
		status += ", judged " + string(in.Verdict)
	}
	w.item("State: %s", prose(status))
	w.item("Assigned to: %s", cmp.Or(prose(in.Assignee), correlate.Nobody))
	w.item("From %s to %s", when(in.First), when(in.Last))
	w.item("Findings: %s", prose(found(in)))
	if o := in.Outside; o != nil {
		w.item("Left out: %d devices outside the zones of who asked for this, and %d findings about them; notes and decisions", o.Devices, o.Findings)
	}
	score := []string{fmt.Sprintf("%.0f of 100", in.Score)}
	for _, f := range in.Computed {
		score = append(score, prose(f.Text))
	}
	w.item("Score: %s", strings.Join(score, "; "))
	if in.Confidentiality != "" {
		w.item("Confidentiality: %s", prose(in.Confidentiality))
	}
	if in.Follows != "" {
		w.item("Follows the closed incident %s", code(in.Follows))
	}
	w.item("Incident: %s", code(in.UID))
	w.item("Written %s for %s by Vedette", when(w.At), prose(w.By))
}

func (w *writer) story() {
	w.head("What happened")
	if len(w.Incident.Timeline) == 0 {
		w.line("Nothing is listed.")
	}
	for _, m := range w.Incident.Timeline {
		line := fmt.Sprintf("%s, %s: %s%s", when(m.First), m.Severity, prose(m.Title), times(m.Count))
		switch {
		case m.Source != "" && m.Target != "":
			line += ", " + w.called(m.Source) + " to " + w.called(m.Target)
		case m.Source+m.Target != "":
			line += ", " + w.called(m.Source+m.Target)
		}
		w.item("%s", line)
	}
}

func (w *writer) stages() {
	if len(w.Incident.Techniques) == 0 {
		return
	}
	w.head("Stages and techniques")
	for _, s := range w.Incident.Stages {
		w.item("%s, from %s: %s", prose(s.Name), when(s.First), prose(strings.Join(s.Techniques, ", ")))
	}
	w.line("")
	for _, t := range w.Incident.Techniques {
		w.item("%s %s%s", code(t.ID), prose(t.Name), times(t.Count))
	}
}

func (w *writer) devices() {
	w.head("Devices")
	for _, uid := range w.Incident.Devices {
		if name := w.Names[uid]; name != "" && name != uid {
			w.item("%s, %s", code(name), code(uid))
			continue
		}
		w.item("%s", code(uid))
	}
	switch more := w.Incident.DeviceCount - len(w.Incident.Devices); {
	case more > 0:
		w.item("about %d more", more)
	case len(w.Incident.Devices) == 0:
		w.line("No device is known.")
	}
}

func (w *writer) findings() {
	f := &w.Incident.Findings
	w.head("Findings")
	for _, r := range f.Rules {
		w.item("%s: %s, rule %s%s", r.Severity, prose(r.Title), code(r.Rule), times(r.Count))
	}
	if f.MoreRules > 0 {
		w.item("%d of other rules", f.MoreRules)
	}
	if len(f.Telling) > 0 {
		w.line("\nThe most telling ones (`vedette findings show ID`):\n")
		for _, uid := range f.Telling {
			w.item("%s", code(uid))
		}
	}
}

func (w *writer) notes() {
	w.head("Notes")
	if len(w.Incident.Notes) == 0 {
		w.line("Nobody wrote one.")
	}
	for i, n := range w.Incident.Notes {
		if i > 0 {
			w.line("")
		}
		w.line(when(n.At) + ", " + prose("by "+n.By) + ":\n")
		lines := strings.Split(n.Text, "\n")
		for k, l := range lines {
			line := strings.TrimSpace("> " + prose(l))
			if k+1 < len(lines) && line != ">" {
				line += "  " // a break of the line
			}
			w.line(line)
		}
		if n.Result != nil {
			w.result(n)
		}
	}
}

// result is the query of a note and what it answered.
func (w *writer) result(n correlate.Note) {
	w.line("\nAsked at " + when(n.Result.At) + ": " + code(n.Query) + "; " + rows(n.Result.Total, len(n.Result.Rows)) + ".\n")
	for _, row := range n.Result.Rows {
		var cells []string
		for i, cell := range row {
			if cell != "" && i < len(n.Result.Columns) {
				cells = append(cells, code(n.Result.Columns[i])+" "+code(cell))
			}
		}
		if len(cells) > 0 {
			w.line("- " + strings.Join(cells, ", "))
		}
	}
}

func rows(total int64, shown int) string {
	switch {
	case total == 0:
		return "it had no rows"
	case int64(shown) < total:
		return fmt.Sprintf("the first %d of %d rows", shown, total)
	case total == 1:
		return "one row"
	}
	return fmt.Sprintf("%d rows", total)
}

func (w *writer) decisions() {
	w.head("What people decided")
	if len(w.Incident.History) == 0 {
		w.line("Nothing yet.")
	}
	for _, h := range w.Incident.History {
		line := when(h.At) + ": " + prose(h.What)
		if h.By != "" {
			line += ", " + prose("by "+h.By)
		}
		if h.Why != "" {
			line += ": " + prose(h.Why)
		}
		w.item("%s", line)
	}
}

func (w *writer) together() {
	if len(w.Incident.Joins)+len(w.Incident.Merges) == 0 {
		return
	}
	w.head("Why these findings belong together")
	for _, j := range w.Incident.Joins {
		w.item("%s", prose(j.Reason))
	}
	for _, m := range w.Incident.Merges {
		w.item("%d findings of another incident: %s", m.Count, prose(m.Reason))
	}
}

func (w *writer) similar() {
	if len(w.Similar) == 0 {
		return
	}
	w.head("Similar incidents")
	for _, s := range w.Similar[:min(len(w.Similar), maxSimilar)] {
		w.item("%s, %s: %s", code(s.UID), prose(s.Title), prose(s.Why))
	}
}
