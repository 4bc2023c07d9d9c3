package correlate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Bounds of what persons write.
const (
	maxPerson   = 128    // bytes of a name
	maxNote     = 4096   // bytes of a note
	maxNotesOf  = 200    // of one incident, as it stands when a note is written
	maxNotesAll = 10_000 // that are kept
)

// The words that stand for a person where one is asked for.
const (
	Me     = "me"
	Nobody = "nobody"
)

// Note is what a person wrote on an incident.
type Note struct {
	ID   string    `json:"id"` // for [Desk.Undo]
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"` // may have several lines

	// Query is what the person asked the store, Result what it answered then. A note
	// without a query has neither.
	Query  string  `json:"query,omitempty"`
	Result *Result `json:"result,omitempty"`

	// Zones are those that its writer was limited to, so that nothing else can be in
	// it; empty: the writer saw the whole site.
	Zones []string `json:"zones,omitempty"`
}

// Result is what a query answered when it was asked, in texts: what is kept as
// evidence of a note.
type Result struct {
	At      time.Time  `json:"at"` // what "now" was
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`  // the first of them
	Total   int64      `json:"total"` // without the limit
}

// Bounds of what is kept of a result.
const (
	maxQuery   = 2048
	maxColumns = 24
	maxRows    = 30
	maxCell    = 200
	maxResult  = 8 << 10 // bytes of all cells
	maxResults = 2000    // notes with one
)

// Clip keeps of a result what a note may have.
func (r *Result) Clip() {
	r.Columns = slices.Clone(r.Columns[:min(len(r.Columns), maxColumns)])
	for i := range r.Columns {
		r.Columns[i] = clip(r.Columns[i], maxCell)
	}
	rows := [][]string{}
	for _, row := range r.Rows[:min(len(r.Rows), maxRows)] {
		kept := slices.Clone(row[:min(len(row), len(r.Columns))])
		for k := range kept {
			kept[k] = clip(kept[k], maxCell)
		}
		rows = append(rows, kept)
	}
	for r.Rows = rows; len(r.Rows) > 0 && r.size() > maxResult; {
		r.Rows = r.Rows[:len(r.Rows)-1]
	}
}

func (r *Result) size() (n int) {
	for _, row := range append([][]string{r.Columns}, r.Rows...) {
		for _, cell := range row {
			n += len(cell)
		}
	}
	return n
}

// fits reports whether a result is within its bounds, as all are that were
// clipped.
func (r *Result) fits() bool {
	if len(r.Columns) > maxColumns || len(r.Rows) > maxRows || r.Total < 0 || r.size() > maxResult {
		return false
	}
	long := func(cell string) bool { return len(cell) > maxCell+len("\u2026") }
	return !slices.ContainsFunc(r.Columns, long) && !slices.ContainsFunc(r.Rows, func(row []string) bool {
		return len(row) > len(r.Columns) || slices.ContainsFunc(row, long)
	})
}

// note is a Note as it is kept: a record of its own, so that an incident which
// grows does not write its notes again.
type note struct {
	Note
	Version  int    `json:"v"`
	Number   int    `json:"number"`   // in the order in which they were written
	Incident string `json:"incident"` // uid of the strand; it follows that through merges and splits
	dirty    bool
	kept     bool // a record of it was handed out
}

// PersonName is a person's name as it is kept, or the reason why it is none.
func PersonName(text string) (string, error) {
	name := strings.TrimSpace(text)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case name == "":
		return "", fault.New(fault.Invalid, "a person without a name").WithHint("give a name, or say %s or %s", Me, Nobody)
	case len(name) > maxPerson:
		return "", fault.New(fault.Invalid, "a person's name of %d bytes", len(name)).WithHint("at most %d", maxPerson)
	case name == Me || name == Nobody:
		return "", fault.New(fault.Invalid, "%q is nobody's name: it stands for a person in filters", name).WithHint("give the name in full")
	case strings.ContainsFunc(name, hidden):
		return "", fault.New(fault.Invalid, "a person's name with characters that cannot be seen").WithHint("write letters, digits and spaces")
	}
	return name, nil
}

// NoteText is the text of a note as it is kept, or the reason why it is none.
func NoteText(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n"))
	switch {
	case text == "":
		return "", fault.New(fault.Invalid, "the note is empty").WithHint("write what others should know")
	case len(text) > maxNote:
		return "", fault.New(fault.Invalid, "the note has %d bytes", len(text)).WithHint("at most %d; write two", maxNote)
	}
	return text, nil
}

// Assign gives an incident to a person, or to nobody when to is empty. A merged
// incident is given as a whole.
func (d Desk) Assign(uid, to, by, why string) error {
	if to != "" {
		name, err := PersonName(to)
		if err != nil {
			return err
		}
		to = name
	}
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := d.find(uid)
	switch {
	case err != nil:
		return err
	case by == "":
		return fault.New(fault.Invalid, "incident %s cannot be assigned by nobody", uid).WithHint("say who does it")
	case s.assignee() == to:
		return fault.New(fault.Conflict, "incident %s is assigned to %s already", uid, cmp.Or(to, Nobody))
	}
	for _, p := range s.group() {
		p.dirty = p.dirty || p.Assignee != ""
		p.Assignee = ""
	}
	s.Assignee = to
	c.note(s, Change{By: by, What: "assigned to " + cmp.Or(to, Nobody), Why: why})
	return nil
}

// assignee is who an incident is assigned to: what was merged into it keeps its
// own, which counts as long as the incident has none.
func (s *strand) assignee() string {
	for _, p := range s.group() {
		if p.Assignee != "" {
			return p.Assignee
		}
	}
	return ""
}

// AddNote keeps what a person wrote on an incident and returns its id for
// [Desk.Undo].
func (d Desk) AddNote(uid, by, text string) (id string, err error) {
	return d.AddStep(uid, by, Note{Text: text})
}

// AddStep is AddNote for a note that may have a query and its result: a step of
// an investigation.
func (d Desk) AddStep(uid, by string, step Note) (id string, err error) {
	text, err := NoteText(step.Text)
	if err != nil {
		return "", err
	}
	if len(step.Query) > maxQuery || (step.Query == "") != (step.Result == nil) {
		return "", fault.New(fault.Invalid, "a note with a query of %d bytes", len(step.Query)).WithHint("at most %d, with its result", maxQuery)
	}
	if step.Result != nil {
		step.Result.Clip()
	}
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := d.find(uid)
	switch {
	case err != nil:
		return "", err
	case by == "":
		return "", fault.New(fault.Invalid, "a note on incident %s: a person must write it", uid)
	case len(c.notesOf(s)) >= maxNotesOf:
		return "", fault.New(fault.Limited, "incident %s has %d notes already", uid, maxNotesOf).WithHint("take some back, or close it")
	case len(c.notes) >= maxNotesAll:
		return "", fault.New(fault.Limited, "there are %d notes already", maxNotesAll).WithHint("take some back: they stay in the audit journal")
	}
	if step.Result != nil && c.results() >= maxResults {
		return "", fault.New(fault.Limited, "there are %d notes with a query already", maxResults).WithHint("write it without, or take some back")
	}
	n := &note{Version: recordVersion, Incident: s.UID, Note: Note{At: c.now().UTC(), By: clip(by, maxValue), Text: text, Query: step.Query, Result: step.Result, Zones: slices.Clone(step.Zones)}, dirty: true}
	c.lastNote++
	n.Number = c.lastNote
	n.ID = event.FindingUID("note", strconv.Itoa(n.Number), s.UID+n.By+n.At.String())
	c.notes = append(c.notes, n)
	c.note(s, Change{By: by, What: "wrote a note"})
	return n.ID, nil
}

// results is how many notes have a result.
func (c *Correlator) results() (count int) {
	for _, n := range c.notes {
		if n.Result != nil {
			count++
		}
	}
	return count
}

// takeBack removes a note and reports whether there was one: what it said stays
// in the audit journal.
func (c *Correlator) takeBack(id, by, why string) bool {
	i := slices.IndexFunc(c.notes, func(n *note) bool { return n.ID == id })
	if i < 0 {
		return false
	}
	n := c.notes[i]
	c.notes = slices.Delete(c.notes, i, i+1)
	if n.kept {
		c.unwritten = append(c.unwritten, n.ID)
	}
	if s := c.find(n.Incident); s != nil {
		c.note(s, Change{By: by, What: "took back a note of " + n.By, Why: why})
	}
	return true
}

// IncidentOf returns the uid of the incident that a note or a verdict is on, by its id.
func (c *Correlator) IncidentOf(id string) (uid string, ok bool) {
	if _, uid, ok = c.NoteOf(id); ok {
		return uid, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.opinions, func(o *opinion) bool { return o.ID == id }); i >= 0 {
		return c.opinions[i].Incident, true
	}
	return "", false
}

// NoteOf finds a note by its id, with the uid of its incident.
func (c *Correlator) NoteOf(id string) (n Note, incident string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.notes, func(n *note) bool { return n.ID == id })
	if i < 0 {
		return Note{}, "", false
	}
	incident = c.notes[i].Incident
	if s := c.find(incident); s != nil {
		incident = s.UID
	}
	return c.notes[i].Note, incident, true
}

// strays names the notes whose incident is not there. They are kept.
func (c *Correlator) strays() (problems []error) {
	for _, n := range c.notes {
		if c.find(n.Incident) == nil {
			problems = append(problems, fault.New(fault.Invalid, "restoring note %s: its incident %s is not there; nothing shows it", n.ID, clip(n.Incident, maxValue)))
		}
	}
	return problems
}

// notesOf are the notes of an incident, the oldest first.
func (c *Correlator) notesOf(s *strand) []Note {
	out := []Note{}
	for _, n := range c.notes {
		if c.find(n.Incident) == s {
			out = append(out, n.Note)
		}
	}
	return out
}

// countNotes is how many notes incidents have.
func (c *Correlator) countNotes() map[*strand]int {
	out := make(map[*strand]int)
	for _, n := range c.notes {
		if s := c.find(n.Incident); s != nil {
			out[s]++
		}
	}
	return out
}

// rehome gives the notes of a strand that is gone to the one that took it.
func (c *Correlator) rehome(s, into *strand) {
	for _, n := range c.notes {
		if n.Incident == s.UID {
			n.Incident, n.dirty = into.UID, true
		}
	}
}

// dirtyNotes hands out the notes that changed.
func (c *Correlator) dirtyNotes(put func(kind, id string, doc any)) {
	for _, n := range c.notes {
		if n.dirty {
			put(noteKind, n.ID, n)
			n.dirty, n.kept = false, true
		}
	}
}

func (c *Correlator) restoreNote(r Record) *fault.Error {
	n := new(note)
	if err := decode(r, n, &n.Version); err != nil {
		return err
	}
	text, err := NoteText(n.Text)
	if err != nil || text != n.Text || n.ID == "" || n.ID != r.ID || n.By == "" || n.Number < 1 || len(c.notes) >= maxNotesAll ||
		len(n.Query) > maxQuery || (n.Query == "") != (n.Result == nil) || n.Result != nil && !n.Result.fits() ||
		slices.ContainsFunc(c.notes, func(o *note) bool { return o.ID == n.ID }) {
		return fault.New(fault.Invalid, "it is no note")
	}
	n.kept = true
	c.notes = append(c.notes, n)
	c.lastNote = max(c.lastNote, n.Number)
	return nil
}

func byNumber(a, b *note) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
}
