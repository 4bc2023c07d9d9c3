package load_test

import (
	"bufio"
	"encoding/json"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"vedette/internal/eval/load"
)

var plan = load.Plan{Events: 1_000_500, Devices: 300, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Span: 24 * time.Hour, Seed: 7}

// Every line is JSON, the times never go back, and all events are there.
func TestLoadIsInOrder(t *testing.T) {
	n, last := 0, 0.0
	for src := range plan.Sources() {
		sc := bufio.NewScanner(src)
		inSource := 0
		for sc.Scan() {
			var rec struct {
				TS   float64 `json:"ts"`
				From string  `json:"id.orig_h"`
			}
			if inSource++; inSource%997 != 0 {
				continue // all are counted, some are read
			}
			if err := json.Unmarshal(sc.Bytes(), &rec); err != nil || rec.TS < last || rec.From == "" {
				t.Fatalf("line %d: %v: %s", n+inSource, err, sc.Bytes())
			}
			last = rec.TS
		}
		if inSource != src.Events {
			t.Errorf("%s has %d lines, says %d", src.Name, inSource, src.Events)
		}
		n += inSource
	}
	if n != plan.Events {
		t.Errorf("%d lines, want %d", n, plan.Events)
	}
}

// The same plan gives the same bytes, however they are read.
func TestLoadIsTheSame(t *testing.T) {
	small := plan
	small.Events = 500
	var texts []string
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
		for src := range small.Sources() {
			all, err := io.ReadAll(wrap(src))
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(all))
		}
	}
	if len(texts) != 2 || texts[0] != texts[1] {
		t.Error("two readings differ")
	}
}
