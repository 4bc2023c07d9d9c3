package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
)

// printModel shows a model. Nearly all its texts were written by others.
func (r *root) printModel(m api.Model) error {
	if r.output != "table" {
		return r.writeJSON(m)
	}
	fmt.Fprintf(r.Out, "%s  %s\n", printable(m.ID), strings.ToUpper(printable(m.State)))
	for _, line := range append(modelFacts(m), endpointFacts(m.Endpoint)...) {
		if line[1] != "" {
			fmt.Fprintf(r.Out, "  %-13s %s\n", line[0], printable(line[1]))
		}
	}
	if m.Files != nil {
		r.printList("notes", m.Files.Notes)
	}
	r.printList("what cannot be verified from here", m.Unverifiable)
	card := make([]string, len(m.Card))
	for i, a := range m.Card {
		card[i] = fmt.Sprintf("%-34s %s", a.Question+":", answerText(a))
	}
	r.printList("card", card)
	r.printList("evaluations", evaluations(m.Evaluations))
	r.printList("canary questions", drifts(m))
	steps := make([]string, len(m.History))
	for i, s := range m.History {
		steps[i] = fmt.Sprintf("%s  %s: %s: %s (audit entry %d)", cellText(s.At), s.By, s.Action, s.Why, s.Audit)
	}
	r.printList("what people decided", steps)
	return nil
}

func modelFacts(m api.Model) [][2]string {
	f := m.Files
	if f == nil {
		return nil
	}
	signature := "none that was checked"
	if s := f.Signature; s != nil {
		signature = fmt.Sprintf("by the key %s (%.16s…), %d files or parts", s.Key, s.Fingerprint, s.Signed)
		if len(s.Left) > 0 {
			signature += "; left out: " + strings.Join(s.Left, ", ")
		}
	}
	template := ""
	if f.ChatTemplateSHA != "" {
		template = "a program of its own, sha256 " + f.ChatTemplateSHA
	}
	return [][2]string{
		{"files", f.Path},
		{"digest", f.Digest},
		{"size", fmt.Sprintf("%d bytes in %d files", f.Bytes, f.Count)},
		{"format", f.Format},
		{"signature", signature},
		{"says it is", f.Name},
		{"architecture", f.Architecture},
		{"parameters", positive(f.Parameters)},
		{"quantisation", f.Quantisation},
		{"context", positive(f.Context)},
		{"license", f.License},
		{"tokenizer", strings.TrimSpace(fmt.Sprintf("%s, %d control tokens", f.Tokenizer, f.ControlTokens))},
		{"chat template", template},
	}
}

func endpointFacts(e *api.ModelEndpoint) [][2]string {
	if e == nil {
		return nil
	}
	key := "not pinned"
	if len(e.Pins) > 0 {
		key = fmt.Sprintf("pinned %s %s", e.PinOf, strings.Join(e.Pins, " "))
		if !e.Trusted {
			key += ", taken on first sight: compare it with its operator"
		}
	}
	return [][2]string{
		{"endpoint", e.Name + "  " + e.URL},
		{"model there", strings.TrimSpace(e.Model + " " + e.Version)},
		{"location", e.Location},
		{"TLS key", key},
		{"served digest", e.Served},
	}
}

func positive(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func answerText(a api.ModelAnswer) string {
	if a.Mark == "unknown" {
		return a.Mark
	}
	text := fmt.Sprintf("%s (%s by %s, %s", a.Answer, a.Mark, a.By, a.At.UTC().Format(time.DateOnly))
	if a.Evidence != "" {
		text += ": " + a.Evidence
	}
	return text + ")"
}

func evaluations(list []api.ModelEvaluation) []string {
	out := make([]string, len(list))
	for i, e := range list {
		names := make([]string, 0, len(e.Figures))
		for name := range e.Figures {
			names = append(names, name)
		}
		slices.Sort(names)
		for n, name := range names {
			names[n] = name + "=" + strconv.FormatFloat(e.Figures[name], 'g', 6, 64)
		}
		out[i] = fmt.Sprintf("%s  %s by %s (%s, sha256 %.16s…): %s", cellText(e.At), e.Name, e.By, e.Ref, e.SHA256, strings.Join(names, " "))
	}
	return out
}

func drifts(m api.Model) []string {
	if len(m.Canaries) == 0 {
		return nil
	}
	if len(m.Drift) == 0 {
		return []string{fmt.Sprintf("%d, never asked: vedette models verify %s --ask", len(m.Canaries), m.ID)}
	}
	out := make([]string, 0, len(m.Drift))
	for _, d := range m.Drift {
		out = append(out, fmt.Sprintf("%s  %d of %d answers as in the first run, %d as in the run before, %d without what was expected", cellText(d.At), d.Same, d.Asked, d.SameNow, d.Missed))
	}
	for _, a := range m.Drift[len(m.Drift)-1].Answers {
		text := shorten(a.Answer)
		if a.Problem != "" {
			text = "no answer: " + a.Problem
		}
		out = append(out, fmt.Sprintf("  %s: %s (%.0f %% alike)", shorten(a.Question), text, 100*a.Similarity))
	}
	return out
}

func (r *root) printVerified(list []api.ModelFinding) error {
	var wrong []string
	rows := make([][]any, len(list))
	for i, f := range list {
		state := "ok"
		switch {
		case !f.OK:
			state = "wrong"
			wrong = append(wrong, f.Name)
		case f.Look:
			state = "look"
		case f.Mark == "unknown":
			state = "unknown"
		}
		rows[i] = []any{f.Name, state, f.Mark, f.Text}
		if r.output == "table" {
			fmt.Fprintf(r.Out, "%-8s %-13s %s\n", state, f.Name, printable(f.Text))
		}
	}
	if r.output != "table" {
		if err := r.writeRows([]string{"name", "state", "mark", "text"}, rows, func() any { return list }); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return fault.New(fault.Denied, "the model may not be used: its %s is not in order", strings.Join(wrong, ", "))
	}
	return nil
}
