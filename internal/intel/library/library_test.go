package library_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func docs(texts ...string) func(func(feed.Document, error) bool) {
	return func(yield func(feed.Document, error) bool) {
		for _, text := range texts {
			if !yield(feed.Document{Name: "doc", Reader: strings.NewReader(text)}, nil) {
				return
			}
		}
	}
}

// sources tells which feed names a value, and "" for none.
func source(t *testing.T, l *library.Library, value string) string {
	t.Helper()
	set, err := l.Set(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hits, err := set.Find(value, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(hits) == 0 {
		return ""
	}
	if hits[0].Allowed != "" {
		return "allowed by " + hits[0].Allowed
	}
	return hits[0].Source
}

// TestLife: what is imported is there after opening again; importing again
// replaces; removing forgets.
func TestLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "intel")
	var swaps int
	l := library.Open(library.Config{Dir: dir, Now: clock, OnSwap: func(*intel.Set) { swaps++ }})
	rep, err := l.Import(t.Context(), library.Request{Name: "One", Confidence: 70, Expires: 48 * time.Hour, By: "me"}, docs("evil.example\njunk\n", "a,type,indicator\nm,ip,203.0.113.9\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := library.Feed{Name: "one", Imported: now, By: "me", Kinds: []string{"list", "csv"}, Indicators: 2, Types: map[string]int{"domain": 1, "ip": 1}, Refused: 1}
	if diff := cmp.Diff(want, rep.Feed); diff != "" || rep.Set.Indicators != 2 || rep.Replaced || swaps != 1 {
		t.Errorf("%s %+v, %d swaps", diff, rep, swaps)
	}
	if _, err := l.Import(t.Context(), library.Request{Name: "two"}, docs("other.example\n")); err != nil {
		t.Fatal(err)
	}
	again := library.Open(library.Config{Dir: dir, Now: clock})
	for value, want := range map[string]string{"evil.example": "one", "203.0.113.9": "one", "other.example": "two", "good.example": ""} {
		if got := source(t, again, value); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	set, _ := again.Set(t.Context())
	if hit, ok := set.Domain("evil.example", now); !ok || hit.Confidence != 70 || !hit.Until.Equal(now.Add(48*time.Hour)) {
		t.Errorf("%+v", hit)
	}
	if _, ok := set.Domain("evil.example", now.Add(72*time.Hour)); ok {
		t.Error("it has no end")
	}
	feeds, err := again.Feeds(t.Context())
	if err != nil || len(feeds) != 2 || feeds[0].Confidence != 70 || feeds[0].Ended != 0 || len(feeds[0].Marks) != 0 {
		t.Errorf("%+v %v", feeds, err)
	}
	marked := "type,value,confidence,tlp\nip,203.0.113.5,90,TLP:AMBER\nip,203.0.113.6,50,TLP:AMBER\nip,203.0.113.7,40,green\n"
	if _, err := again.Import(t.Context(), library.Request{Name: "marked", Expires: -time.Hour}, docs(marked)); err != nil {
		t.Fatal(err)
	}
	if feeds, err = again.Feeds(t.Context()); err != nil || feeds[0].Name != "marked" || feeds[0].Confidence != 60 || feeds[0].Marks["amber"] != 2 || feeds[0].Marks["green"] != 1 {
		t.Errorf("%+v %v", feeds, err)
	}
	if rep, err := again.Import(t.Context(), library.Request{Name: "one"}, docs("newer.example\n")); err != nil || !rep.Replaced {
		t.Errorf("%+v %v", rep, err)
	}
	if err := again.Remove(t.Context(), "two"); err != nil {
		t.Error(err)
	}
	for value, want := range map[string]string{"evil.example": "", "newer.example": "one", "other.example": ""} {
		if got := source(t, again, value); got != want {
			t.Errorf("afterwards %s: %q, want %q", value, got, want)
		}
	}
	if err := again.Remove(t.Context(), "two"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("removed twice: %v", err)
	}
}

// TestRefusedImports: what cannot be a feed leaves the one that was there.
func TestRefusedImports(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir, Now: clock})
	if _, err := l.Import(t.Context(), library.Request{Name: "one"}, docs("evil.example\n")); err != nil {
		t.Fatal(err)
	}
	for name, texts := range map[string][]string{
		"nothing in it": {"junk\nmore junk\n"}, "empty": {""}, "breaks off": {"good.example\n", `{"type":"bundle","objects":[{"ty`},
	} {
		if _, err := l.Import(t.Context(), library.Request{Name: "one"}, docs(texts...)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "../x", ".hidden", "a b", strings.Repeat("x", 65)} {
		if _, err := l.Import(t.Context(), library.Request{Name: name}, docs("evil.example\n")); fault.KindOf(err) != fault.Invalid {
			t.Errorf("name %q: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Import(ctx, library.Request{Name: "one"}, docs(strings.Repeat("good.example\n", 9999))); err == nil {
		t.Error("an import that was broken off is kept")
	}
	if got := source(t, l, "evil.example"); got != "one" {
		t.Errorf("the feed that was there: %q", got)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
}

// TestDamage: a damaged file is a problem of its own; what a kill leaves of one
// that was being written is not looked at.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir, Now: clock})
	for _, name := range []string{"one", "two"} {
		if _, err := l.Import(t.Context(), library.Request{Name: name}, docs(strings.Repeat("x\n", 100)+name+".example\n")); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "one.feed")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := library.Open(library.Config{Dir: dir, Now: clock})
		feeds, err := l.Feeds(t.Context())
		if err != nil || len(feeds) != 2 || feeds[0].Problem == "" || feeds[0].Name != "one" || feeds[1].Problem != "" {
			t.Fatalf("cut at %d of %d: %+v %v", cut, len(whole), feeds, err)
		}
		if got := source(t, l, "two.example"); got != "two" {
			t.Fatalf("cut at %d: the other feed: %q", cut, got)
		}
	}
}

func TestAllow(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir, Now: clock})
	if _, err := l.Import(t.Context(), library.Request{Name: "one"}, docs("evil.example\n203.0.113.9\n198.51.100.1\nhttp://shop.example/x\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Allow(t.Context(), "me", "ours", []string{"evil.example", "203.0.113.0/24", "shop.example"}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Allow(t.Context(), "me", "", []string{"good.example", "no such thing"}, false); fault.KindOf(err) != fault.Invalid {
		t.Errorf("junk on the allow-list: %v", err)
	}
	check := func(l *library.Library, want map[string]string) {
		t.Helper()
		for value, want := range want {
			if got := source(t, l, value); got != want {
				t.Errorf("%s: %q, want %q", value, got, want)
			}
		}
	}
	want := map[string]string{"www.evil.example": "allowed by evil.example", "203.0.113.9": "allowed by 203.0.113.0/24", "198.51.100.1": "one", "http://shop.example/x": "allowed by shop.example"}
	check(l, want)
	check(library.Open(library.Config{Dir: dir, Now: clock}), want)
	list, err := l.Allow(t.Context(), "me", "", []string{"evil.example"}, true)
	if err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
	check(l, map[string]string{"www.evil.example": "one"})
}

// TestPrivate: a feed may be said to mean private ranges; another may not.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	l := library.Open(library.Config{Dir: dir, Now: clock})
	if rep, err := l.Import(t.Context(), library.Request{Name: "other"}, docs("172.0.0.0/8\n10.1.2.3\n")); err != nil || rep.Refused != 1 {
		t.Fatal(rep, err)
	}
	if _, err := l.Import(t.Context(), library.Request{Name: "lab", Private: true}, docs("10.9.0.0/16\n192.168.7.7\n")); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*library.Library{l, library.Open(library.Config{Dir: dir, Now: clock})} {
		for value, want := range map[string]string{"10.9.3.4": "lab", "192.168.7.7": "lab", "10.1.2.3": "", "172.16.0.1": "", "172.1.0.1": "other"} {
			if got := source(t, l, value); got != want {
				t.Errorf("%s: %q, want %q", value, got, want)
			}
		}
	}
	own := library.Open(library.Config{Dir: dir, Now: clock, Own: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}})
	if got := source(t, own, "10.9.3.4"); got != "allowed by 10.9.0.0/16" {
		t.Errorf("our own range: %q", got)
	}
}

// TestSwap: look-ups go on while feeds come and go, and always see a whole set.
func TestSwap(t *testing.T) {
	l := library.Open(library.Config{Dir: t.TempDir(), Now: clock})
	if _, err := l.Import(t.Context(), library.Request{Name: "always"}, docs("evil.example\n")); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			set, err := l.Set(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			if _, ok := set.Domain("evil.example", now); !ok {
				t.Error("a look-up saw half a set")
				return
			}
		}
	})
	for range 20 {
		if _, err := l.Import(t.Context(), library.Request{Name: "other"}, docs("other.example\n")); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}
