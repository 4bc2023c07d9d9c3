// Package redacteval scores the detectors of personal data on texts whose
// spans are known, beside a baseline that masks every word.
//
// It must not special-case a text, and nothing of it runs in normal use. The
// texts were made from templates; the detectors were written looking at one
// part of the templates, and the other part is held out.
package redacteval

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"vedette/internal/fault"
	"vedette/internal/guard/redact"
)

// File is the set, below the folder of public test data.
const File = "redact/pii-synthetic.jsonl.gz"

// Report is the outcome on both parts of the set.
type Report struct {
	Development Part    `json:"development"` // the templates that the rules were written looking at
	HeldOut     Part    `json:"held_out"`    // every third template, never looked at
	Seconds     float64 `json:"seconds"`     // of finding, all texts
}

// Part is the outcome on some of the texts. A span of the set is found when
// at least half of its letters and digits are inside spans of the same type,
// masked when they are inside spans of any type, whole when all of them are. A
// span of ours is right when at least half of it is inside spans of the set.
type Part struct {
	Texts                 int     `json:"texts"`
	Templates             int     `json:"templates"`
	Types                 []Score `json:"types"`
	All                   Score   `json:"all"`
	Baseline              Score   `json:"baseline"`       // every word masked
	Untouched             float64 `json:"untouched"`      // share of the texts without spans in which nothing was found
	CharPrecision         float64 `json:"char_precision"` // share of masked letters that are of a span
	BaselineCharPrecision float64 `json:"baseline_char_precision"`
}

// Score is the outcome for one type, or for all.
type Score struct {
	Type           string  `json:"type"`
	Spans          int     `json:"spans"` // of the set
	Exact          int     `json:"exact"` // same type, same bounds
	Found          int     `json:"found"`
	Masked         int     `json:"masked"`
	Whole          int     `json:"whole"`
	Ours           int     `json:"ours"`            // spans of ours of this type
	Right          int     `json:"right"`           // of them inside spans of the set of any type
	RightType      int     `json:"right_type"`      // of the same type
	Recall         float64 `json:"recall"`          // masked / spans
	Precision      float64 `json:"precision"`       // right / ours
	TypedRecall    float64 `json:"typed_recall"`    // found / spans
	TypedPrecision float64 `json:"typed_precision"` // right_type / ours
}

// row is one text of the set; positions count characters.
type row struct {
	Text     string `json:"full_text"`
	Template int    `json:"template_id"`
	Spans    []struct {
		Type  string `json:"entity_type"`
		Start int    `json:"start_position"`
		End   int    `json:"end_position"`
	} `json:"spans"`
}

// HeldOut reports whether texts of a template are kept to judge with.
func HeldOut(template int) bool { return template%3 == 2 }

// Run scores the detectors on every n-th text of the set in the folder of public
// test data.
func Run(dir string, every int) (Report, error) {
	rows, err := read(filepath.Join(dir, filepath.FromSlash(File)))
	if err != nil {
		return Report{}, err
	}
	kept := rows[:0]
	for i, r := range rows {
		if i%max(1, every) == 0 {
			kept = append(kept, r)
		}
	}
	rows = kept
	redact.Find("warm") // reads the word lists
	start := time.Now()
	ours := make([][]redact.Span, len(rows))
	for i, r := range rows {
		ours[i] = redact.Find(r.Text)
	}
	rep := Report{Seconds: time.Since(start).Seconds()}
	dev, held := newTally(), newTally()
	for i, r := range rows {
		if HeldOut(r.Template) {
			held.add(r, ours[i])
		} else {
			dev.add(r, ours[i])
		}
	}
	rep.Development, rep.HeldOut = dev.part(), held.part()
	return rep, nil
}

func read(path string) ([]row, error) {
	f, err := os.Open(path) //nolint:gosec // G304: a file of the test data
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading the set of personal data").WithHint("name the folder of the public test data")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the set of personal data")
	}
	var rows []row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading text %d of the set", len(rows))
		}
		rows = append(rows, r)
	}
	return rows, lines.Err()
}

