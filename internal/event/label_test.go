package event_test

import (
	"testing"

	"vedette/internal/event"
)

func TestLabelJoin(t *testing.T) {
	var zero event.Label
	if zero.Integrity != event.FromUntrusted || zero.Confidentiality != event.IsRestricted {
		t.Errorf("a forgotten label is %v", zero)
	}
	a := event.Label{Integrity: event.FromOperator, Confidentiality: event.IsConfidential}
	b := event.Label{Integrity: event.FromSystem, Confidentiality: event.IsPublic}
	want := event.Label{Integrity: event.FromSystem, Confidentiality: event.IsConfidential}
	if got := a.Join(b); got != want || b.Join(a) != want {
		t.Errorf("join is %v", got)
	}
}

func TestParseConfidentiality(t *testing.T) {
	for _, c := range []event.Confidentiality{event.IsRestricted, event.IsConfidential, event.IsInternal, event.IsPublic} {
		if got, ok := event.ParseConfidentiality(c.String()); !ok || got != c {
			t.Errorf("%v is read as %v", c, got)
		}
	}
	if got, ok := event.ParseConfidentiality("secret-ish"); ok || got != event.IsRestricted {
		t.Errorf("an unknown word is read as %v, %v", got, ok)
	}
}
