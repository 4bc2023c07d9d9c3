package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/edge"
	"vedette/internal/event"
	"vedette/internal/ingest"
)

// breaking is a format of lines that begin with "frail". It panics on the word
// boom, and gives an event that is none on the word null.
func breaking() ingest.Format {
	return ingest.Format{
		Name: "frail", Memoryless: true,
		Detect: func(head []byte, _ string) int {
			if bytes.HasPrefix(head, []byte("frail")) {
				return 99
			}
			return 0
		},
		Open: func(o ingest.Origin) ingest.Reading {
			give := func(raw []byte, offset int64, log string, emit func(*event.Event)) {
				var e event.Event
				e.SetMetadataUID(fmt.Sprint(o.ID, offset))
				e.SetTimeField(o.Now)
				e.SetMetadataLogName(log)
				e.SetRawField(string(raw))
				emit(&e)
			}
			return ingest.Reading{
				Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
					switch {
					case bytes.Contains(raw, []byte("boom")):
						panic("boom of " + string(raw))
					case bytes.Contains(raw, []byte("null")):
						emit(nil)
					}
					give(raw, offset, "frail", emit)
					return nil
				},
				Salvage: func(raw []byte, offset int64, emit func(*event.Event)) { give(raw, offset, "unread", emit) },
			}
		},
	}
}

func openFrail(t *testing.T) *App {
	t.Helper()
	a, err := Open(t.Context(), Config{
		Dir: t.TempDir(), Now: func() time.Time { return time.Date(2025, 12, 10, 12, 0, 0, 0, time.UTC) },
		formats: append([]ingest.Format{breaking()}, edge.Formats()...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func checkOf(list []api.Check, name string) api.Check {
	for _, c := range list {
		if c.Name == name {
			return c
		}
	}
	return api.Check{}
}

// TestAParserThatPanics: its record is kept as it came and never tried again, what
// is around it is stored, and the operator is told with a sample.
func TestAParserThatPanics(t *testing.T) {
	a := openFrail(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: a.cfg.Now(), Data: fmt.Appendf(nil, "frail %d\nfrail boom %d\nfrail again %d\n", i, i, i)}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if good, unread := countOf(t, a, "metadata.log_name=frail"), countOf(t, a, "metadata.log_name=unread"); good != 20 || unread != 10 {
		t.Errorf("%d events were read and %d kept unread", good, unread)
	}
	if st := l.counts["s"]; st.rejected != 10 || len(st.reasons) == 0 || !strings.Contains(st.reasons[0].Reason, "parser frail failed") {
		t.Errorf("%+v", st)
	}
	checks, err := a.Check(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if c := checkOf(checks, "parsers"); c.State != api.Warning || !strings.Contains(c.Text, "parser frail failed 10 times, last on s at spool 9") {
		t.Errorf("%+v", c)
	}
	dir := filepath.Join(a.cfg.Dir, brokenName)
	names, err := brokenSamples(dir)
	if err != nil || len(names) != samplesOfAPart {
		t.Fatalf("%d samples, %v", len(names), err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, names[0]))
	var b ingest.Breakage
	if err != nil || json.Unmarshal(raw, &b) != nil || !strings.HasPrefix(string(b.Data), "frail boom") || !strings.Contains(b.Stack, "broken_test.go") || b.Place == "" {
		t.Errorf("%v %+v", err, b)
	}
	if info, err := os.Stat(filepath.Join(dir, names[0])); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if h := a.brokenHealth(); h.State != api.Failed {
		t.Errorf("%+v", h)
	}
}

// TestAPoisonedBatch: what panics beyond the parsers takes its own payload with it
// and no other, and does not come again.
func TestAPoisonedBatch(t *testing.T) {
	a := openFrail(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 21 {
		text := fmt.Sprintf("frail %d\n", i)
		if i == 5 || i == 17 {
			text += "frail null\n"
		}
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: a.cfg.Now(), Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if good := countOf(t, a, "metadata.log_name=frail"); good != 19 {
		t.Errorf("%d events of 21 payloads, two of which cannot be borne", good)
	}
	aside, err := filepath.Glob(filepath.Join(a.cfg.Dir, spoolName, asideName, "*.rec"))
	if err != nil || len(aside) != 2 || !strings.HasSuffix(aside[0], "05.rec") || !strings.HasSuffix(aside[1], "17.rec") {
		t.Fatalf("%v %v", aside, err)
	}
	raw, err := os.ReadFile(aside[1])
	if err != nil {
		t.Fatal(err)
	}
	if p, err := unpackPayload(raw); err != nil || string(p.Data) != "frail 17\nfrail null\n" || p.Source != "s" {
		t.Errorf("%v %+v", err, p)
	}
	if l.counts["s"].aside != 2 {
		t.Errorf("%+v", l.counts["s"])
	}
	if l, err = a.OpenLive(0); err != nil { // and they do not come again
		t.Fatal(err)
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if good := countOf(t, a, "metadata.log_name=frail"); good != 19 {
		t.Errorf("%d events in the end", good)
	}
}

// frailSource panics when it runs, the first time.
type frailSource struct {
	*ingest.Gauge
	runs int
}

func (s *frailSource) Run(ctx context.Context, _ ingest.Spooler) error {
	if s.runs++; s.runs == 1 {
		panic("boom")
	}
	s.Set(ingest.Running, "")
	<-ctx.Done()
	return nil
}

// TestASourceThatPanics begins anew, and takes nothing else with it.
func TestASourceThatPanics(t *testing.T) {
	a := openFrail(t)
	s := &frailSource{Gauge: ingest.NewGauge("s", "frail", "", 0, nil)}
	l, err := a.OpenLive(0, s)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, func() bool { return s.Status().State == ingest.Running })
	checks, err := a.Check(t.Context(), false)
	if c := checkOf(checks, "parsers"); err != nil || !strings.Contains(c.Text, "source frail failed 1 times, last on s") {
		t.Errorf("%v %+v", err, c)
	}
}
