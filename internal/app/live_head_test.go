package app

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/ingest"
)

// FuzzHead: what is written is read back, whatever it is; what is read is bounded
// by its bytes; and heads of before are read.
func FuzzHead(f *testing.F) {
	f.Add([]byte{headForm}, "plant", "a/b", "netflow", "k", "v", int64(1_795_000_000_000_000_000))
	f.Add([]byte(`{"s":"old","t":"2026-11-28T08:00:00Z"}`), "", "", "", "", "", int64(0))
	f.Add([]byte{headForm, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x7f}, "", "", "", "", "", int64(-1))
	f.Fuzz(func(t *testing.T, raw []byte, source, peer, format, key, value string, at int64) {
		if p, err := readHead(raw); err == nil && len(p.Meta) > len(raw) {
			t.Fatalf("%d names of %d bytes", len(p.Meta), len(raw))
		}
		p := ingest.Payload{Source: source, Peer: peer, Format: format, Key: key, Else: value, Stream: peer + key, At: at / 3}
		if at != 0 {
			p.Received = time.Unix(0, at).UTC()
		}
		if key != value {
			p.Meta = map[string]string{key: value, value: peer}
		}
		got, err := readHead(appendHead(nil, &p))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A spool that an earlier version left is read.
func TestHeadOfBefore(t *testing.T) {
	p := ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC), Meta: map[string]string{"a": "b"}}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readHead(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Error(diff)
	}
}
