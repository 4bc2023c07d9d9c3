package tree_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model/register/tree"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func hexOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestDigests(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"b": "two", "a/c": "one", "z": ""})
	m, err := tree.Open(dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	sums, err := m.Sums(t.Context())
	if err != nil || len(sums) != 3 || sums[0].Name != "a/c" || m.Bytes() != 6 || !m.Dir {
		t.Fatalf("%+v, %v", sums, err)
	}
	lines := hexOf("one") + "  a/c\n" + hexOf("two") + "  b\n" + hexOf("") + "  z\n"
	if got := tree.DigestOf(true, sums); got != "sha256-dir:"+hexOf(lines) {
		t.Errorf("digest of a directory: %s", got)
	}
	one, err := tree.Open(filepath.Join(dir, "b"), tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if sums, err = one.Sums(t.Context()); err != nil || tree.DigestOf(false, sums) != "sha256:"+hexOf("two") {
		t.Errorf("%+v, %v", sums, err)
	}
	part, err := one.Digest(t.Context(), one.Files[0], 1, 2)
	if err != nil || hex.EncodeToString(part[:]) != hexOf("w") {
		t.Errorf("a part: %x, %v", part, err)
	}
	if _, err := one.Digest(t.Context(), one.Files[0], 2, 9); fault.KindOf(err) != fault.Invalid {
		t.Errorf("beyond the end: %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if _, err := one.Sums(gone); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("given up: %v", err)
	}
}

func TestLinks(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	write(t, out, map[string]string{"secret": "s"})
	write(t, dir, map[string]string{"a": "one"})
	link(t, "a", filepath.Join(dir, "inside"))
	if _, err := tree.Open(dir, tree.Options{}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), `"inside" is a symbolic link`) {
		t.Errorf("a link: %v", err)
	}
	m, err := tree.Open(dir, tree.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if sums, err := m.Sums(t.Context()); err != nil || len(sums) != 2 || sums[1].SHA256 != hexOf("one") {
		t.Errorf("%+v, %v", sums, err)
	}
	for name, to := range map[string]string{"out": filepath.Join(out, "secret"), "up": "../" + filepath.Base(out) + "/secret", "nowhere": "x", "loop": "loop", "self": "."} {
		at := filepath.Join(dir, name)
		link(t, to, at)
		if _, err := tree.Open(dir, tree.Options{Symlinks: true}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
	}
	at := filepath.Join(out, "model")
	link(t, dir, at)
	if _, err := tree.Open(at, tree.Options{Symlinks: true}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("the model itself a link: %v", err)
	}
}

// A file that is not the one that was listed any more is not read.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": "one"})
	m, err := tree.Open(dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	path := filepath.Join(dir, "a")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"a": "two"})
	// Whoever changes it sets the time back too.
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sums(t.Context()); runtime.GOOS == "linux" && fault.KindOf(err) != fault.Conflict {
		t.Errorf("changed: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sums(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("removed: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := tree.Open(filepath.Join(dir, "x"), tree.Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("missing: %v", err)
	}
	deep := filepath.Join(append([]string{dir, "deep"}, strings.Split(strings.Repeat("d/", 40), "/")...)...)
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Open(dir, tree.Options{}); fault.KindOf(err) != fault.Limited {
		t.Errorf("deep: %v", err)
	}
	if runtime.GOOS != "windows" {
		odd := t.TempDir()
		if err := os.WriteFile(filepath.Join(odd, "\xff"), nil, 0o600); err == nil {
			if _, err := tree.Open(odd, tree.Options{}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("a name that is not UTF-8: %v", err)
			}
		}
	}
}
