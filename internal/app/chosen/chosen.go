// Package chosen keeps what people set through API, console and command line:
// one document with a version for each change, who made it, when and why, and the
// way back to an earlier one. It lies in the records of the data directory, so a
// change is there as a whole or not at all, and is in every backup.
//
// It must not know what a setting means, and never holds a secret: settings name
// files that do.
package chosen

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/store"
)

// The kinds of records.
const (
	nowKind     = "settings"
	versionKind = "settings_version"
	textKind    = "settings_text"
	nowID       = "now"
)

// The bounds of what is kept.
const (
	MaxVersions = 500
	MaxSources  = 200
	MaxRules    = 500
	MaxZones    = 500
	MaxSubnets  = 200 // of a zone
	MaxPulls    = 200
	MaxModels   = 50
	MaxUsers    = 300       // of brokers
	MaxMindRule = 100       // rules of what may go to models
	MaxText     = 256 << 10 // of a rule, and of its test
	maxWhy      = 500
	maxValue    = 1000 // of a value in journal and history
)

// Doc is all that was set. A part that is missing was not.
type Doc struct {
	Retention Retention         `json:"retention,omitzero"`
	Sources   []Source          `json:"sources,omitempty"`  // by name
	Stopped   map[string]Mark   `json:"stopped,omitempty"`  // sources that rest, by name
	Disabled  map[string]Mark   `json:"disabled,omitempty"` // rules that are off, by id
	Rules     []Rule            `json:"rules,omitempty"`    // by id
	Zones     []Zone            `json:"zones,omitempty"`    // by name
	Renamed   map[string]string `json:"renamed,omitempty"`  // former names of zones, each with the one that it has
	Pulls     []Pull            `json:"pulls,omitempty"`    // by name
	Paused    map[string]Mark   `json:"paused,omitempty"`   // pulls that rest, by name
	Models    []Model           `json:"models,omitempty"`   // by name
	Mind      Mind              `json:"mind,omitzero"`
	Limits    Limits            `json:"limits,omitzero"`
	Users     []User            `json:"users,omitempty"` // of brokers, by broker and name
}

// Mark says who set a thing, and in which version.
type Mark struct {
	Version int64     `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why,omitempty"`
}

// Retention is how long events are kept, as texts; an empty one is not set.
type Retention struct {
	Events string `json:"events,omitempty"`
	Disk   string `json:"disk,omitempty"`
	Mark   Mark   `json:"mark"`
}

// Source is a live source in the form that the configuration has.
type Source struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	Mark   Mark            `json:"mark"`
}

// Rule is a rule of the site. Its text and its test are kept by their hashes.
type Rule struct {
	ID   string `json:"id"`
	Text string `json:"text"`           // hash, see [Book.Text]
	Test string `json:"test,omitempty"` // hash
	Mark Mark   `json:"mark"`
}

// Zone is a part of the network in the form that the configuration has.
type Zone struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	Mark   Mark            `json:"mark"`
}

// Pull is a feed that is pulled, in the form that the configuration has.
type Pull struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	Mark   Mark            `json:"mark"`
}

// Model is an endpoint of a language model in the form that the configuration has.
type Model struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
	Mark   Mark            `json:"mark"`
}

// Mind is how far questions and data may go to models, as texts; an empty one is not
// set. Rules are in the form that the configuration has.
type Mind struct {
	Mode      string            `json:"mode,omitempty"`
	Questions string            `json:"questions,omitempty"`
	Redact    string            `json:"redact,omitempty"` // true or false
	Rules     []json.RawMessage `json:"rules,omitempty"`
	Mark      Mark              `json:"mark"`
}

// User is somebody who may connect to a broker of ours. The hash of the password is
// kept elsewhere: a way back must not bring an old password back.
type User struct {
	Broker    string   `json:"broker"`
	Name      string   `json:"name"`
	Publish   []string `json:"publish,omitempty"`
	Subscribe []string `json:"subscribe,omitempty"`
	Mark      Mark     `json:"mark"`
}

// Limits bound what the program takes, as texts by their keys; one that is missing
// is not set.
type Limits struct {
	Values map[string]string `json:"values,omitempty"`
	Mark   Mark              `json:"mark"`
}

