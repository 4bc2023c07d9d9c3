package syslog

import (
	"testing"

	"vedette/internal/ingest"
	"vedette/internal/ingest/ingesttest"
)

// What the handing on fails on is refused and told, not tried again, and takes
// nothing else with it.
func TestHandingOnThatPanics(t *testing.T) {
	s, err := New(Config{Name: "s", Listen: "127.0.0.1:0", UDP: true})
	if err != nil {
		t.Fatal(err)
	}
	s.state(ingest.Running, "")
	var box ingesttest.Frail
	s.keep("a", []byte("boom"))
	s.keep("b", []byte("well"))
	s.hand(t.Context(), &box)
	if got := box.Texts(); len(got) != 1 || got[0] != "well\n" || len(box.Told()) != 1 || box.Told()[0].Peer != "a" {
		t.Errorf("%q, told %+v", got, box.Told())
	}
	if st := s.Status(); st.Refused != 1 || s.held != 0 {
		t.Errorf("%+v, %d bytes held", st, s.held)
	}
	s.keep("a", []byte("boom again"))
	s.hand(t.Context(), &box)
	if st := s.Status(); st.State != ingest.Failing {
		t.Errorf("%+v", st)
	}
	s.keep("a", []byte("fine"))
	s.hand(t.Context(), &box)
	if st := s.Status(); st.State != ingest.Running || st.Refused != 2 || len(box.Texts()) != 2 {
		t.Errorf("%+v, %q", st, box.Texts())
	}
}
