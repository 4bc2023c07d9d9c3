package sbom_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/vuln/sbom"
)

func TestDiff(t *testing.T) {
	c := func(name, version string, purls ...string) sbom.Component {
		return sbom.Component{Name: name, Version: version, PURLs: purls}
	}
	before := &sbom.BOM{Components: []sbom.Component{c("zlib", "1.2"), c("busybox", "1.35", "pkg:generic/busybox@1.35"), c("gone", "1"), c("twice", "1"), c("twice", "2"), c("same", "3")}}
	after := &sbom.BOM{Components: []sbom.Component{c("Busybox", "1.36", "pkg:generic/busybox@1.36?arch=arm"), c("zlib", "1.3"), c("new", "1"), c("twice", "2"), c("SAME", "3")}}
	want := sbom.Difference{
		Added: []sbom.Component{c("new", "1")}, Removed: []sbom.Component{c("gone", "1")},
		Changed: []sbom.Changed{
			{Component: c("twice", "2"), Before: []string{"1", "2"}, After: []string{"2"}},
			{Component: c("zlib", "1.3"), Before: []string{"1.2"}, After: []string{"1.3"}},
			{Component: c("Busybox", "1.36", "pkg:generic/busybox@1.36?arch=arm"), Before: []string{"1.35"}, After: []string{"1.36"}},
		},
		Same: 1,
	}
	if diff := cmp.Diff(want, sbom.Diff(before, after)); diff != "" {
		t.Error(diff)
	}
}

// TestDiffTurned: a bill beside itself has no difference, and what is added one
// way is removed the other.
func TestDiffTurned(t *testing.T) {
	bill := rapid.Custom(func(t *rapid.T) *sbom.BOM {
		b := &sbom.BOM{}
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			b.Components = append(b.Components, sbom.Component{Name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), Version: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "version")})
		}
		return b
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := bill.Draw(t, "a"), bill.Draw(t, "b")
		there, back, self := sbom.Diff(a, b), sbom.Diff(b, a), sbom.Diff(a, a)
		if len(there.Changed) != len(back.Changed) || cmp.Diff(there.Added, back.Removed) != "" || cmp.Diff(there.Removed, back.Added) != "" {
			t.Fatalf("%+v and %+v", there, back)
		}
		if len(self.Added)+len(self.Removed)+len(self.Changed) > 0 || self.Same != len(a.Components) {
			t.Fatalf("beside itself: %+v", self)
		}
	})
}
