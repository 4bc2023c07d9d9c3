package redacteval

import (
	"fmt"
	"os"
	"testing"

	"vedette/internal/guard/redact"
)

func TestMisses(t *testing.T) {
	rows, _ := read("/work/shared/data/" + File)
	f, _ := os.Create("/tmp/w/miss/dev.txt")
	defer f.Close()
	seen := map[int]int{}
	for _, r := range rows {
		if HeldOut(r.Template) {
			continue
		}
		ours := redact.Runes(r.Text, redact.Find(r.Text))
		text := []rune(r.Text)
		got := make([]string, len(text))
		for _, s := range ours {
			fill(got, s.Start, s.End, s.Type)
		}
		want := make([]string, len(text))
		bad := ""
		for _, s := range r.Spans {
			fill(want, s.Start, s.End, s.Type)
			total, same, _ := count(text, got, s.Start, s.End, s.Type)
			if 2*same < total {
				bad += fmt.Sprintf(" MISS %s %q", s.Type, string(text[s.Start:s.End]))
			}
		}
		for _, s := range ours {
			total, same, _ := count(text, want, s.Start, s.End, s.Type)
			if 2*same < total {
				bad += fmt.Sprintf(" EXTRA %s %q", s.Type, string(text[s.Start:s.End]))
			}
		}
		if bad != "" && seen[r.Template] < 3 {
			seen[r.Template]++
			fmt.Fprintf(f, "%d %q\n     %s\n", r.Template, r.Text, bad)
		}
	}
}
