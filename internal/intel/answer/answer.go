// Package answer knows what counters a technique - mitigations of MITRE ATT&CK and
// techniques of MITRE D3FEND - and which attack patterns of CAPEC are it.
//
// It owns the table and must not judge whether a measure is in place.
package answer

import (
	"bufio"
	"bytes"
	"strings"

	"vedette/internal/fault"
)

// Measure is one thing that counters a technique.
type Measure struct {
	ID     string `json:"id"`
	Source string `json:"source"` // attack or d3fend
	Name   string `json:"name"`
}

// Pattern is an attack pattern of CAPEC.
type Pattern struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Weaknesses []string `json:"weaknesses,omitempty"` // CWE ids
}

// Table is what is known. It does not change once it is loaded.
type Table struct {
	measures map[string]Measure
	counter  map[string][]string
	patterns map[string][]Pattern
}

// Load reads the table that package content embeds.
func Load(table []byte) (*Table, error) {
	t := &Table{measures: map[string]Measure{}, counter: map[string][]string{}, patterns: map[string][]Pattern{}}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if !t.line(strings.Split(line, "\t")) {
			return nil, fault.New(fault.Invalid, "reading what counters techniques: line %d is of no known form", n).WithHint("make the table again with go generate ./internal/correlate")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading what counters techniques")
	}
	return t, nil
}

func (t *Table) line(cells []string) bool {
	switch {
	case cells[0] == "measure" && len(cells) == 4:
		t.measures[cells[1]] = Measure{cells[1], cells[2], cells[3]}
	case cells[0] == "counter" && len(cells) == 3:
		t.counter[cells[1]] = strings.Fields(cells[2])
	case cells[0] == "capec" && (len(cells) == 4 || len(cells) == 5):
		p := Pattern{ID: cells[1], Name: cells[2]}
		if len(cells) == 5 {
			for w := range strings.FieldsSeq(cells[4]) {
				p.Weaknesses = append(p.Weaknesses, "CWE-"+strings.TrimPrefix(w, "CWE-"))
			}
		}
		for id := range strings.FieldsSeq(cells[3]) {
			t.patterns[id] = append(t.patterns[id], p)
		}
	default:
		return false
	}
	return true
}

// Against tells what counters a technique, by id. A sub-technique of which nothing
// is known has what counters its technique.
func (t *Table) Against(id string) []Measure {
	list := t.counter[id]
	if above, _, sub := strings.Cut(id, "."); sub && len(list) == 0 {
		list = t.counter[above]
	}
	out := make([]Measure, 0, len(list))
	for _, m := range list {
		if known, ok := t.measures[m]; ok {
			out = append(out, known)
		}
	}
	return out
}

// Patterns are the attack patterns that are a technique.
func (t *Table) Patterns(id string) []Pattern { return t.patterns[id] }
