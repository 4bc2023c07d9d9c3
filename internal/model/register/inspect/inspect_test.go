package inspect_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/model/register/inspect"
	"vedette/internal/model/register/registertest"
	"vedette/internal/model/register/tree"
)

func look(t *testing.T, files map[string]string) (inspect.Facts, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := tree.Open(dir, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return inspect.Look(t.Context(), m)
}

func TestLook(t *testing.T) {
	facts, err := look(t, map[string]string{
		"w-1.gguf": string(registertest.Tiny().Bytes()), "README": "hello", "config.json": `{"a":1}`, "tokenizer.model": "\x0a\x0e", "sub/logo.png": "\x89PNG\r\n\x1a\n",
	})
	if err != nil || facts.Format != "GGUF" || facts.Architecture != "llama" || facts.Context != 2048 || facts.ControlCount != 3 || facts.TemplateSHA == "" || facts.Quantisation != "F32" {
		t.Errorf("%+v, %v", facts, err)
	}
	facts, err = look(t, map[string]string{"a.safetensors": string(registertest.TinySafetensors()), "b.safetensors": string(registertest.TinySafetensors())})
	if err != nil || facts.Format != "safetensors" || facts.Parameters != 14 || facts.License != "cc0-1.0" {
		t.Errorf("%+v, %v", facts, err)
	}
	odd := registertest.Tiny().Set("general.file_type", uint32(15))
	odd.Data = append(odd.Data, make([]byte, 40)...)
	facts, err = look(t, map[string]string{"m.gguf": string(odd.Bytes())})
	if err != nil || len(facts.Notes) != 2 || !strings.Contains(facts.Notes[0], "40 bytes after") || !strings.Contains(facts.Notes[1], "says it is Q4_K_M") {
		t.Errorf("notes %q, %v", facts.Notes, err)
	}
}

func zipped(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Whatever a loader could run is refused by name, wherever it lies and whatever
// it is called.
func TestRefuses(t *testing.T) {
	good := string(registertest.Tiny().Bytes())
	tests := []struct{ name, file, text, want string }{
		{"pickle", "m.safetensors", "\x80\x04\x95.", "is a pickle"},
		{"pickle called text", "a/notes.txt", "\x80\x02}q.", "is a pickle"},
		{"legacy torch", "model.gguf", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "PyTorch's old format"},
		{"torch zip", "model.gguf", zipped(t, "archive/data.pkl"), "with a pickle (PyTorch)"},
		{"other zip", "x.json", zipped(t, "a.txt"), "is a zip archive"},
		{"zip at the end", "z.gguf", good + zipped(t, "archive/data.pkl"), "zip archive at its end"},
		{"text pickle", "weights.pkl", "cos\nsystem\n(S'true'\ntR.", "has the name of a pickle"},
		{"python", "sub/modeling.py", "import os", "is Python code"},
		{"script", "run.txt", "#!/bin/sh\n", "is a script"},
		{"library", "a.txt", "\x7fELF\x02", "ELF"},
		{"windows program", "README", "MZ\x90", "(PE)"},
		{"keras", "m.h5", "\x89HDF\r\n", "HDF5"},
		{"compressed", "m.txt", "\x1f\x8b\x08", "is compressed"},
		{"unknown", "m.onnx", "\x08\x07", "not known here"},
		{"unknown without ending", "data", "hello", "not known here"},
		{"no text", "vocab.txt", "a\x00b", "has the name of a text and is none"},
		{"no picture", "a.png", "hello", "has the name of a picture and is none"},
		{"remote code", "config.json", `{"auto_map":{"AutoModel":"x--y.Z"}}`, "auto_map"},
		{"broken header", "b.gguf", good[:50], "ends at byte 50"},
		{"broken safetensors", "b.safetensors", "hello world", "the limit is"},
		{"page", "index.html", "<script>", "may hold scripts"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			_, err := look(t, map[string]string{"good.gguf": good, tt.file: tt.text})
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"`+tt.file+`"`) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNothingOfAModel(t *testing.T) {
	if _, err := look(t, map[string]string{"README": "hello"}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "no file of it is GGUF") {
		t.Errorf("%v", err)
	}
	many := map[string]string{}
	for i := range 30 {
		many[strings.Repeat("x", i+1)+".py"] = ""
	}
	if _, err := look(t, many); err == nil || !strings.Contains(err.Error(), "and 10 more") {
		t.Errorf("%v", err)
	}
}

// FuzzLook: no file panics; one that is taken beside good weights begins like
// nothing that a loader runs, and has no name of one.
func FuzzLook(f *testing.F) {
	dir := f.TempDir()
	good := registertest.Tiny().Bytes()
	f.Add("a.gguf", good)
	f.Add("a.safetensors", registertest.TinySafetensors())
	f.Add("a.txt", []byte("\x80\x04."))
	f.Add("config.json", []byte(`{"auto_map":{}}`))
	f.Add("a.py", []byte("x"))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		if name == "" || len(name) > 60 || strings.ContainsAny(name, "/\\\x00") || name == "." || name == ".." {
			return
		}
		at := filepath.Join(dir, "m")
		if err := errors.Join(os.RemoveAll(at), os.Mkdir(at, 0o700), os.WriteFile(filepath.Join(at, "good.gguf"), good, 0o600)); err != nil {
			t.Fatal(err)
		}
		if os.WriteFile(filepath.Join(at, name), raw, 0o600) != nil {
			return // no name of a file here
		}
		m, err := tree.Open(at, tree.Options{})
		if err != nil {
			return
		}
		defer m.Close()
		if _, err := inspect.Look(t.Context(), m); err != nil {
			return
		}
		for _, magic := range []string{"\x80\x02", "\x80\x04", "PK\x03\x04", "\x7fELF", "MZ", "#!", "\x1f\x8b"} {
			if bytes.HasPrefix(raw, []byte(magic)) {
				t.Fatalf("%q with %q is taken", name, magic)
			}
		}
		if low := strings.ToLower(name); strings.HasSuffix(low, ".py") || strings.HasSuffix(low, ".pkl") || strings.HasSuffix(low, ".so") {
			t.Fatalf("%q is taken", name)
		}
	})
}
