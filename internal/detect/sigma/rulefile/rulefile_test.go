package rulefile_test

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/fault"
)

func text(id string) []byte {
	return fmt.Appendf(nil, "title: t\nid: %s\nlogsource: {}\ndetection: {a: {x: y}, condition: a}\n", id)
}

// TestLoad: files, directories, archives and what is in none of them.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("d/one.yml", text("one"))
	write("d/deep/two.YAML", text("two"))
	write("d/.hidden/no.yml", text("no"))
	write("d/readme.md", text("no"))
	write("d/broken.yml", []byte("title: [\n"))
	write("three.txt", text("three")) // named, so it is read
	f, err := os.Create(filepath.Join(dir, "z.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("rules/four.yml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text("four")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	loaded, err := rulefile.Load(filepath.Join(dir, "d"), filepath.Join(dir, "three.txt"), filepath.Join(dir, "z.zip"))
	if err != nil {
		t.Fatal(err)
	}
	set, refused := loaded.Compile(sigma.Options{})
	if loaded.Files != 5 || set.Len() != 4 || len(refused) != 1 || filepath.Base(refused[0].File) != "broken.yml" {
		t.Errorf("%d files, %d rules, refused %+v", loaded.Files, set.Len(), refused)
	}
	if _, err := rulefile.Load(filepath.Join(dir, "nowhere")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nowhere: %v", err)
	}
	write("bad.zip", []byte("PK no zip"))
	if _, err := rulefile.Load(filepath.Join(dir, "bad.zip")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("bad.zip: %v", err)
	}
}

func TestFromFS(t *testing.T) {
	loaded, err := rulefile.FromFS(fstest.MapFS{"a/x.yml": {Data: text("x")}, "a/x.txtar": {Data: []byte("no")}})
	if err != nil || len(loaded.Docs) != 1 || loaded.Docs[0].File != "a/x.yml" {
		t.Errorf("%+v, %v", loaded, err)
	}
}
