package config

import (
	"regexp"
	"strconv"
)

// Sharing says what of our own sightings may be read over TAXII.
type Sharing struct {
	Name        string    `yaml:"name"        doc:"what others know this site as; empty: the site's name"`
	Collections []Offered `yaml:"collections" doc:"what is offered; empty: one called sightings, up to TLP green, without addresses of ours"`
}

// Offered is one collection of sightings.
type Offered struct {
	Name      string `yaml:"name"      doc:"unique; small letters, digits, - and _"`
	Title     string `yaml:"title"`
	TLP       string `yaml:"tlp"       doc:"the strictest mark that goes out: clear, green, amber, amber+strict or red; empty: green"`
	Addresses bool   `yaml:"addresses" doc:"addresses of ours go out too"`
}

var offeredName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// Problems checks the section.
func (s Sharing) Problems() []Problem {
	var out []Problem
	if len(s.Name) > 100 {
		out = append(out, Problem{Key: "name", Text: "has more than 100 bytes"})
	}
	seen := map[string]int{}
	for i, c := range s.Collections {
		at := "collections[" + strconv.Itoa(i) + "]"
		if !offeredName.MatchString(c.Name) {
			out = append(out, Problem{Key: at + ".name", Text: strconv.Quote(c.Name) + " is no name", Hint: "up to 40 small letters, digits, - and _"})
		} else if other, ok := seen[c.Name]; ok {
			out = append(out, Problem{Key: at + ".name", Text: "is also the name of collections[" + strconv.Itoa(other) + "]"})
		}
		seen[c.Name] = i
		out = append(out, under(at, oneOf("tlp", c.TLP, "", "clear", "green", "amber", "amber+strict", "red"))...)
	}
	return out
}
