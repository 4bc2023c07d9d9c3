package sigma_test

import (
	"slices"
	"testing"

	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// What a set says that it needs is what it tests and what it compares with, not more.
func TestNeeds(t *testing.T) {
	compile := func(text string) *sigma.Set {
		docs, refused := sigma.Parse("x", []byte(text))
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		set, refused := sigma.Compile(docs, sigma.Options{})
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		return set
	}
	const head = "title: t\nid: r1\nlogsource: {product: zeek}\ndetection:\n  condition: s\n  s:\n"
	slots, extras, all := compile(head + "    user.name|fieldref: actor_field\n    odd_name: 1\n").Needs()
	if all || !slices.Contains(slots, event.SlotUserName) || !slices.Contains(extras, "odd_name") || !slices.Contains(extras, "actor_field") || slices.Contains(slots, event.SlotRaw) || !slices.Contains(slots, event.SlotMetadataLogName) {
		t.Errorf("%v %q %v", slots, extras, all)
	}
	if _, _, all := compile(head + "    - one\n    - two\n").Needs(); !all {
		t.Error("keywords look at all texts")
	}
}
