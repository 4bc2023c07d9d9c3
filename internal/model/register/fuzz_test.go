package register_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/audit"
	"vedette/internal/model"
	"vedette/internal/model/register"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

// FuzzRecord: no record panics, and none admits a model without an approval in
// the journal, which here is empty.
func FuzzRecord(f *testing.F) {
	journal, err := audit.Open(filepath.Join(f.TempDir(), "audit.jsonl"), clock)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = journal.Close() })
	e := register.Entry{
		ID: "m", State: register.Approved, Revision: 1,
		Endpoint: &register.Endpoint{Name: "there", URL: there().URL, Model: there().Model, Location: model.Cloud},
		History:  []register.Step{{Action: "approve", By: "bob", To: register.Approved}},
	}
	e.History[0].What = e.What()
	raw, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"id":"m","state":"approved","files":{"path":"/","digest":"x","sums":[{}]},"history":[{}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		records := memory.NewRecords()
		if records.Update(t.Context(), store.Change{Kind: register.RecordKind, ID: "m", JSON: raw}) != nil || raw == nil {
			return
		}
		r, err := register.New(t.Context(), register.Config{Journal: journal, Records: records, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if approval, err := r.Admit(t.Context(), there()); err == nil {
			t.Fatalf("admitted by %q", approval)
		}
		for _, e := range r.List() {
			if e.Unverifiable() == nil || e.What() == "" || len(e.Card.Questions()) != 5 {
				t.Fatalf("%+v", e)
			}
		}
	})
}

// FuzzCard: no card panics; one that is taken has a name and a date for
// whatever it answers, and evidence for whatever it calls verified.
func FuzzCard(f *testing.F) {
	f.Add([]byte("trained_on: {answer: web, mark: verified, evidence: e}\ncanaries: [{question: q}]"))
	f.Add([]byte(`{"upkeep":{"answer":"x"}}`))
	f.Add([]byte("upkeep: {mark: unknown}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		card, canaries, err := register.ParseCard(raw, "ann", time.Unix(1, 0))
		if err != nil {
			return
		}
		for _, c := range canaries {
			if c.Question == "" {
				t.Fatal("an empty question")
			}
		}
		for _, q := range card.Questions() {
			a := q.Answer
			known := a.Mark == register.Declared || a.Mark == register.Verified && a.Evidence != ""
			if known != (a.Text != "") || known && (a.By == "" || a.At.IsZero()) || !known && a.Mark != register.Unknown {
				t.Fatalf("%+v", q)
			}
		}
	})
}

// BenchmarkAdmit is what a call pays for a model whose files have not changed.
func BenchmarkAdmit(b *testing.B) {
	s := benchSite(b)
	b.ResetTimer()
	for b.Loop() {
		if _, err := s.Admit(b.Context(), here()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead is what reading 256 MiB of weights again costs.
func BenchmarkRead(b *testing.B) {
	s := benchSite(b)
	b.SetBytes(256 << 20)
	b.ResetTimer()
	for b.Loop() {
		if _, err := s.Verify(b.Context(), "tiny"); err != nil {
			b.Fatal(err)
		}
	}
}

// benchSite has an approved model of 256 MiB.
func benchSite(b *testing.B) *site {
	b.Helper()
	s := newSite(b)
	path := s.gguf(b, "tiny.gguf")
	if err := os.Truncate(path, 256<<20); err != nil {
		b.Fatal(err)
	}
	s.propose(b, "tiny", path, bound(here()))
	s.approve(b, "tiny")
	return s
}
