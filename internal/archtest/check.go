package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path of our Go module.
const module = "vedette"

// source is one parsed Go file.
type source struct {
	path string // from the root, with slashes
	test bool
	file *ast.File
}

// pkg is the Go files of one directory.
type pkg struct {
	dir   string // from the root; "." is the root
	name  string
	files []source
}

// house is the parsed source tree.
type house struct {
	fset *token.FileSet
	pkgs []pkg
}

// read parses every Go file under root, except below testdata, vendor, hidden
// folders and folders that are modules of their own.
func read(root fs.FS) (*house, error) {
	h := &house{fset: token.NewFileSet()}
	byDir := make(map[string]*pkg)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipDir(root, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(h.fset, name, raw, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
		}
		p := byDir[dir]
		p.files = append(p.files, source{path: name, test: strings.HasSuffix(name, "_test.go"), file: file})
		if !strings.HasSuffix(file.Name.Name, "_test") {
			p.name = file.Name.Name
		}
		return nil
	})
	for _, p := range byDir {
		h.pkgs = append(h.pkgs, *p)
	}
	slices.SortFunc(h.pkgs, func(a, b pkg) int { return strings.Compare(a.dir, b.dir) })
	return h, err
}

func skipDir(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if base == "testdata" || base == "vendor" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// roomOf returns the room of a directory: the part below internal/.
func roomOf(dir string) string {
	rest, ok := strings.CutPrefix(dir, "internal/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// Violations holds a source tree against the rules.
func Violations(root fs.FS) ([]string, error) {
	h, err := read(root)
	if err != nil {
		return nil, err
	}
	var out []string
	at := places()
	for _, p := range h.pkgs {
		out = append(out, h.checkRoom(p, at)...)
		out = append(out, h.checkComment(p)...)
		for _, f := range p.files {
			for _, spec := range f.file.Imports {
				if why := judge(p.dir, f.test, importPath(spec), at); why != "" {
					out = append(out, fmt.Sprintf("%s: imports %s: %s", h.fset.Position(spec.Pos()), importPath(spec), why))
				}
			}
			out = append(out, h.checkText(f)...)
		}
	}
	return append(out, h.checkEdge()...), nil
}

func importPath(spec *ast.ImportSpec) string {
	s, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return s
}

// elsewhere are packages outside internal/.
func elsewhere(dir string) bool {
	return dir == "." || dir == "content" || strings.HasPrefix(dir, "content/") || dir == "web" || strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "deploy/")
}

func (h *house) checkRoom(p pkg, at map[string]place) []string {
	room := roomOf(p.dir)
	if _, ok := at[room]; ok || room == "archtest" || elsewhere(p.dir) {
		return nil
	}
	return []string{p.dir + ": the package has no room: give it a room in archtest.Table (internal/archtest/archtest.go)"}
}

// judge says why a package in dir must not import target, or "".
//
// Tests are judged more loosely: besides what their package may import they
// may use rooms of their own ring, their own package's neighbours, content and
// any module that is not forbidden. They too never import from a ring above.
func judge(dir string, test bool, target string, at map[string]place) string {
	for mod, reason := range forbidden {
		if target == mod || strings.HasPrefix(target, mod+"/") && mod != "log" {
			return "forbidden: " + reason
		}
	}
	for prefix, owner := range reserved {
		if strings.HasPrefix(target, prefix) && dir != owner && !strings.HasPrefix(dir, owner+"/") {
			return "only " + owner + " may"
		}
	}
	room := roomOf(dir)
	if target != module && !strings.HasPrefix(target, module+"/") {
		if p, ok := at[room]; ok && p.ring.Number == 0 && !test && strings.Contains(firstElement(target), ".") {
			return "ring 0 imports the standard library only"
		}
		return ""
	}
	return judgeOurs(dir, room, test, strings.TrimPrefix(strings.TrimPrefix(target, module), "/"), at)
}

func firstElement(s string) string {
	first, _, _ := strings.Cut(s, "/")
	return first
}

// judgeOurs judges an import of one of our own packages.
func judgeOurs(dir, room string, test bool, target string, at map[string]place) string {
	to := roomOf(target)
	switch {
	case to == "archtest":
		return "it is for its own test only"
	case target == "content" || strings.HasPrefix(target, "content/"):
		if test || room == "" || slices.Contains(contentUsers, room) {
			return ""
		}
		return "content is handed over by app: take the bytes as an argument"
	case target == "web":
		if room == "console" {
			return ""
		}
		return "only console may"
	case strings.HasPrefix(dir, "cmd/"):
		if dir == "cmd/vedette-edge" || to == "cli" {
			return ""
		}
		return "a command calls cli and nothing else"
	case strings.HasPrefix(dir, "content") && !test:
		return "content holds data and imports nothing of ours"
	case room == "" || room == to || room == "archtest":
		return ""
	case to == "":
		return "it is not a room"
	}
	from, okFrom := at[room]
	dest, okTo := at[to]
	if !okFrom || !okTo {
		return "" // told by checkRoom
	}
	if isEngine(target) && !test && room != "app" {
		return "only app picks a store engine"
	}
	if test && dest.ring.Number <= from.ring.Number {
		return ""
	}
	_, why := mayImport(room, to, at)
	return why
}

// isEngine reports whether a package is one engine of the store.
func isEngine(target string) bool {
	rest, ok := strings.CutPrefix(target, "internal/store/")
	return ok && rest != "storetest" && rest != ""
}

// checkComment demands one package comment, in the file named as the package
// (main.go for commands).
func (h *house) checkComment(p pkg) []string {
	var docs []string
	code := false
	for _, f := range p.files {
		code = code || !f.test
		if !f.test && f.file.Doc != nil && f.file.Doc.Text() != "" {
			docs = append(docs, path.Base(f.path))
		}
	}
	if !code {
		return nil
	}
	want := p.name + ".go"
	switch {
	case len(docs) == 0:
		return []string{fmt.Sprintf("%s: the package has no comment: say in %s what it owns and what it must not do", p.dir, want)}
	case len(docs) > 1:
		return []string{fmt.Sprintf("%s: the package has comments in %s: keep one, in %s", p.dir, strings.Join(docs, ", "), want)}
	case docs[0] != want:
		return []string{fmt.Sprintf("%s: the package comment is in %s: it belongs into %s", p.dir, docs[0], want)}
	}
	return nil
}

// unfinished are words that mark work left open. They are put together here so
// that this file does not hold them.
var unfinished = []string{"TO" + "DO", "FIX" + "ME"}

// checkText refuses init functions and words of unfinished work.
func (h *house) checkText(f source) []string {
	var out []string
	for _, d := range f.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			out = append(out, fmt.Sprintf("%s: func init: make a constructor and let app call it", h.fset.Position(fn.Pos())))
		}
	}
	for _, group := range f.file.Comments {
		for _, word := range unfinished {
			if strings.Contains(group.Text(), word) {
				out = append(out, fmt.Sprintf("%s: a comment says %s: finish it or file an issue", h.fset.Position(group.Pos()), word))
			}
		}
	}
	return out
}

