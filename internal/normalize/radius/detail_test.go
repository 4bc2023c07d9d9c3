package radius_test

import (
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/radius"
	"vedette/internal/normalize/record"
)

// A password in a detail file reaches neither a field nor the raw text.
func TestDetailKeepsNoPassword(t *testing.T) {
	p := radius.Detail().New(record.Source{ID: "s"})
	var kept *event.Event
	keep := func(e *event.Event) { kept = e.Clone() }
	for i, line := range strings.Split("Tue Mar  3 10:00:00 2026\n\tUser-Name = \"bob\"\n\tUser-Password = \"hunter2\"\n\tMS-CHAP-Challenge = 0x68756e74657232", "\n") {
		if err := p.Parse(record.Record{Raw: []byte(line), Offset: int64(i)}, keep); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	p.(record.Ender).End(keep)
	if kept == nil || kept.UserName() != "bob" || kept.Extra("User-Password") != "***" {
		t.Fatalf("event %+v", kept)
	}
	if all := kept.RawField() + kept.Extra("MS-CHAP-Challenge"); strings.Contains(all, "hunter2") || strings.Contains(all, "6874") {
		t.Errorf("the password is in %q", all)
	}
}
