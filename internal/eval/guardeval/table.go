package guardeval

import (
	"fmt"
	"strings"
)

// Table is the report as a person reads it.
func (r Report) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d attacks, %d harmless texts; a signal only, nothing rests on it\n", r.Attacks, r.Benign)
	fmt.Fprintf(&b, "  %-58s %7s %12s\n", "", "recall", "false alarms")
	for _, w := range []struct {
		name  string
		rates Rates
	}{
		{"texts held out, all sources known", r.Random},
		{"each source of attacks unknown, harmless texts held out", r.NewAttacks},
		{"each source unknown whole, one working point (strict)", r.Strict},
		{"rules alone, nothing learnt", r.RulesOnly},
		{"as shipped, on what its weights come from", r.Shipped},
	} {
		fmt.Fprintf(&b, "  %-58s %6.1f%% %11.1f%%\n", w.name, 100*w.rates.Recall, 100*w.rates.FalseAlarms)
	}
	fmt.Fprintf(&b, "  %-10s %-46s %6s %7s %8s %8s %8s\n", "", "source", "texts", "known", "unknown", "strict", "shipped")
	for i, s := range r.Random.Sources {
		fmt.Fprintf(&b, "  %-10s %-46s %6d %6.1f%% %7s %7.1f%% %7.1f%%\n", s.Label, s.Source, s.Texts, 100*s.Rate, rateIn(r.NewAttacks, s), 100*r.Strict.Sources[i].Rate, 100*r.Shipped.Sources[i].Rate)
	}
	fmt.Fprintf(&b, "  %.0f µs a text\n", r.MicrosecondsPerText)
	return b.String()
}

func rateIn(r Rates, s SourceRate) string {
	for _, o := range r.Sources {
		if o.Source == s.Source && o.Label == s.Label {
			return fmt.Sprintf("%.1f%%", 100*o.Rate)
		}
	}
	return "-"
}
