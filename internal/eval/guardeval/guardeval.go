// Package guardeval scores the guard on public attack texts: how well the
// signal tells them from harmless texts when it never saw their source, and
// what each control by itself does to a planted attack, switched on and off.
//
// It must not special-case a text, and nothing of it runs in normal use. It
// also makes the weights of the signal from the sources whose licence allows
// to ship them.
package guardeval

import (
	"bufio"
	"compress/gzip"
	_ "embed" // harmless values of fields
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/fault"
)

// File is the set, below the folder of public test data.
const File = "llm/prompt-attacks.jsonl.gz"

// Row is one text of the set.
type Row struct {
	ID       string
	Source   string
	Category string
	Text     string
	Attack   bool
}

// Read returns the texts of the set.
func Read(dir string) ([]Row, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(File))) //nolint:gosec // G304: a file of the test data
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading the set of attack texts").WithHint("name the folder of the public test data")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the set of attack texts")
	}
	var rows []Row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r struct{ ID, Source, Label, Category, Text string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading text %d of the set", len(rows))
		}
		rows = append(rows, Row{r.ID, r.Source, r.Category, r.Text, r.Label == "attack"})
	}
	return rows, lines.Err()
}

//go:embed fields.txt
var fieldText string

// OwnFields are harmless values of fields that we wrote: the public set has
// none of the kind that devices write.
const OwnFields = "vedette-fields"

func ownFields() []Row {
	var out []Row
	for line := range strings.Lines(fieldText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, Row{Source: OwnFields, Category: "field", Text: line})
		}
	}
	return out
}
