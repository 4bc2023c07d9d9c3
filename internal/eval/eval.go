// Package eval scores the product on questions with known answers, so that
// quality is a figure and a regression shows. The expected results were
// computed from the raw files by other programs, never by this one.
//
// It must not special-case a question or a data set, and nothing of it runs in
// normal use.
package eval

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"vedette/internal/fault"
)

// Dataset is a set of files that questions are asked over, inside the folder
// of public test data.
type Dataset struct {
	Name  string
	Files []string  // "net/x.zip!folder/*.log" or a plain path; globs in the part after !
	Now   time.Time // zero: the newest stored event
	Year  int       // year that the files were written in, for logs without one; 0: unknown
}

// Question is one question with its expected result.
type Question struct {
	ID      string
	Dataset string
	Half    string // "seen": written by someone who knew the grammar; "blind": not
	Text    string
	Query   string // expected first query of the plan in text form; "" is not checked
	Expect  Expect
}

// Expect is the expected result: exactly one of the fields is set.
type Expect struct {
	Number *float64   `json:"number,omitempty"`
	Rows   [][]any    `json:"rows,omitempty"` // [key, number]; several key columns joined by " | "
	Set    *[]string  `json:"set,omitempty"`
	Time   *time.Time `json:"time,omitempty"`
	Yes    *bool      `json:"yes,omitempty"`
	Refuse bool       `json:"refuse,omitempty"` // it cannot be known from the data
	AnyOf  []Expect   `json:"any_of,omitempty"` // a question with several fair readings
}

// Parse reads a set of questions: a txtar archive whose file "datasets" has a
// line "name | files separated by spaces | now | year" for each data set, and
// whose other files are questions as "key: value" lines.
func Parse(data []byte) ([]Dataset, []Question, error) {
	var sets []Dataset
	var questions []Question
	for _, f := range txtar.Parse(data).Files {
		if f.Name == "datasets" {
			var err error
			if sets, err = parseDatasets(string(f.Data)); err != nil {
				return nil, nil, err
			}
			continue
		}
		q, err := parseQuestion(f.Name, string(f.Data))
		if err != nil {
			return nil, nil, err
		}
		questions = append(questions, q)
	}
	return sets, questions, nil
}

func parseDatasets(text string) ([]Dataset, error) {
	var out []Dataset
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		parts := strings.Split(line, "|")
		if len(parts) != 4 {
			return nil, fault.New(fault.Invalid, "data set line %q has %d parts, not 4", line, len(parts))
		}
		d := Dataset{Name: strings.TrimSpace(parts[0]), Files: strings.Fields(parts[1])}
		if now := strings.TrimSpace(parts[2]); now != "" {
			t, err := time.Parse(time.RFC3339, now)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "data set %s", d.Name)
			}
			d.Now = t
		}
		_, _ = fmt.Sscan(parts[3], &d.Year) // empty: unknown
		out = append(out, d)
	}
	return out, nil
}

func parseQuestion(id, text string) (Question, error) {
	q := Question{ID: id}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		key, val, ok := strings.Cut(line, ":")
		val = strings.TrimSpace(val)
		switch {
		case !ok:
			return q, fault.New(fault.Invalid, "question %s: line %q has no key", id, line)
		case key == "dataset":
			q.Dataset = val
		case key == "half":
			q.Half = val
		case key == "question":
			q.Text = val
		case key == "query":
			q.Query = val
		case key == "note":
		case key == "expect":
			if err := json.Unmarshal([]byte(val), &q.Expect); err != nil {
				return q, fault.Wrap(fault.Invalid, err, "question %s", id)
			}
		default:
			return q, fault.New(fault.Invalid, "question %s: unknown key %q", id, key)
		}
	}
	if q.Text == "" || q.Dataset == "" {
		return q, fault.New(fault.Invalid, "question %s has no text or no data set", id)
	}
	return q, nil
}
