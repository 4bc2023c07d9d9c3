package redacteval

import (
	"fmt"
	"strings"
)

// Table is the report as a person reads it.
func (r Report) Table() string {
	var b strings.Builder
	for _, p := range []struct {
		name string
		part Part
	}{{"development", r.Development}, {"held out", r.HeldOut}} {
		fmt.Fprintf(&b, "%s: %d texts of %d templates\n", p.name, p.part.Texts, p.part.Templates)
		fmt.Fprintf(&b, "  %-16s %6s %7s %9s %7s %7s %7s %7s\n", "type", "spans", "recall", "precision", "typed-r", "typed-p", "whole", "exact")
		for _, s := range append(append([]Score(nil), p.part.Types...), p.part.All, p.part.Baseline) {
			fmt.Fprintf(&b, "  %-16s %6d %6.1f%% %8.1f%% %6.1f%% %6.1f%% %6.1f%% %6.1f%%\n", s.Type, s.Spans, 100*s.Recall, 100*s.Precision, 100*s.TypedRecall, 100*s.TypedPrecision, 100*share(s.Whole, s.Spans), 100*share(s.Exact, s.Spans))
		}
		fmt.Fprintf(&b, "  letters masked that are of a span: %.1f%% (every word: %.1f%%); texts without spans left alone: %.1f%%\n", 100*p.part.CharPrecision, 100*p.part.BaselineCharPrecision, 100*p.part.Untouched)
	}
	return b.String()
}
