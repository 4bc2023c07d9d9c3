package claim

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/asset/kind"
	"vedette/internal/event"
)

// Every translation is a word of the vocabulary.
func TestKindsAreKnown(t *testing.T) {
	words := kind.NewVocabulary()
	for from, to := range kinds {
		if name, ok := words.Canonical(to); !ok || name != to {
			t.Errorf("%q becomes the unknown type %q", from, to)
		}
	}
	for word, want := range map[string]string{
		"IO-Controller": "plc", "Printer": "printer", "server": "", "device": "", "failed": "", "": "", "all hosts": "",
	} {
		if got := KindOf(word); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestConfidenceByWay(t *testing.T) {
	got := map[string]float64{}
	r := New(nil)
	for _, source := range []string{"enip identity", "bacnet i-am", "hart tag", "something else", "telnet.banner"} {
		e := &event.Event{}
		e.SetIdentitySource(source)
		e.SetIdentityVendor("Acme GmbH")
		e.SetIdentityModel("unknown")
		for _, v := range r.Read(e) {
			got[source+" "+v.Key+" "+v.Value] = v.Confidence
		}
	}
	want := map[string]float64{
		"enip identity vendor Acme": exactly, "bacnet i-am vendor Acme": announced, "hart tag vendor Acme": aside,
		"something else vendor Acme": loosely, "telnet.banner vendor Acme": greeted - 0.05,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead: whatever a device says, every value has a known key, and a type is
// one of the list.
func FuzzRead(f *testing.F) {
	f.Add("enip identity", "Rockwell", "1756", "Communications Adapter", "x")
	f.Add("ssh.banner", "", "", "plc", "SSH-2.0-OpenSSH_9.6")
	words := kind.NewVocabulary()
	f.Fuzz(func(t *testing.T, source, vendor, model, typ, banner string) {
		e := &event.Event{}
		e.SetIdentitySource(source)
		e.SetIdentityVendor(vendor)
		e.SetIdentityModel(model)
		e.SetIdentityType(typ)
		e.SetIdentityBanner(banner)
		for _, v := range New(nil).Read(e) {
			if v.Confidence <= 0 || v.Confidence > exactly || v.Value == "" || v.What == "" {
				t.Fatalf("%+v", v)
			}
			if name, ok := words.Canonical(v.Value); v.Key == Type && (!ok || name != v.Value) {
				t.Fatalf("type %q", v.Value)
			}
		}
	})
}
