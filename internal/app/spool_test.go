package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// What was set aside is listed with its reason and shown without a byte that a
// terminal takes for more than text; it fails again with the same program, and is
// stored by a better one, once.
func TestReplayOfWhatWasSetAside(t *testing.T) {
	a := openFrail(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"frail 1\n", "frail 2\nfrail null \x1b[31m\u202e\n", "frail 3\n"} {
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: a.cfg.Now(), Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.spool.Append([]byte("\x05abc")); err != nil { // no payload of this version
		t.Fatal(err)
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	list, err := a.SetAside(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if h := a.Health(t.Context()); !slices.ContainsFunc(h, func(c api.Condition) bool {
		return c.Name == "set aside" && c.State == api.Warned && strings.Contains(c.Text, "2 payloads")
	}) {
		t.Errorf("nothing leads to them: %+v", h)
	}
	poison, torn := list[0].ID, list[1].ID
	if list[0].Source != "s" || list[0].Peer != "192.0.2.7" || !strings.Contains(list[0].Reason, "nil pointer") || !strings.Contains(list[1].Reason, "taken apart") {
		t.Errorf("%+v", list)
	}
	shown, err := a.ShowAside(t.Context(), poison)
	if err != nil || len(shown.Lines) != 2 || shown.Lines[1] != `frail null \x1b[31m\u202e` {
		t.Errorf("%+v, %v", shown, err)
	}
	for _, id := range []string{"", "../../records", "x/../" + poison, "nothing-1", strings.Repeat("a", 200)} {
		if _, err := a.ShowAside(t.Context(), id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
	same, err := a.ReplayAside(t.Context(), api.AsideWish{All: true, Actor: "ann"})
	if err != nil || same.Left != 2 || same.Stored != 0 || countOf(t, a, "") != 2 {
		t.Fatalf("%+v, %v", same, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	better := breaking()
	open := better.Open
	better.Open = func(o ingest.Origin) ingest.Reading {
		r := open(o)
		record := r.Record
		r.Record = func(raw []byte, offset int64, emit func(*event.Event)) error {
			return record([]byte(strings.ReplaceAll(string(raw), "null", "good")), offset, emit)
		}
		return r
	}
	b, err := Open(t.Context(), Config{Dir: a.cfg.Dir, Now: a.cfg.Now, formats: append([]ingest.Format{better}, edge.Formats()...)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	raw, err := os.ReadFile(filepath.Join(a.cfg.Dir, spoolName, asideName, poison+asideEnd))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []api.AsideReplayed{{Stored: 2}, {Duplicates: 2}} { // and the same once more
		if err := os.WriteFile(filepath.Join(a.cfg.Dir, spoolName, asideName, poison+asideEnd), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := b.ReplayAside(t.Context(), api.AsideWish{IDs: []string{poison, poison}, Actor: "ann"})
		if err != nil || got.Stored != want.Stored || got.Duplicates != want.Duplicates || got.Left != 0 || len(got.Payloads) != 1 {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
		if n := countOf(t, b, ""); n != 4 {
			t.Errorf("%d events", n)
		}
	}
	blank := poison[:strings.LastIndexByte(poison, '-')+1] + "900" // in it no record is found, so nothing of it is stored
	if err := os.WriteFile(filepath.Join(a.cfg.Dir, spoolName, asideName, blank+asideEnd), packPayload(&ingest.Payload{Source: "s", Data: []byte("\n\n")}), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := b.ReplayAside(t.Context(), api.AsideWish{IDs: []string{blank}, Actor: "ann"}); err != nil || got.Left != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := b.DropAside(t.Context(), api.AsideWish{IDs: []string{blank}, Count: 1, Why: "blank", Actor: "ann"}); err != nil || got.Payloads != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.DropAside(t.Context(), api.AsideWish{All: true, Count: 2, Why: "w"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("dropping another number than agreed to: %v", err)
	}
	if _, err := b.DropAside(t.Context(), api.AsideWish{All: true, Count: 1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("dropping without a reason: %v", err)
	}
	if got, err := b.DropAside(t.Context(), api.AsideWish{IDs: []string{torn}, Count: 1, Why: "rubbish", Actor: "ann"}); err != nil || got.Payloads != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if left, err := os.ReadDir(filepath.Join(a.cfg.Dir, spoolName, asideName)); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	if h := b.Health(t.Context()); slices.ContainsFunc(h, func(c api.Condition) bool { return c.Name == "set aside" }) {
		t.Errorf("what is gone is told: %+v", h)
	}
	last, err := b.journal.Last(1)
	if err != nil || last[0].Action != "spool.drop" || last[0].Actor.Name != "ann" || last[0].Details["why"] != "rubbish" {
		t.Errorf("%+v, %v", last, err)
	}
}
