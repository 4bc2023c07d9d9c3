package ics_test

import (
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// Of a message with a password only the beginning is kept.
func TestSafe(t *testing.T) {
	raw := []byte("0123456789abcdef hunter2")
	var e event.Event
	if got := ics.Safe(&e, raw); string(got) != string(raw) {
		t.Errorf("a plain message became %q", got)
	}
	e.AddExtra("password", "given")
	if got := ics.Safe(&e, raw); string(got) != "0123" {
		t.Errorf("kept %q of a message with a password", got)
	}
	if got := ics.Safe(&e, raw[:3]); string(got) != "012" {
		t.Errorf("a short message became %q", got)
	}
}
