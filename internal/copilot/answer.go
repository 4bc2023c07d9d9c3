package copilot

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"vedette/internal/copilot/reading"
	"vedette/internal/guard/ground"
)

// Answer is what a person sees. Each sentence names the evidence it stands on.
type Answer struct {
	Question     string         `json:"question"`
	Conversation string         `json:"conversation"`
	ReadAs       string         `json:"read_as"`
	Plan         []reading.Step `json:"plan"`
	Status       AnswerStatus   `json:"status"`
	Answer       []Sentence     `json:"answer"`
	Evidence     []Evidence     `json:"evidence"`
	Chart        *Chart         `json:"chart,omitempty"`
	Suggestions  []string       `json:"suggestions"`
	Model        Model          `json:"model"`
	Planner      Model          `json:"planner,omitzero"` // the model that read the question, if one did
	ModelNotes   []string       `json:"model_notes,omitempty"`
	Used         *Used          `json:"used,omitempty"` // of models; nil: none was asked
	Seconds      float64        `json:"seconds"`

	own []string // words of ours that the sentences use
}

// AnswerStatus says how much of the question the answer covers.
type AnswerStatus string

// The statuses of an answer.
const (
	StatusAnswered      AnswerStatus = "answered"
	StatusPartly        AnswerStatus = "partly"
	StatusNotUnderstood AnswerStatus = "not_understood"
	StatusRefused       AnswerStatus = "refused"
)

// Sentence is one claim. Verified means that every number, address and name in
// it was found in the evidence it cites, in the question, or was recomputed.
type Sentence struct {
	Text     string   `json:"text"`
	Status   string   `json:"status"` // verified or unsupported
	Evidence []string `json:"evidence"`
	By       string   `json:"by,omitempty"` // "model" for what a model chose or worded

	computed []ground.Computed // values that stand in no cell; the check computes them again
}

// Evidence is the result of one step of the plan.
type Evidence struct {
	ID      string
	Query   string
	Columns []string
	Rows    [][]any
	Total   int64
}

// ByModel marks sentences that a model chose or worded. They are checked like
// all others, and stand behind those of the built-in engine.
const ByModel = "model"

func builtIn() Model { return Model{Name: "built-in", Location: "built-in"} }

// Used is what the models cost that took part in an answer, as their endpoints
// count it. Calls counts those too that failed; of them nothing else is known.
type Used struct {
	Calls     int     `json:"calls"`
	TokensIn  int     `json:"tokens_in"`
	TokensOut int     `json:"tokens_out"`
	Cost      float64 `json:"cost,omitempty"`
	Currency  string  `json:"currency,omitempty"`
}

// Model says who worded the answer and where that ran.
type Model struct {
	Name     string `json:"name"`
	Location string `json:"location"` // built-in, on-premises or cloud
}

// MarshalJSON writes rows as objects whose keys stand in column order.
func (e Evidence) MarshalJSON() ([]byte, error) {
	b := []byte(`{"id":`)
	b = appendJSON(b, e.ID)
	b = append(b, `,"query":`...)
	b = appendJSON(b, e.Query)
	b = append(b, `,"columns":`...)
	b = appendJSON(b, e.Columns)
	b = append(b, `,"rows":`...)
	b = AppendRows(b, e.Columns, e.Rows)
	b = append(b, `,"total":`...)
	b = strconv.AppendInt(b, e.Total, 10)
	return append(b, '}'), nil
}

// AppendRows appends rows as a JSON array of objects in column order.
func AppendRows(b []byte, columns []string, rows [][]any) []byte {
	b = append(b, '[')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, cell := range row {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, columns[j])
			b = append(b, ':')
			b = appendJSON(b, cell)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendJSON writes a cell; a number that JSON cannot hold becomes null.
func appendJSON(b []byte, v any) []byte {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		v = nil
	}
	if t, ok := v.(time.Time); ok {
		v = t.UTC().Format(time.RFC3339Nano)
	}
	j, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}

// UnmarshalJSON reads what MarshalJSON wrote; numbers come back as
// json.Number and times as text.
func (e *Evidence) UnmarshalJSON(data []byte) error {
	var raw struct {
		ID, Query string
		Columns   []string
		Rows      []map[string]any
		Total     int64
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*e = Evidence{ID: raw.ID, Query: raw.Query, Columns: raw.Columns, Total: raw.Total, Rows: make([][]any, len(raw.Rows))}
	for i, row := range raw.Rows {
		e.Rows[i] = make([]any, len(raw.Columns))
		for j, c := range raw.Columns {
			e.Rows[i][j] = row[c]
		}
	}
	return nil
}
