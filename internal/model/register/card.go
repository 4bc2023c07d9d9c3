package register

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
)

// Card answers the questions one asks of a supply chain. Who left one open
// says "unknown"; an empty card is all unknown.
type Card struct {
	TrainedWhere Answer `json:"trained_where" yaml:"trained_where"` // where, and by whom
	TrainedOn    Answer `json:"trained_on" yaml:"trained_on"`       // on what data
	Refreshed    Answer `json:"refreshed" yaml:"refreshed"`         // when last, how often
	Upkeep       Answer `json:"upkeep" yaml:"upkeep"`               // who looks after it, where to report
	Protections  Answer `json:"protections" yaml:"protections"`     // against tampering, misuse, poisoning
}

// Answer is one answer with how far it is known.
type Answer struct {
	Text     string    `json:"text,omitempty" yaml:"answer"`
	Mark     Mark      `json:"mark" yaml:"mark"`
	By       string    `json:"by,omitempty" yaml:"by"` // who says so
	At       time.Time `json:"at,omitzero" yaml:"at"`
	Evidence string    `json:"evidence,omitempty" yaml:"evidence"` // needed for verified
}

// Question is one of the five with its answer.
type Question struct {
	Key, Text string
	Answer    Answer
}

// Questions lists the five with their answers.
func (c Card) Questions() []Question {
	return []Question{
		{"trained_where", "where and by whom it was trained", c.TrainedWhere.known()},
		{"trained_on", "on what data", c.TrainedOn.known()},
		{"refreshed", "when it was last refreshed", c.Refreshed.known()},
		{"upkeep", "who looks after it", c.Upkeep.known()},
		{"protections", "what protects it", c.Protections.known()},
	}
}

func (a Answer) known() Answer {
	if a.Mark == "" {
		a.Mark = Unknown
	}
	return a
}

// cardFile is what a person writes: the card and canary questions.
type cardFile struct {
	Card     `yaml:",inline"`
	Canaries []Canary `yaml:"canaries"`
}

// maxCard bounds a card's file.
const maxCard = 64 << 10

// ParseCard reads a card, YAML or JSON. Answers without a name are by the
// person who hands the card in; all problems are told at once.
func ParseCard(raw []byte, by string, at time.Time) (Card, []Canary, error) {
	if len(raw) > maxCard {
		return Card{}, nil, fault.New(fault.Limited, "reading a model card: it has %d bytes, the limit is %d", len(raw), maxCard)
	}
	var in cardFile
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		return Card{}, nil, fault.Wrap(fault.Invalid, err, "reading a model card").WithHint("it has trained_where, trained_on, refreshed, upkeep, protections, each with answer, mark, by, at, evidence; and canaries")
	}
	var problems []string
	for key, a := range map[string]*Answer{
		"trained_where": &in.TrainedWhere, "trained_on": &in.TrainedOn, "refreshed": &in.Refreshed, "upkeep": &in.Upkeep, "protections": &in.Protections,
	} {
		if p := a.complete(by, at); p != "" {
			problems = append(problems, key+" "+p)
		}
	}
	canaries, more := checkCanaries(in.Canaries)
	if problems = append(problems, more...); len(problems) > 0 {
		return Card{}, nil, fault.New(fault.Invalid, "reading a model card: %s", strings.Join(problems, "; "))
	}
	return in.Card, canaries, nil
}

// complete fills what was left out and says what is wrong.
func (a *Answer) complete(by string, at time.Time) string {
	a.Text = strings.TrimSpace(a.Text)
	if a.Mark == "" {
		a.Mark = Declared
		if a.Text == "" {
			a.Mark = Unknown
		}
	}
	switch {
	case a.Mark != Verified && a.Mark != Declared && a.Mark != Unknown:
		return fmt.Sprintf("has the mark %.20q: the marks are verified, declared and unknown", a.Mark)
	case a.Mark == Unknown && a.Text != "":
		return "has an answer and the mark unknown"
	case a.Mark != Unknown && a.Text == "":
		return "has no answer"
	case a.Mark == Verified && strings.TrimSpace(a.Evidence) == "":
		return "is marked verified and names no evidence"
	case len(a.Text) > maxWhy || len(a.By) > maxWho || len(a.Evidence) > maxLine || !utf8.ValidString(a.Text+a.By+a.Evidence):
		return "is too long or not UTF-8"
	}
	if a.Mark == Unknown {
		*a = Answer{Mark: Unknown}
		return ""
	}
	if a.By == "" {
		a.By = by
	}
	if a.At.IsZero() {
		a.At = at
	}
	a.At = a.At.UTC()
	return ""
}
