package reading

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/asking.md anew")

// sectionsOf reads a file of "= title" lines with lines below them.
func sectionsOf(t *testing.T, path string) (titles []string, lines map[string][]string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines = map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		switch title, ok := strings.CutPrefix(line, "= "); {
		case line == "", strings.HasPrefix(line, "#"):
		case ok:
			titles = append(titles, title)
		default:
			lines[titles[len(titles)-1]] = append(lines[titles[len(titles)-1]], line)
		}
	}
	return titles, lines
}

// TestGuideExamples holds that every question of the guide is understood.
func TestGuideExamples(t *testing.T) {
	titles, questions := sectionsOf(t, "../../../content/lexicon/examples.txt")
	for _, title := range titles {
		for _, q := range questions[title] {
			if r := read(t, plant(), q, nil); r.Status != Understood || len(r.Missing) > 0 {
				t.Errorf("%q: %s; not understood: %v; missing: %v", q, r.Status, r.Unknown, r.Missing)
			}
		}
	}
}

// TestGuideIsCurrent holds docs/asking.md against the vocabulary.
func TestGuideIsCurrent(t *testing.T) {
	const path = "../../../docs/asking.md"
	raw, err := os.ReadFile("../../../content/lexicon/lexicon.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := guideText(t, string(raw))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != want {
		t.Errorf("%s is not what the vocabulary gives (%v): run go test ./internal/copilot/reading -run Guide -update", path, err)
	}
}

func guideText(t *testing.T, lexicon string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(guideHead)
	titles, questions := sectionsOf(t, "../../../content/lexicon/examples.txt")
	for _, title := range titles {
		fmt.Fprintf(&b, "\n**%s**\n\n", title)
		for _, q := range questions[title] {
			fmt.Fprintf(&b, "- %s\n", q)
		}
	}
	b.WriteString(guideRules)
	for _, s := range Guide(lexicon) {
		fmt.Fprintf(&b, "\n### %s\n\n", s.Title)
		if s.Intro != "" {
			b.WriteString(s.Intro + "\n\n")
		}
		b.WriteString("| means | said as |\n|---|---|\n")
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.ReplaceAll(r.Meaning, "|", "\\|"), strings.ReplaceAll(strings.Join(r.Words, ", "), "|", "\\|"))
		}
	}
	b.WriteString("\n## Ten ways to say the same thing\n\nEach list is read as the one query above it; a test holds it.\n")
	plans, ways := sectionsOf(t, "../../../content/lexicon/ways.txt")
	for _, plan := range plans {
		fmt.Fprintf(&b, "\n```\n%s\n```\n\n", plan)
		for _, q := range ways[plan] {
			fmt.Fprintf(&b, "- %s\n", q)
		}
	}
	return b.String()
}

const guideHead = `<!-- written by go test ./internal/copilot/reading -run Guide -update; do not edit -->
# Asking

Ask in plain English, in the bar of the page or with ` + "`vedette ask \"...\"`" + `. No model is needed: rules and a vocabulary turn the question into
one typed [query](query.md), and the answer says how it was read. If that is not what you meant, say it in other words, or
copy the query, change it and run it with ` + "`vedette query`" + `.
`

const guideRules = `
## How a question is read

- **Times**: last 24 hours, today, yesterday, this week, since 07:00, between 9 and 10 am, on 2026-03-01, in the first 10 minutes. Times are UTC. Records
  whose clock is in doubt are left out of a time, and the answer says how many.
- **Names** of devices, addresses, subnets (` + "`10.0.0.0/8`" + `), MACs, user names, signatures and other stored values can be used as they are; quote a text that holds
  common words. A value that nothing has is answered with the nearest that exist. Spelling mistakes are corrected, and told.
- **From and to**: "from", "by" and "sent by" mean who began it, "to", "on" and "against" whom it reached. Without either, both sides count.
- **Not**: without, except, not, other than.
- **Comparisons**: more than, at least, under, exactly, between; with units (MB, seconds, minutes).
- **Groups**: per, by, for each. **Rankings**: most, top 5, fewest, rarest.
- **Two periods**: "than the day before", "compared with the previous week", "increased", "doubled", "week over week". The period asked about is the
  one named, else one as long as the one compared with.
- **Sequences**: "X followed by Y within 5 minutes", "X and then Y", "Y after X within an hour", "X not followed by Y". They join what has the same
  source, or "the same user", "the same destination"; "from that host" continues where the first one went. Without a span it is 1 hour, and the answer says so.
- **Follow-ups** lean on the question before: "and yesterday?", "only udp", "by port instead", "what about 10.0.0.7?".
- What the data cannot tell is refused, and words that mean nothing here are named.

## The vocabulary

The first words for each meaning; forms of a word count as the word. The whole is ` + "`content/lexicon/lexicon.txt`" + `.
`
