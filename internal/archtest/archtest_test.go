package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "rewrite the table in docs/ARCHITECTURE.md")

const root = "../.."

func TestHouse(t *testing.T) {
	got, err := Violations(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		t.Error(v)
	}
	over, err := Budgets(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range over {
		t.Log("warning:", b)
	}
}

const (
	begin = "<!-- rooms: begin (go test ./internal/archtest -update) -->\n"
	end   = "<!-- rooms: end -->"
)

func TestDocumentIsInSync(t *testing.T) {
	path := filepath.Join(root, "docs", "ARCHITECTURE.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table of rooms, between %q and %q", path, begin, end)
	}
	if old == Render() {
		return
	}
	if !*update {
		t.Fatalf("%s is behind the table of rooms: run go test ./internal/archtest -update", path)
	}
	if err := os.WriteFile(path, []byte(head+begin+Render()+end+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRules(t *testing.T) {
	const doc = "// Package %s is here.\n"
	tests := []struct {
		name, path, code string
		want             string // part of the violation; "" means none
	}{
		{"below", "internal/asset/asset.go", `package asset; import _ "vedette/internal/event"`, ""},
		{"sibling", "internal/asset/asset.go", `package asset; import _ "vedette/internal/normalize"`, "siblings of ring 2"},
		{"above", "internal/asset/asset.go", `package asset; import _ "vedette/internal/detect"`, "above it"},
		{"left in an ordered ring", "internal/store/store.go", `package store; import _ "vedette/internal/query"`, ""},
		{"right in an ordered ring", "internal/query/query.go", `package query; import _ "vedette/internal/store"`, "only the rooms before it"},
		{"no room", "internal/utils/utils.go", `package utils`, "give it a room"},
		{"no room at the top", "pkg/x/x.go", `package x`, "give it a room"},
		{"own sub-package", "internal/store/duckdb/duckdb.go", `package duckdb; import _ "vedette/internal/store"`, ""},
		{"engine", "internal/copilot/copilot.go", `package copilot; import _ "vedette/internal/store/memory"`, "only app picks"},
		{"engine from app", "internal/app/app.go", `package app; import _ "vedette/internal/store/duckdb"`, ""},
		{"model", "internal/copilot/copilot.go", `package copilot; import _ "vedette/internal/model"`, "only guard, app, edge"},
		{"model from guard", "internal/guard/guard.go", `package guard; import _ "vedette/internal/model"`, ""},
		{"config", "internal/store/store.go", `package store; import _ "vedette/internal/config"`, "only app, edge"},
		{"driver", "internal/store/store.go", `package store; import _ "github.com/duckdb/duckdb-go/v2"`, "only internal/store/duckdb"},
		{"driver in its place", "internal/store/duckdb/duckdb.go", `package duckdb; import _ "github.com/duckdb/duckdb-go/v2"`, ""},
		{"module in ring 0", "internal/event/event.go", `package event; import _ "github.com/google/go-cmp/cmp"`, "standard library only"},
		{"module in a test of ring 0", "internal/event/event_test.go", `package event; import _ "github.com/google/go-cmp/cmp"`, ""},
		{"forbidden", "internal/asset/asset_test.go", `package asset; import _ "github.com/stretchr/testify/assert"`, "go-cmp"},
		{"log", "internal/asset/asset.go", `package asset; import _ "log"`, "log/slog"},
		{"slog", "internal/asset/asset.go", `package asset; import _ "log/slog"`, ""},
		{"test of a sibling", "internal/asset/asset_test.go", `package asset; import _ "vedette/internal/normalize"`, ""},
		{"test above", "internal/asset/asset_test.go", `package asset; import _ "vedette/internal/app"`, "above it"},
		{"content", "internal/asset/asset.go", `package asset; import _ "vedette/content"`, "handed over by app"},
		{"content in a test", "internal/asset/asset_test.go", `package asset; import _ "vedette/content"`, ""},
		{"command", "cmd/vedette/main.go", `package main; import _ "vedette/internal/app"`, "cli and nothing else"},
		{"init", "internal/asset/asset.go", "package asset; func init() {}", "func init"},
		{"unfinished", "internal/asset/asset.go", "package asset\n// " + unfinished[0] + ": later", "finish it"},
		{"testdata", "internal/asset/testdata/x.go", `package x; import _ "log"`, ""},
		{"edge with an engine", "cmd/vedette-edge/main.go", `package main; import _ "vedette/internal/store/memory"`, "no store engine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Violations(fstest.MapFS{tt.path: {Data: []byte(strings.ReplaceAll(doc, "%s", "x") + tt.code)}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want one with %q", got, tt.want)
			}
		})
	}
}

func TestPackageComments(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const with, without = "// Package asset is here.\npackage asset", "package asset"
	tests := []struct {
		tree fstest.MapFS
		want string
	}{
		{fstest.MapFS{"internal/asset/asset.go": file(with), "internal/asset/more.go": file(without)}, ""},
		{fstest.MapFS{"internal/asset/asset.go": file(without)}, "has no comment"},
		{fstest.MapFS{"internal/asset/doc.go": file(with)}, "belongs into asset.go"},
		{fstest.MapFS{"internal/asset/asset.go": file(with), "internal/asset/more.go": file(with)}, "keep one"},
		{fstest.MapFS{"internal/asset/asset_test.go": file(without)}, ""},
	}
	for _, tt := range tests {
		got, err := Violations(tt.tree)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
			t.Errorf("got %q, want one with %q", got, tt.want)
		}
	}
}
