package correlate

import (
	"bufio"
	"bytes"
	"slices"
	"strings"

	"vedette/internal/fault"
)

//go:generate go run ./attackgen ../../../shared/data/threat ../../content/attack/techniques.tsv ../../content/attack/answers.tsv

// order is the course of an attack, early to late: the tactics of all matrices
// in one line. A tactic that a later matrix brings has no place in it and
// advances nothing.
var order = []string{
	"reconnaissance", "resource-development", "initial-access", "ai-model-access", "execution", "persistence",
	"privilege-escalation", "defense-evasion", "credential-access", "discovery", "lateral-movement", "collection",
	"ai-attack-staging", "command-and-control", "exfiltration", "inhibit-response-function", "impair-process-control", "impact",
}

// synonyms are tactics that stand at the place of another one.
var synonyms = map[string]string{"evasion": "defense-evasion"}

// Techniques is the catalogue of ATT&CK (Enterprise, ICS) and ATLAS
// techniques. It does not change once it is loaded.
type Techniques struct {
	byID    map[string]technique
	tactics map[string]string // short name -> name
}

type technique struct {
	id, name string
	matrix   string
	tactics  []string // short names, in the order of the matrix
	next     string   // id of what took its place
}

// LoadTechniques reads the table that package content embeds (see attackgen).
func LoadTechniques(table []byte) (*Techniques, error) {
	t := &Techniques{byID: map[string]technique{}, tactics: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) < 3 || len(cells) > 5 || cells[0] == "" {
			return nil, fault.New(fault.Invalid, "reading the techniques: line %d has %d columns, not 3 to 5", n, len(cells)).WithHint("make the table again with go generate ./internal/correlate")
		}
		if cells[0] == "tactic" {
			if len(cells) == 4 && t.tactics[cells[2]] == "" {
				t.tactics[cells[2]] = cells[3]
			}
			continue
		}
		q := technique{id: cells[0], matrix: cells[1], name: cells[2]}
		if len(cells) > 3 && cells[3] != "" {
			q.tactics = strings.Split(cells[3], ",")
		}
		if len(cells) > 4 && cells[4] != "-" {
			q.next = cells[4]
		}
		t.byID[q.id] = q
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the techniques")
	}
	return t, nil
}

// Len is how many techniques there are.
func (t *Techniques) Len() int {
	if t == nil {
		return 0
	}
	return len(t.byID)
}

// find returns the technique that an id stands for now. An id that is not
// known keeps itself, without name and tactics; a sub-technique that is not
// known is its technique.
func (t *Techniques) find(id string) technique {
	if t == nil {
		return technique{id: id}
	}
	q, ok := t.byID[id]
	if !ok {
		above, _, sub := strings.Cut(id, ".")
		if strings.HasPrefix(id, "AML.") {
			if i := strings.LastIndexByte(id, '.'); i > len("AML") {
				above, sub = id[:i], true
			}
		}
		if q, ok = t.byID[above]; !ok || !sub {
			return technique{id: id}
		}
		q.id = id
	}
	for i := 0; q.next != "" && i < 10; i++ {
		to, ok := t.byID[q.next]
		if !ok {
			break
		}
		q = to
	}
	return q
}

// Find returns the id that stands for a technique now, its name and the short
// names of its tactics. ok is false for an id that is not in the catalogue.
func (t *Techniques) Find(id string) (now, name string, tactics []string, ok bool) {
	q := t.find(id)
	return q.id, q.name, slices.Clone(q.tactics), q.name != ""
}

// tacticName is the name of a tactic as a person reads it.
func (t *Techniques) tacticName(short string) string {
	if t != nil && t.tactics[short] != "" {
		return t.tactics[short]
	}
	return strings.ReplaceAll(short, "-", " ")
}

// rank is the place of a tactic in the course of an attack, from 1; 0: none.
func rank(tactic string) int {
	if s := synonyms[tactic]; s != "" {
		tactic = s
	}
	return slices.Index(order, tactic) + 1
}
