package reading

import (
	"fmt"
	"slices"
	"strings"
)

// GuideSection is one table of the guide to asking.
type GuideSection struct {
	Title string
	Intro string
	Rows  []GuideRow
}

// GuideRow is one meaning: what it is and the words for it.
type GuideRow struct {
	Meaning string
	Words   []string
}

// guideWords is how many of the words for a meaning the guide shows.
const guideWords = 8

// Guide lists what the lexicon understands, in its own order.
func Guide(lexicon string) []GuideSection {
	sections := []*GuideSection{
		{Title: "What can be asked about", Intro: "The kind of records. `events` means all of them."},
		{Title: "What can be listed, counted apart or grouped by", Intro: "Fields, by the words for them."},
		{Title: "Numbers that can be added up, averaged or ranked"},
		{Title: "What is computed", Intro: "Without any of these words, records are counted."},
		{Title: "Order"},
		{Title: "The form of the answer"},
		{Title: "Conditions", Intro: "Beside names, addresses, ports, subnets, quoted texts and values that are stored."},
		{Title: "Names that mean a value"},
	}
	at := map[string]*GuideSection{
		"subject": sections[0], "entity": sections[1], "quantity": sections[2], "fn": sections[3],
		"order": sections[4], "shape": sections[5], "cond": sections[6], "value": sections[7],
	}
	for line := range strings.Lines(lexicon) {
		parts := strings.SplitN(strings.TrimSpace(line), " | ", 3)
		if len(parts) == 3 && at[parts[0]] != nil {
			s := at[parts[0]]
			s.Rows = append(s.Rows, GuideRow{Meaning: meaningOf(parts[0], parts[1]), Words: firstWords(parts[2])})
		}
	}
	out := make([]GuideSection, len(sections))
	for i, s := range sections {
		out[i] = *s
	}
	return out
}

// meaningOf writes a meaning for people.
func meaningOf(kind, meaning string) string {
	attrs := strings.Split(meaning, " ; ")
	get := func(name string) string {
		for _, a := range attrs {
			if v, ok := strings.CutPrefix(a, name+"="); ok {
				return v
			}
		}
		return ""
	}
	switch kind {
	case "subject":
		return get("words")
	case "entity":
		if f := get("field"); f != "" {
			return fmt.Sprintf("%s (`%s`)", get("words"), strings.Trim(strings.ReplaceAll(f, "|", "` or `"), "[]"))
		}
		return get("words")
	case "quantity":
		return fmt.Sprintf("%s (`%s`)", get("words"), attrs[0])
	case "value", "cond":
		return "`" + strings.TrimPrefix(strings.ReplaceAll(meaning, " ; ", "` or `"), "expr ") + "`"
	}
	return attrs[0]
}

func firstWords(phrases string) []string {
	var out []string
	for p := range strings.SplitSeq(phrases, ",") {
		if p = strings.TrimSpace(p); p != "" && !slices.Contains(out, p) && len(out) < guideWords {
			out = append(out, p)
		}
	}
	return out
}
