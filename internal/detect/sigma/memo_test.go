package sigma_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma"
	"vedette/internal/event"
)

// TestMemo: what was found in a value is remembered and found again, also after
// far more values than are remembered; and an event with them takes no memory.
func TestMemo(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "---\ntitle: r%d\nid: r%d\nlogsource: {}\ndetection:\n  a: {CommandLine|contains: 'x%dx'}\n  b: {CommandLine|endswith: '%dy'}\n  c: {Image|startswith: 'i%d'}\n  condition: 1 of them\n", i, i, i, i, i*11)
	}
	docs, _ := sigma.Parse("many.yml", []byte(text.String()))
	set, refused := sigma.Compile(docs, sigma.Options{})
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	var sc sigma.Scratch
	e := new(event.Event)
	check := func(i int) {
		t.Helper()
		e.SetExtra("CommandLine", fmt.Sprintf("%s x%dx %d %dy", strings.Repeat("-", i%700), i, i*7, i*3))
		e.SetExtra("Image", fmt.Sprintf("i%d", i))
		var got, want []string
		set.Match(e, &sc, func(r *sigma.Rule) { got = append(got, r.ID) })
		set.MatchEach(e, &sc, false, func(r *sigma.Rule) { want = append(want, r.ID) })
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%d: -want +got\n%s", i, diff)
		}
	}
	for i := range 4000 {
		check(i)
		check(i % 61) // again and again
		check(i)
		check(max(0, i-2500))
	}
	quiet := func() {
		for i := range 200 {
			e.SetExtra("CommandLine", names[i])
			set.Match(e, &sc, func(*sigma.Rule) {})
		}
	}
	quiet()
	if n := testing.AllocsPerRun(20, quiet); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// names are values of which no rule of TestMemo wants any.
var names = func() (out [200]string) {
	for i := range out {
		out[i] = fmt.Sprintf("C:\\Program Files\\tool-%d.exe --quiet", i)
	}
	return out
}()
