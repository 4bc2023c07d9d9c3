package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"vedette/content"
)

// TestTable: the table in the repository is the one that the public data gives.
func TestTable(t *testing.T) {
	folder := ""
	tried := []string{filepath.Join(os.Getenv("VEDETTE_SHARED"), "data", "threat")}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data", "threat"))
		}
	}
	for _, dir := range tried {
		if _, err := os.Stat(filepath.Join(dir, atlasFile)); err == nil {
			folder = dir
		}
	}
	if folder == "" {
		t.Skip("the public data sets are not here: put them into ../shared/data, or name the folder above in VEDETTE_SHARED")
	}
	out := filepath.Join(t.TempDir(), "techniques.tsv")
	if err := run(folder, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, content.Techniques()) {
		t.Error("the table is not up to date: run go generate ./internal/correlate")
	}
	if err := answer(folder, out); err != nil {
		t.Fatal(err)
	}
	if got, err = os.ReadFile(out); err != nil || !bytes.Equal(got, content.Answers()) {
		t.Errorf("the table of answers is not up to date (%v): run go generate ./internal/correlate", err)
	}
}
