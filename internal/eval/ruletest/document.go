package ruletest

import (
	"fmt"
	"path"
	"strings"
)

// maxShown is how many sources the document names for a rule.
const maxShown = 2

// Document is the list of a pack in Markdown: each rule with level, techniques,
// log source, and the recorded data that raises it.
func Document(p *Pack, rep Report) string {
	raised := make(map[string]RuleCount)
	for _, r := range rep.Rules {
		raised[r.Rule] = r
	}
	var b strings.Builder
	area := ""
	for i := range p.Entries {
		e := &p.Entries[i]
		if a := path.Dir(e.Path); a != area {
			area = a
			fmt.Fprintf(&b, "\n### %s\n\n| rule | title | level | techniques | logs | raised by recorded data |\n|---|---|---|---|---|---|\n", area)
		}
		b.WriteString(Row(e))
		c, ok := raised[slug(e.Path)]
		if !ok {
			b.WriteString(" |\n")
			continue
		}
		var where []string
		for n, f := range c.Files {
			if n == maxShown {
				where = append(where, fmt.Sprintf("%d more", len(c.Files)-n))
				break
			}
			where = append(where, fmt.Sprintf("`%s` (%d)", f.File, f.Events))
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(where, ", "))
	}
	return b.String()
}

// Row is what the document says of a rule that needs no recorded data.
func Row(e *Entry) string {
	source := strings.Trim(strings.ReplaceAll(e.Rule.Source.String(), "//", "/"), "/")
	if source == "" {
		source = "correlation"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", path.Base(slug(e.Path)), e.Rule.Title, e.Rule.Level, strings.Join(e.Rule.Techniques, " "), source)
}

// Summary counts what a report says in a few lines.
func (r Report) Summary(name string) string {
	levels := make(map[string]int)
	findings := 0
	for _, c := range r.Rules {
		levels[c.Level] += c.Findings
		findings += c.Findings
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %d |", name, r.Sources, r.Events, findings, len(r.Rules),
		levels["low"], levels["medium"], levels["high"], levels["critical"])
}
