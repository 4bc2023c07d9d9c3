package register_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/model/register/registertest"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

// site is a register with what it stands on.
type site struct {
	*register.Register
	dir     string
	records store.Records
	journal *audit.Journal
	cfg     register.Config
}

func clock() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

func newSite(t testing.TB, change ...func(c *register.Config)) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), records: memory.NewRecords()}
	s.reopenJournal(t)
	s.cfg = register.Config{Journal: s.journal, Records: s.records, Now: clock, Patience: 10 * time.Second}
	for _, c := range change {
		c(&s.cfg)
	}
	s.reopen(t)
	return s
}

func (s *site) reopenJournal(t testing.TB) {
	t.Helper()
	var err error
	if s.journal, err = audit.Open(filepath.Join(s.dir, "audit.jsonl"), clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.journal.Close() })
}

// reopen makes the register anew from what is stored, as a start does.
func (s *site) reopen(t testing.TB) {
	t.Helper()
	s.cfg.Journal = s.journal
	r, err := register.New(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Register = r
	t.Cleanup(func() { _ = r.Close() })
}

// gguf writes a small model and returns its path.
func (s *site) gguf(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, registertest.Tiny().Set("general.name", name).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func here() model.Endpoint {
	return model.Endpoint{Name: "here", Wire: model.OpenAI, URL: "http://127.0.0.1:8080/v1", Model: "tiny", Location: model.OnPremises}
}

func there() model.Endpoint {
	return model.Endpoint{Name: "there", Wire: model.OpenAI, URL: "https://models.example/v1", Model: "big-1", Location: model.Cloud}
}

func bound(e model.Endpoint) *register.Endpoint {
	return &register.Endpoint{Name: e.Name, Wire: e.Wire, URL: e.URL, Model: e.Model, Location: e.Location}
}

func (s *site) propose(t testing.TB, id, path string, at *register.Endpoint) register.Entry {
	t.Helper()
	e, err := s.Propose(t.Context(), register.Proposal{ID: id, By: "ann", Why: "we need one", Path: path, Endpoint: at})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *site) approve(t testing.TB, id string) register.Entry {
	t.Helper()
	e, err := s.Approve(t.Context(), id, "bob", "tested it")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// refused demands a typed refusal whose cause says text.
func (s *site) refused(t *testing.T, e model.Endpoint, text string) {
	t.Helper()
	approval, err := s.Admit(t.Context(), e)
	m, ok := errors.AsType[*model.Error](err)
	if !ok || m.Kind != model.NotRegistered || m.Endpoint != e.Name || approval != "" || !strings.Contains(err.Error(), text) {
		t.Errorf("admitted by %q, %v; want a refusal with %q", approval, err, text)
	}
}

func (s *site) admitted(t *testing.T, e model.Endpoint) {
	t.Helper()
	if approval, err := s.Admit(t.Context(), e); err != nil || !strings.Contains(approval, "approved by bob") {
		t.Errorf("admitted by %q, %v", approval, err)
	}
}

func TestCannotBeMadeWithoutTheJournal(t *testing.T) {
	if _, err := register.New(t.Context(), register.Config{Records: memory.NewRecords()}); err == nil {
		t.Error("made without a journal")
	}
	if _, err := register.New(t.Context(), register.Config{}); err == nil {
		t.Error("made of nothing")
	}
}

// The life of a model: nothing, proposed, approved, over a restart, retired.
func TestLife(t *testing.T) {
	s := newSite(t)
	s.refused(t, here(), "is not in the register")
	e := s.propose(t, "tiny", s.gguf(t, "tiny.gguf"), bound(here()))
	if e.State != register.Proposed || e.Revision != 1 || e.Files.Facts.Context != 2048 || !strings.HasPrefix(e.Files.Digest, "sha256:") {
		t.Errorf("proposed: %+v", e)
	}
	s.refused(t, here(), "proposed and not approved")
	e = s.approve(t, "tiny")
	if e.State != register.Approved || e.SamePerson() || len(e.History) != 2 || e.History[1].Audit != 2 {
		t.Errorf("approved: %+v", e)
	}
	s.admitted(t, here())
	if digest, got := s.Control(here()); len(got) != 3 || got[0] != "<|im_start|>" || digest != e.Files.Digest {
		t.Errorf("control tokens %q of %s", got, digest)
	}
	if digest, got := s.Control(there()); got != nil || digest != "" {
		t.Errorf("control tokens %q of nothing", got)
	}
	s.reopen(t)
	s.admitted(t, here())
	if _, err := s.Retire(t.Context(), "tiny", "bob", "a better one came"); err != nil {
		t.Fatal(err)
	}
	s.refused(t, here(), "was retired")
	s.reopen(t)
	s.refused(t, here(), "was retired")

	entries, err := s.journal.Last(10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("journal: %+v, %v", entries, err)
	}
	for i, want := range []string{"model.retire", "model.approve", "model.propose"} {
		if got := entries[i]; got.Action != want || got.Object != "tiny" || got.Actor.Kind != audit.Person || got.Details["why"] == "" || got.Details["digest"] != e.Files.Digest {
			t.Errorf("entry %d: %+v", i, got)
		}
	}
}

func TestDecisionsNeedAPersonAndAReason(t *testing.T) {
	s := newSite(t)
	s.propose(t, "tiny", s.gguf(t, "tiny.gguf"), nil)
	for _, who := range [][2]string{{"", "why"}, {"ann", ""}, {" ", "why"}, {"ann", "\t"}, {strings.Repeat("x", 300), "why"}, {"ann\xff", "why"}} {
		_, err1 := s.Approve(t.Context(), "tiny", who[0], who[1])
		_, err2 := s.Retire(t.Context(), "tiny", who[0], who[1])
		_, err3 := s.Propose(t.Context(), register.Proposal{ID: "x", Path: "/x", By: who[0], Why: who[1]})
		for _, err := range []error{err1, err2, err3} {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: %v", who, err)
			}
		}
	}
	if n, _ := s.journal.Head(); n != 1 {
		t.Errorf("%d entries in the journal", n)
	}
	for _, err := range []error{
		second(s.Approve(t.Context(), "nobody", "bob", "w")), second(s.Retire(t.Context(), "nobody", "bob", "w")), second(s.Get("nobody")),
	} {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
	}
	s.approve(t, "tiny")
	if _, err := s.Approve(t.Context(), "tiny", "bob", "again"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("twice: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A file that is another one since it was approved is refused, however it was
// changed; put back, it is admitted.
func TestChangedFiles(t *testing.T) {
	s := newSite(t)
	path := s.gguf(t, "tiny.gguf")
	s.propose(t, "tiny", path, bound(here()))
	s.approve(t, "tiny")
	s.admitted(t, here())
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(raw []byte) {
		t.Helper()
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		// Whoever changes it hides it.
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	bad := append([]byte{}, good...)
	bad[len(bad)-1] ^= 1
	write(bad)
	s.refused(t, here(), `"tiny.gguf" has another digest`)
	s.refused(t, here(), `"tiny.gguf" has another digest`) // from memory
	write(good)
	s.admitted(t, here())

	other := s.gguf(t, "other.gguf")
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	s.refused(t, here(), "has another digest")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.refused(t, here(), "opening the model")
	if err := os.Symlink("/etc/hostname", path); err == nil {
		s.refused(t, here(), "neither a file nor a directory")
	}
	_ = os.Remove(path)
	write(good)
	s.admitted(t, here())
}

func TestChangedDirectory(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(s.dir, "model")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("w.gguf", string(registertest.Tiny().Bytes()))
	put("sub/config.json", "{}")
	e := s.propose(t, "tiny", dir, bound(here()))
	s.approve(t, "tiny")
	s.admitted(t, here())
	if !strings.HasPrefix(e.Files.Digest, "sha256-dir:") || len(e.Files.Sums) != 2 {
		t.Errorf("%+v", e.Files)
	}
	put("sub/evil.py", "import os")
	s.refused(t, here(), `"sub/evil.py" was not there`)
	if _, err := s.Propose(t.Context(), register.Proposal{ID: "tiny", By: "ann", Why: "w", Path: dir}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "is Python code") {
		t.Errorf("proposed with code: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "sub/evil.py")); err != nil {
		t.Fatal(err)
	}
	s.admitted(t, here())
	if err := os.Rename(filepath.Join(dir, "sub/config.json"), filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	s.refused(t, here(), `"config.json" was not there; "sub/config.json" is missing`)
}

// What changes between proposal and approval is not approved.
func TestChangedBeforeApproval(t *testing.T) {
	s := newSite(t)
	path := s.gguf(t, "tiny.gguf")
	s.propose(t, "tiny", path, bound(here()))
	if err := os.WriteFile(path, registertest.Tiny().Set("general.name", "x").Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approve(t.Context(), "tiny", "bob", "w"); fault.KindOf(err) != fault.Denied {
		t.Errorf("approved: %v", err)
	}
	s.refused(t, here(), "proposed and not approved")
}

// An endpoint that points elsewhere is another one.
func TestChangedEndpoint(t *testing.T) {
	s := newSite(t)
	s.propose(t, "big", "", bound(there()))
	s.approve(t, "big")
	s.admitted(t, there())
	for text, change := range map[string]func(e *model.Endpoint){
		"its address was":        func(e *model.Endpoint) { e.URL = "https://evil.example/v1" },
		"its location was":       func(e *model.Endpoint) { e.Location = model.OnPremises },
		"its wire was":           func(e *model.Endpoint) { e.Wire = model.Anthropic },
		`"big-2" at endpoint th`: func(e *model.Endpoint) { e.Model = "big-2" },
		"at endpoint x":          func(e *model.Endpoint) { e.Name = "x" },
	} {
		e := there()
		change(&e)
		s.refused(t, e, text)
	}
	e, err := s.Get("big")
	if err != nil || len(e.Unverifiable()) != 2 {
		t.Errorf("unverifiable: %q, %v", e.Unverifiable(), err)
	}
	// Proposing it anew withdraws the approval.
	s.propose(t, "big", "", bound(there()))
	s.refused(t, there(), "proposed and not approved")
	if _, err := s.Propose(t.Context(), register.Proposal{ID: "two", By: "ann", Why: "w", Endpoint: bound(there())}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("two of one: %v", err)
	}
}

// Whoever writes to the store alone approves nothing.
func TestForgedRecords(t *testing.T) {
	s := newSite(t)
	s.propose(t, "tiny", s.gguf(t, "tiny.gguf"), bound(here()))
	s.propose(t, "big", "", bound(there()))
	s.approve(t, "big")
	real, err := s.Get("big")
	if err != nil {
		t.Fatal(err)
	}
	forge := func(id string, change func(e *register.Entry)) {
		t.Helper()
		rec, err := s.records.Get(t.Context(), register.RecordKind, id)
		if err != nil {
			t.Fatal(err)
		}
		var e register.Entry
		if err := json.Unmarshal(rec.JSON, &e); err != nil {
			t.Fatal(err)
		}
		change(&e)
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.records.Update(t.Context(), store.Change{Kind: register.RecordKind, ID: id, Version: store.AnyVersion, JSON: raw}); err != nil {
			t.Fatal(err)
		}
		s.reopen(t)
	}
	forge("tiny", func(e *register.Entry) { e.State = register.Approved })
	s.refused(t, here(), "its record was changed")
	forge("tiny", func(e *register.Entry) {
		e.History = append(e.History, register.Step{Action: "approve", By: "bob", What: e.What(), Audit: 3, Hash: "x"})
	})
	s.refused(t, here(), "not in the audit journal")
	forge("tiny", func(e *register.Entry) { // the approval of another model
		step := real.History[1]
		step.What = e.What()
		e.History = append(e.History, step)
	})
	s.refused(t, here(), "not in the audit journal")
	s.admitted(t, there())
	evil := there()
	evil.URL = "https://evil.example/v1"
	forge("big", func(e *register.Entry) { e.Endpoint.URL = evil.URL })
	s.refused(t, evil, "its record was changed")
	forge("big", func(e *register.Entry) { e.Endpoint.URL = there().URL })
	s.admitted(t, there())
	// A journal that was moved away takes its approvals along.
	if err := s.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.dir, "audit.jsonl")); err != nil {
		t.Fatal(err)
	}
	s.reopenJournal(t)
	s.reopen(t)
	s.refused(t, there(), "not in the audit journal")
}

// A record that cannot be read admits nothing and stops nothing.
func TestDamagedRecords(t *testing.T) {
	s := newSite(t)
	s.propose(t, "big", "", bound(there()))
	s.approve(t, "big")
	for id, raw := range map[string]string{
		"a": `[]`, "b": `{}`, "c": `{"id":"x"}`, "d": `{"id":"d","state":"approved"}`, "e": `{"id":"e","state":"best","endpoint":{"name":"n","model":"m"},"history":[{}]}`,
		"f": `{"id":"f","state":"approved","files":{},"history":[{}]}`, "g": `{"id":"g","state":"approved","endpoint":{},"history":[{}]}`, "h": `{"id":"h","revision":1e999}`,
	} {
		if err := s.records.Update(t.Context(), store.Change{Kind: register.RecordKind, ID: id, Version: 0, JSON: []byte(raw)}); err != nil {
			if id == "h" {
				continue
			}
			t.Fatal(err)
		}
	}
	s.reopen(t)
	if got := s.Damaged(); len(got) < 7 || len(s.List()) != 1 {
		t.Errorf("damaged %+v, list %+v", got, s.List())
	}
	s.admitted(t, there())
	if _, err := s.Get("a"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a damaged one: %v", err)
	}
	if _, err := s.Approve(t.Context(), "d", "bob", "w"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("approving a damaged one: %v", err)
	}
	s.propose(t, "a", s.gguf(t, "a.gguf"), nil)
	if _, err := s.Get("a"); err != nil {
		t.Errorf("proposed over a damaged one: %v", err)
	}
}

// A decision that the journal does not take has no effect, and one that the
// store does not take neither.
func TestNoJournalNoDecision(t *testing.T) {
	s := newSite(t)
	s.propose(t, "big", "", bound(there()))
	if err := s.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Approve(t.Context(), "big", "bob", "w"); err == nil {
		t.Error("approved without the journal")
	}
	s.refused(t, there(), "proposed and not approved")
	s.reopenJournal(t)
	s.records = failing{s.records}
	s.cfg.Records = s.records
	s.reopen(t)
	if _, err := s.Approve(t.Context(), "big", "bob", "w"); err == nil {
		t.Error("approved without the store")
	}
	s.refused(t, there(), "proposed and not approved")
}

type failing struct{ store.Records }

func (failing) Update(context.Context, ...store.Change) error {
	return fault.New(fault.Unavailable, "the disk is full")
}

func TestProposals(t *testing.T) {
	s := newSite(t)
	path := s.gguf(t, "tiny.gguf")
	tests := []struct {
		name string
		p    register.Proposal
		want string
	}{
		{"id", register.Proposal{ID: "Ann's", Path: path}, "is no id"},
		{"id escape", register.Proposal{ID: "x\x1b[2J", Path: path}, "is no id"},
		{"nothing", register.Proposal{ID: "x"}, "neither files nor an endpoint"},
		{"relative", register.Proposal{ID: "x", Path: "tiny.gguf"}, "must be absolute"},
		{"missing", register.Proposal{ID: "x", Path: filepath.Join(s.dir, "no")}, "opening the model"},
		{"bundle", register.Proposal{ID: "x", Path: path, Signature: []byte("x")}, "no Sigstore bundle"},
		{"address", register.Proposal{ID: "x", Endpoint: &register.Endpoint{Name: "n", Model: "m", URL: "file:///x"}}, "is no address"},
		{"password", register.Proposal{ID: "x", Endpoint: &register.Endpoint{Name: "n", Model: "m", URL: "https://u:p@h/", Location: model.Cloud}}, "holds a password"},
		{"location", register.Proposal{ID: "x", Endpoint: &register.Endpoint{Name: "n", Model: "m", URL: "https://h/", Location: "moon"}}, "on-premises or cloud"},
		{"no model", register.Proposal{ID: "x", Endpoint: &register.Endpoint{Name: "n", URL: "https://h/"}}, "is missing"},
		{"card", register.Proposal{ID: "x", Path: path, Card: []byte("trained_on: {answer: a, mark: sure}")}, "the marks are"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			tt.p.By, tt.p.Why = "ann", "w"
			if _, err := s.Propose(t.Context(), tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if n, _ := s.journal.Head(); n != 0 {
		t.Errorf("%d entries in the journal", n)
	}
}
