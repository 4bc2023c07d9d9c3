package egress

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/audit"
	"vedette/internal/event"
)

// ledger writes calls of each label to each place, an hour apart, from eight
// o'clock on, and returns the journal.
func ledger(t testing.TB) []byte {
	t.Helper()
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	j, err := audit.Open(filepath.Join(t.TempDir(), "audit.jsonl"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	l := New(j)
	for _, c := range []struct {
		label event.Confidentiality
		at    string
	}{{event.IsPublic, "cloud"}, {event.IsInternal, "cloud"}, {event.IsConfidential, "on-premises"}, {event.IsRestricted, "on-premises"}, {event.IsConfidential, "moon"}} {
		s := Subject{Person: "ada", Task: "narrate", Label: event.Label{Confidentiality: c.label}, Fields: map[string]int{"b": 2, "a": 1}, Items: 3, LeftOut: 1, Rule: "r"}
		seq, err := l.Call(s, Place{Endpoint: "e", Location: c.at, Model: "m"}, Sent{Bytes: 10, SHA256: "x", Attempt: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Answer(s, "e", Outcome{Call: seq, Result: "answered", Model: "told\n\x1b[31m" + strings.Repeat("x", 200), Cost: 0.5, Currency: "EUR"}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if _, err := l.Refused(Subject{Task: "plan"}, "", "built-in", "mode off"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := j.Export(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestProve(t *testing.T) {
	journal := ledger(t)
	hour := func(h int) time.Time { return time.Date(2026, 5, 1, h, 0, 0, 0, time.UTC) }
	tests := []struct {
		name  string
		claim Claim
		holds bool
		calls int
		says  string
	}{
		{"restricted", Claim{Label: event.IsRestricted}, true, 1, "no data labelled restricted left the site for a model in the whole journal; to models on the premises it went once"},
		{"an odd place is not on the premises", Claim{Label: event.IsConfidential}, false, 3, "data labelled confidential or stricter left the site for a model once"},
		{"before that", Claim{Label: event.IsConfidential, To: hour(12)}, true, 2, "before 2026-05-01T12:00:00Z; to models on the premises it went 2 times"},
		{"the end is open", Claim{Label: event.IsInternal, To: hour(9)}, true, 0, "0 times"},
		{"the beginning is in", Claim{Label: event.IsInternal, From: hour(9), To: hour(10)}, false, 1, "from 2026-05-01T09:00:00Z and before"},
		{"another head", Claim{Label: event.IsRestricted, Head: strings.Repeat("a", 64)}, false, 1, "nothing can be proved"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			p, err := Prove(bytes.NewReader(journal), tt.claim)
			if err != nil || p.Holds != tt.holds || len(p.Calls) != tt.calls || !strings.Contains(p.Statement, tt.says) {
				t.Errorf("%v, %+v", err, p)
			}
			for _, c := range p.Calls {
				if c.Result != "answered" || c.Who != "ada" || c.Bytes != 10 {
					t.Errorf("call %+v", c)
				}
			}
		})
	}
	p, err := Prove(bytes.NewReader(journal), Claim{Label: event.IsPublic})
	if err != nil || len(p.Totals) != 5 || p.Refused != 1 || p.Chain.Entries != 11 {
		t.Errorf("%v, %+v", err, p)
	}
	if strings.Contains(string(journal), "\x1b") || strings.Contains(string(journal), `\u001b`) {
		t.Error("what an endpoint wrote reached the journal as it was")
	}
}

// FuzzProve: no journal panics or holds with a broken chain, and a changed byte
// in a whole one never makes a claim hold that did not.
func FuzzProve(f *testing.F) {
	journal := ledger(f)
	f.Add(journal, 10, uint8(1))
	f.Add(journal[:len(journal)-5], 0, uint8(0))
	f.Add([]byte(`{"seq":1}`), 1, uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, flip int, label uint8) {
		c := Claim{Label: event.Confidentiality(label % 4)}
		p, err := Prove(bytes.NewReader(raw), c)
		if err != nil {
			return
		}
		if p.Holds && !p.Chain.OK {
			t.Fatalf("it holds on a broken chain: %+v", p)
		}
		if len(raw) == 0 || flip < 0 {
			return
		}
		changed := bytes.Clone(raw)
		changed[flip%len(changed)] ^= 1
		c.Head = p.Chain.Head
		if q, err := Prove(bytes.NewReader(changed), c); err == nil && p.Chain.OK && p.Chain.Torn == 0 && !p.Holds && q.Holds {
			t.Fatalf("a changed byte proves it: %+v", q)
		}
	})
}