// checkEdge follows what the edge binary links: no console, no store engine,
// no driver.
func (h *house) checkEdge() []string {
	byDir := make(map[string]pkg)
	for _, p := range h.pkgs {
		byDir[p.dir] = p
	}
	if _, ok := byDir["cmd/vedette-edge"]; !ok {
		return nil
	}
	var out []string
	via := map[string]string{"cmd/vedette-edge": ""}
	queue := []string{"cmd/vedette-edge"}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, f := range byDir[dir].files {
			if f.test {
				continue
			}
			for _, spec := range f.file.Imports {
				target := importPath(spec)
				local := strings.TrimPrefix(target, module+"/")
				if _, seen := via[local]; seen {
					continue
				}
				via[local] = dir
				if heavy(local) {
					out = append(out, fmt.Sprintf("cmd/vedette-edge: links %s through %s: the edge has no console and no store engine", target, dir))
				}
				if local != target {
					queue = append(queue, local)
				}
			}
		}
	}
	return out
}

func heavy(target string) bool {
	switch roomOf(target) {
	case "console", "app", "cli", "copilot", "demo", "api":
		return true
	}
	return isEngine(target) || target == "web" || strings.HasPrefix(target, "github.com/duckdb/") || strings.HasPrefix(target, "modernc.org/sqlite")
}
