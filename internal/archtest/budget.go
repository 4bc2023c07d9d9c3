package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
)

// The budgets of the house. Going over one is a warning for review.
const (
	maxFuncLines = 60
	maxFileLines = 400
	maxFiles     = 15
	maxMethods   = 5
)

// Budgets lists what goes over a budget, tests and generated files aside.
func Budgets(root fs.FS) ([]string, error) {
	h, err := read(root)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range h.pkgs {
		files := 0
		for _, f := range p.files {
			if f.test || ast.IsGenerated(f.file) {
				continue
			}
			files++
			out = append(out, h.fileBudgets(f)...)
		}
		if files > maxFiles {
			out = append(out, fmt.Sprintf("%s: %d files, the budget is %d", p.dir, files, maxFiles))
		}
	}
	return out, nil
}

func (h *house) fileBudgets(f source) []string {
	var out []string
	lines := func(n ast.Node) int { return h.fset.Position(n.End()).Line - h.fset.Position(n.Pos()).Line + 1 }
	if n := h.fset.Position(f.file.FileEnd).Line; n > maxFileLines {
		out = append(out, fmt.Sprintf("%s: %d lines, the budget is %d", f.path, n, maxFileLines))
	}
	ast.Inspect(f.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if l := lines(n); l > maxFuncLines {
				out = append(out, fmt.Sprintf("%s: func %s has %d lines, the budget is %d", h.fset.Position(n.Pos()), n.Name.Name, l, maxFuncLines))
			}
		case *ast.InterfaceType:
			if m := n.Methods.NumFields(); m > maxMethods {
				out = append(out, fmt.Sprintf("%s: an interface of %d methods, the budget is %d", h.fset.Position(n.Pos()), m, maxMethods))
			}
		}
		return true
	})
	return out
}