// tally counts over texts.
type tally struct {
	types                              map[string]*Score
	all                                Score
	templates                          map[int]bool
	texts, clean, untouched            int
	words, wordsRight                  int
	letters, lettersMasked, lettersHit int
	lettersGold                        int
}

func newTally() *tally {
	return &tally{types: map[string]*Score{}, templates: map[int]bool{}, all: Score{Type: "all"}}
}

func (t *tally) of(kind string) *Score {
	if t.types[kind] == nil {
		t.types[kind] = &Score{Type: kind}
	}
	return t.types[kind]
}

// add counts one text. want and got hold the type that covers each character.
func (t *tally) add(r row, spans []redact.Span) {
	text := []rune(r.Text)
	want, got := make([]string, len(text)), make([]string, len(text))
	for _, s := range r.Spans {
		fill(want, s.Start, s.End, s.Type)
	}
	runes := redact.Runes(r.Text, spans)
	for _, s := range runes {
		fill(got, s.Start, s.End, s.Type)
	}
	t.texts++
	t.templates[r.Template] = true
	if len(r.Spans) == 0 {
		t.clean++
		if len(spans) == 0 {
			t.untouched++
		}
	}
	for _, s := range r.Spans {
		total, same, any := count(text, got, s.Start, s.End, s.Type)
		exact := slices.Contains(runes, redact.Span{Start: s.Start, End: s.End, Type: s.Type})
		for _, c := range []*Score{t.of(s.Type), &t.all} {
			c.Spans++
			c.Exact += one(exact)
			c.Found += one(2*same >= total)
			c.Masked += one(2*any >= total)
			c.Whole += one(any == total)
		}
	}
	for _, s := range runes {
		total, same, any := count(text, want, s.Start, s.End, s.Type)
		for _, c := range []*Score{t.of(s.Type), &t.all} {
			c.Ours++
			c.Right += one(2*any >= total)
			c.RightType += one(2*same >= total)
		}
	}
	t.baseline(text, want, got)
}

// baseline counts what masking every word would give.
func (t *tally) baseline(text []rune, want, got []string) {
	for i, c := range text {
		if !letter(c) {
			continue
		}
		t.letters++
		t.lettersGold += one(want[i] != "")
		t.lettersMasked += one(got[i] != "")
		t.lettersHit += one(got[i] != "" && want[i] != "")
		if i == 0 || !letter(text[i-1]) {
			t.words++
			t.wordsRight += one(want[i] != "")
		}
	}
}

func (t *tally) part() Part {
	p := Part{Texts: t.texts, Templates: len(t.templates), All: t.all, Untouched: share(t.untouched, t.clean), CharPrecision: share(t.lettersHit, t.lettersMasked), BaselineCharPrecision: share(t.lettersGold, t.letters)}
	for _, s := range t.types {
		s.rates()
		p.Types = append(p.Types, *s)
	}
	slices.SortFunc(p.Types, func(a, b Score) int { return cmp.Or(cmp.Compare(b.Spans, a.Spans), strings.Compare(a.Type, b.Type)) })
	p.All.rates()
	n := t.all.Spans
	p.Baseline = Score{Type: "every word", Spans: n, Masked: n, Whole: n, Ours: t.words, Right: t.wordsRight}
	p.Baseline.rates()
	return p
}

func (s *Score) rates() {
	s.Recall, s.Precision = share(s.Masked, s.Spans), share(s.Right, s.Ours)
	s.TypedRecall, s.TypedPrecision = share(s.Found, s.Spans), share(s.RightType, s.Ours)
}

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func fill(marks []string, start, end int, kind string) {
	for i := max(0, start); i < min(end, len(marks)); i++ {
		marks[i] = kind
	}
}

// count returns the letters and digits of a stretch, those marked with kind,
// and those marked at all.
func count(text []rune, marks []string, start, end int, kind string) (total, same, any int) {
	for i := max(0, start); i < min(end, len(text)); i++ {
		if letter(text[i]) {
			total++
			same += one(marks[i] == kind)
			any += one(marks[i] != "")
		}
	}
	return total, same, any
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