// Version is one change.
type Version struct {
	Mark

	Action string `json:"action"` // such as settings.retention
	Object string `json:"object"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Opens  string `json:"opens,omitempty"` // what may go further than before, in words
	Doc    *Doc   `json:"doc,omitempty"`
}

// Deed is a change that is about to be made.
type Deed struct {
	By, Why        string
	Action, Object string
	Before, After  string // the values, for journal and history; no secrets
	Opens          string // what the change lets go further than before, in words
	Texts          map[string][]byte
	More           []store.Change // of others, in the same transaction
}

// kept is the document as it is stored.
type kept struct {
	Version int64 `json:"version"`
	Doc     Doc   `json:"doc"`
}

// Book is the open document. It is safe for concurrent use.
type Book struct {
	records store.Records
	journal *audit.Journal
	now     func() time.Time

	mu     sync.Mutex
	kept   kept
	record int64 // version of the record
}

// Open reads the document. One that cannot be read is an error: to go on without
// it could drop events that somebody wanted kept.
func Open(ctx context.Context, records store.Records, journal *audit.Journal, now func() time.Time) (*Book, error) {
	b := &Book{records: records, journal: journal, now: now}
	rec, err := records.Get(ctx, nowKind, nowID)
	if fault.KindOf(err) == fault.NotFound {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	if err := strictly(rec.JSON, &b.kept); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the settings that were made by API or console").WithHint("a newer version may have written them: use that one, or restore a backup")
	}
	b.record = rec.Version
	if b.kept.Version > MaxVersions {
		return b, b.sweep(ctx)
	}
	return b, nil
}

func strictly(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// Now returns a copy of the document and its version; 0: nothing was ever set.
func (b *Book) Now() (Doc, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.Doc.clone(), b.kept.Version
}

func (d Doc) clone() Doc {
	var out Doc
	raw, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic("a document of settings cannot be copied: " + err.Error()) // it came from JSON
	}
	return out
}

// Change makes a change: apply alters the document it is given, with the mark
// that things get, and returns what is done, or why it cannot be. The journal has it first,
// then the records, as a whole or not at all; then it counts.
func (b *Book) Change(ctx context.Context, by, why string, apply func(d *Doc, m Mark) (Deed, error)) (Version, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(why) > maxWhy {
		return Version{}, fault.New(fault.Invalid, "the reason is longer than %d bytes", maxWhy)
	}
	next := kept{Version: b.kept.Version + 1, Doc: b.kept.Doc.clone()}
	mark := Mark{Version: next.Version, By: by, At: b.now().UTC(), Why: why}
	deed, err := apply(&next.Doc, mark)
	if err != nil {
		return Version{}, err
	}
	next.Doc.order()
	v := Version{Mark: mark, Action: deed.Action, Object: deed.Object, Before: short(deed.Before), After: short(deed.After), Opens: short(deed.Opens), Doc: &next.Doc}
	changes, err := b.changes(v, next, deed.Texts)
	if err != nil {
		return Version{}, err
	}
	if err := b.tell(v, ""); err != nil {
		return Version{}, err
	}
	if err := b.records.Update(ctx, append(changes, deed.More...)...); err != nil {
		return Version{}, errors.Join(fmt.Errorf("keeping the settings: %w", err), b.tell(v, "it could not be kept; nothing has changed"))
	}
	b.kept, b.record = next, b.record+1
	if v.Version > MaxVersions && v.Version%sweepEvery == 0 {
		_ = b.sweep(ctx) // the change is made; what is left over goes with the next, or when the program starts
	}
	return v, nil
}

// changes are what is written of a version, in one transaction.
func (b *Book) changes(v Version, next kept, texts map[string][]byte) ([]store.Change, error) {
	now, err := json.Marshal(next)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the settings")
	}
	old, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing the settings")
	}
	out := []store.Change{
		{Kind: nowKind, ID: nowID, Version: b.record, JSON: now},
		{Kind: versionKind, ID: versionID(v.Version), Version: 0, JSON: old},
	}
	if n := v.Version - MaxVersions; n > 0 {
		out = append(out, store.Change{Kind: versionKind, ID: versionID(n), Version: store.AnyVersion})
	}
	for hash, text := range texts {
		raw, err := json.Marshal(string(text))
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "writing a text of the settings")
		}
		out = append(out, store.Change{Kind: textKind, ID: hash, Version: store.AnyVersion, JSON: raw})
	}
	return out, nil
}

// tell writes a change into the journal.
func (b *Book) tell(v Version, failed string) error {
	d := map[string]string{"version": strconv.FormatInt(v.Version, 10)}
	for k, text := range map[string]string{"why": v.Why, "before": v.Before, "after": v.After, "opens": v.Opens, "failed": failed} {
		if text != "" {
			d[k] = text
		}
	}
	_, err := b.journal.Record(audit.Entry{Actor: audit.Actor{Kind: audit.Person, Name: v.By}, Action: v.Action, Object: v.Object, Details: d})
	return err
}

func short(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return s[:maxValue] + "…"
}

func versionID(n int64) string { return fmt.Sprintf("%012d", n) }

// order sorts the lists, so that equal documents are equal texts.
func (d *Doc) order() {
	slices.SortFunc(d.Sources, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Zones, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Pulls, func(a, b Pull) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Models, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Users, func(a, b User) int {
		return cmp.Or(strings.Compare(a.Broker, b.Broker), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(d.Rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
}

// Source finds one by name; -1: there is none.
func (d *Doc) Source(name string) int {
	return slices.IndexFunc(d.Sources, func(s Source) bool { return s.Name == name })
}

// Zone finds one by name; -1: there is none.
func (d *Doc) Zone(name string) int {
	return slices.IndexFunc(d.Zones, func(z Zone) bool { return z.Name == name })
}

// Pull finds one by name; -1: there is none.
func (d *Doc) Pull(name string) int {
	return slices.IndexFunc(d.Pulls, func(p Pull) bool { return p.Name == name })
}

// Model finds one by name; -1: there is none.
func (d *Doc) Model(name string) int {
	return slices.IndexFunc(d.Models, func(m Model) bool { return m.Name == name })
}

// User finds one by broker and name; -1: there is none.
func (d *Doc) User(broker, name string) int {
	return slices.IndexFunc(d.Users, func(u User) bool { return u.Broker == broker && u.Name == name })
}

// Rule finds one by id; -1: there is none.
func (d *Doc) Rule(id string) int {
	return slices.IndexFunc(d.Rules, func(r Rule) bool { return r.ID == id })
}

// Hash is what a text is kept by.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Text reads a text by its hash.
func (b *Book) Text(ctx context.Context, hash string) ([]byte, error) {
	rec, err := b.records.Get(ctx, textKind, hash)
	if err != nil {
		return nil, fmt.Errorf("reading a text of the settings: %w", err)
	}
	var text string
	if err := json.Unmarshal(rec.JSON, &text); err != nil || Hash([]byte(text)) != hash {
		return nil, fault.Wrap(fault.Internal, err, "a text of the settings is not what was stored")
	}
	return []byte(text), nil
}

// History returns the newest versions, the newest first, without their documents.
func (b *Book) History(ctx context.Context, most int) ([]Version, error) {
	var out []Version
	for rec, err := range b.records.List(ctx, versionKind) {
		if err != nil {
			return nil, fmt.Errorf("reading the history of the settings: %w", err)
		}
		var v Version
		if err := json.Unmarshal(rec.JSON, &v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "reading version %s of the settings", rec.ID)
		}
		v.Doc = nil
		out = append(out, v)
	}
	slices.Reverse(out)
	return out[:min(most, len(out))], nil
}

// At returns the document of a version; of 0, an empty one.
func (b *Book) At(ctx context.Context, n int64) (Doc, error) {
	if n == 0 {
		return Doc{}, nil
	}
	rec, err := b.records.Get(ctx, versionKind, versionID(n))
	if fault.KindOf(err) == fault.NotFound {
		return Doc{}, fault.New(fault.NotFound, "there is no version %d of the settings", n).WithHint("the last %d are kept: vedette settings history", MaxVersions)
	}
	if err != nil {
		return Doc{}, fmt.Errorf("reading version %d of the settings: %w", n, err)
	}
	var v Version
	if err := strictly(rec.JSON, &v); err != nil || v.Doc == nil {
		return Doc{}, fault.Wrap(fault.Internal, err, "reading version %d of the settings", n)
	}
	return *v.Doc, nil
}
