package library_test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vedette/internal/intel/library"
)

const killEnv = "VEDETTE_TEST_KILLED_LIBRARY"

// TestKilled: whenever a process is killed that imports a feed over and over,
// the feed is one of those that it imported, whole.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		importForever(dir)
		return
	}
	dir := t.TempDir()
	for n := range 12 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(30+rand.IntN(150)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		l := library.Open(library.Config{Dir: dir, Now: clock})
		feeds, err := l.Feeds(t.Context())
		if err != nil || len(feeds) > 1 {
			t.Fatalf("kill %d: %v %v", n, feeds, err)
		}
		if len(feeds) == 0 {
			continue // killed before the first was whole
		}
		set, err := l.Set(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, a := set.Domain("a.example", now)
		_, b := set.Domain("b.example", now)
		if feeds[0].Problem != "" || a == b || set.Stats().Indicators != feeds[0].Indicators {
			t.Fatalf("kill %d: %+v, a %v, b %v", n, feeds[0], a, b)
		}
	}
}

func importForever(dir string) {
	l := library.Open(library.Config{Dir: dir, Now: clock})
	for i := 0; ; i++ {
		name := string(rune('a' + i%2))
		text := strings.Repeat("x"+name+".example\n", 2000*(i%2+1)) + name + ".example\n"
		if _, err := l.Import(context.Background(), library.Request{Name: "feed"}, docs(text)); err != nil {
			panic(err)
		}
	}
}
