package signing

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/model/register/tree"
)

// alwaysLeft are what a version control leaves at the top of a model; the form
// leaves them out of every signature.
func alwaysLeft() []string { return []string{".git", ".gitattributes", ".github", ".gitignore"} }

// Check holds a model against what was signed: every listed file is there and
// unchanged, and no file is there that is neither listed nor left out. except
// is the signature's own file, if it lies in the model, by its name there.
func (st *Statement) Check(ctx context.Context, t *tree.Tree, except string) error {
	listed := map[string][]Resource{}
	for _, r := range st.Resources {
		name := r.Name
		if !t.Dir && len(t.Files) == 1 && name == "." {
			name = t.Files[0].Name
		}
		listed[name] = append(listed[name], r)
	}
	var wrong []string
	for _, f := range t.Files {
		parts := listed[f.Name]
		delete(listed, f.Name)
		if len(parts) == 0 {
			if !st.leftOut(f, except) {
				wrong = append(wrong, fmt.Sprintf("%q is not signed", f.Name))
			}
			continue
		}
		same, err := st.file(ctx, t, f, parts)
		if err != nil {
			return err
		}
		if !same {
			wrong = append(wrong, fmt.Sprintf("%q is not as it was signed", f.Name))
		}
	}
	for name := range listed {
		wrong = append(wrong, fmt.Sprintf("%q is missing", name))
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	if more := len(wrong) - 20; more > 0 {
		wrong = append(wrong[:20], fmt.Sprintf("and %d more", more))
	}
	return fault.New(fault.Denied, "the model %s is not the one that was signed: %s", t.Path, strings.Join(wrong, "; "))
}

// leftOut tells whether a file is one that the signature does not cover. An
// empty file has no parts, so a list of parts cannot name it.
func (st *Statement) leftOut(f tree.File, except string) bool {
	if f.Name == except && except != "" || st.ShardSize > 0 && f.Print.Size == 0 {
		return true
	}
	return slices.ContainsFunc(append(alwaysLeft(), st.Ignore...), func(p string) bool {
		return f.Name == p || strings.HasPrefix(f.Name, p+"/")
	})
}

// file compares one file; of parts all must be there, up to its end.
func (st *Statement) file(ctx context.Context, t *tree.Tree, f tree.File, parts []Resource) (bool, error) {
	var at int64
	slices.SortFunc(parts, byParts)
	for _, p := range parts {
		if p.End >= 0 && (p.Begin != at || p.End > f.Print.Size || p.End < f.Print.Size && p.End-p.Begin != st.ShardSize) {
			return false, nil
		}
		at = p.End
		got, err := t.Digest(ctx, f, p.Begin, p.End)
		if err != nil || got != p.Digest {
			return false, err
		}
	}
	return at < 0 || at == f.Print.Size, nil
}

// Result is a signature that holds.
type Result struct {
	Key    *Key
	Root   string // root digest, hex
	Signed int    // files, or parts of files
	Left   []string
}

// Verify reads the bundle and checks it against keys and model.
func Verify(ctx context.Context, t *tree.Tree, raw []byte, except string, keys []*Key) (Result, error) {
	b, err := ParseBundle(raw)
	if err != nil {
		return Result{}, err
	}
	st, key, err := b.Verify(keys)
	if err != nil {
		return Result{}, err
	}
	if err := st.Check(ctx, t, except); err != nil {
		return Result{}, err
	}
	r := Result{Key: key, Root: strings.ToLower(st.Root), Signed: len(st.Resources)}
	for _, f := range t.Files {
		if !slices.ContainsFunc(st.Resources, func(x Resource) bool { return x.Name == f.Name || x.Name == "." }) {
			r.Left = append(r.Left, path.Clean(f.Name))
		}
	}
	return r, nil
}
