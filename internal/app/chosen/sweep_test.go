package chosen_test

import (
	"fmt"
	"testing"

	"vedette/internal/app/chosen"
	"vedette/internal/store"
)

// Texts that no version names which is kept are deleted, at changes and when the
// book is opened; all others can be read.
func TestTextsThatNobodyNames(t *testing.T) {
	dir := t.TempDir()
	b, f, _, end := open(t, dir)
	defer func() { end() }()
	text := func(n int64) []byte { return fmt.Appendf(nil, "rule %d", n) }
	const changes = chosen.MaxVersions + 60
	for range changes {
		_, err := b.Change(t.Context(), "ann", "a test", func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
			hash := chosen.Hash(text(m.Version))
			d.Rules = []chosen.Rule{{ID: "r", Text: hash, Mark: m}}
			return chosen.Deed{Action: "settings.rule_change", Object: "r", Texts: map[string][]byte{hash: text(m.Version)}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	there := func() (oldest, count int64) {
		for n := int64(changes); n > 0; n-- {
			if _, err := b.Text(t.Context(), chosen.Hash(text(n))); err == nil {
				oldest = n
				count++
			}
		}
		return oldest, count
	}
	if oldest, count := there(); oldest != 51 || count != changes-50 { // swept at 550, when 51 was the oldest
		t.Errorf("the oldest is %d of %d", oldest, count)
	}
	odd := chosen.Hash([]byte("odd"))
	if err := f.Update(t.Context(), store.Change{Kind: "settings_text", ID: odd, Version: store.AnyVersion, JSON: []byte(`"odd"`)}); err != nil {
		t.Fatal(err)
	}
	end()
	b, _, _, end = open(t, dir)
	if oldest, count := there(); oldest != 61 || count != chosen.MaxVersions {
		t.Errorf("opened: the oldest is %d of %d", oldest, count)
	}
	if _, err := b.Text(t.Context(), odd); err == nil {
		t.Error("a text that nobody names is still there")
	}
	for n := int64(61); n <= changes; n += 100 {
		doc, err := b.At(t.Context(), n)
		if err != nil || doc.Rules[0].Text != chosen.Hash(text(n)) {
			t.Errorf("version %d: %+v, %v", n, doc, err)
		}
	}
}
