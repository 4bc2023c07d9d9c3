// Package inspect tells what the files of a model are, by what they hold and
// not by their names alone, and refuses a model with a file that a loader could
// run: pickles in any wrapping, programs, scripts, libraries, archives. What it
// does not know it refuses too, by name: the list is one of what may be there.
//
// It recognises kinds; it does not look for harm inside a kind. There is no
// scanner of pickle opcodes: a refusal cannot be tricked.
package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/model/register/gguf"
	"vedette/internal/model/register/safetensors"
	"vedette/internal/model/register/tree"
)

// maxNamed bounds how many refused files one error names.
const maxNamed = 20

// Facts are what the headers of a model's files tell. They are the words of
// whoever made the files.
type Facts struct {
	Format        string   `json:"format"` // "GGUF" or "safetensors"
	Name          string   `json:"name,omitempty"`
	Architecture  string   `json:"architecture,omitempty"`
	License       string   `json:"license,omitempty"`
	Quantisation  string   `json:"quantisation,omitempty"`
	Context       int64    `json:"context,omitempty"`
	Parameters    int64    `json:"parameters,omitempty"`
	Tensors       int      `json:"tensors"`
	Tokenizer     string   `json:"tokenizer,omitempty"`
	Control       []string `json:"control_tokens,omitempty"` // at most maxControl
	ControlCount  int      `json:"control_token_count,omitempty"`
	Template      string   `json:"chat_template,omitempty"`        // at most maxTemplate bytes
	TemplateSHA   string   `json:"chat_template_sha256,omitempty"` // of all of it
	TemplateBytes int      `json:"chat_template_bytes,omitempty"`
	Notes         []string `json:"notes,omitempty"` // what a person should know, in our words
}

// The limits of what is kept of a header in the register.
const (
	maxControl  = 8192
	maxTemplate = 64 << 10
	maxText     = 256
)

// Look reads the headers of all files of a model and refuses what may not be in
// one. The context tokens and templates are those of the first file that has
// them, in the order of names.
func Look(ctx context.Context, t *tree.Tree) (Facts, error) {
	var l looker
	for _, f := range t.Files {
		if err := ctx.Err(); err != nil {
			return Facts{}, fault.Wrap(fault.Unavailable, err, "reading the model %s", t.Path)
		}
		if err := l.file(t, f); err != nil {
			return Facts{}, err
		}
	}
	if len(l.bad) > 0 {
		return Facts{}, fault.New(fault.Invalid, "the model %s is refused: %s", t.Path, listed(l.bad)).
			WithHint("hand over the weights as GGUF or safetensors, in a directory with nothing but them and their texts")
	}
	if l.facts.Format == "" {
		return Facts{}, fault.New(fault.Invalid, "the model %s is refused: no file of it is GGUF or safetensors", t.Path).
			WithHint("those two formats are taken: they hold no code that a loader would run")
	}
	return l.facts, nil
}

func listed(bad []string) string {
	if more := len(bad) - maxNamed; more > 0 {
		bad = append(slices.Clone(bad[:maxNamed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(bad, "; ")
}

type looker struct {
	facts Facts
	bad   []string
}

func (l *looker) file(t *tree.Tree, f tree.File) (err error) {
	in, err := t.Open(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	kind, why, err := sniff(in, f.Print.Size, f.Name)
	switch {
	case err != nil:
		return fault.Wrap(fault.Unavailable, err, "reading the model %s: %q", t.Path, f.Name)
	case why != "":
		l.bad = append(l.bad, fmt.Sprintf("%q %s", f.Name, why))
		return nil
	case kind == isGGUF:
		return l.gguf(in, f)
	case kind == isSafetensors:
		return l.safetensors(in, f)
	}
	return nil
}

// refused keeps what is wrong with a header as one bad file among others; what
// cannot be read at all ends the look.
func (l *looker) refused(name string, err error) error {
	if fault.KindOf(err) != fault.Invalid {
		return err
	}
	l.bad = append(l.bad, fmt.Sprintf("%q: %s", name, err))
	return nil
}

func (l *looker) gguf(in io.ReaderAt, f tree.File) error {
	h, err := gguf.Read(in, f.Print.Size)
	if err != nil {
		return l.refused(f.Name, err)
	}
	s := &l.facts
	s.Format = cmp.Or(s.Format, "GGUF")
	s.Name, s.Architecture = cmp.Or(s.Name, short(h.Name)), cmp.Or(s.Architecture, short(h.Architecture))
	s.License, s.Tokenizer = cmp.Or(s.License, short(h.License)), cmp.Or(s.Tokenizer, short(h.Tokenizer))
	s.Quantisation, s.Context = cmp.Or(s.Quantisation, h.FileType, h.Quantisation), cmp.Or(s.Context, h.Context)
	s.Parameters, s.Tensors = s.Parameters+h.Parameters, s.Tensors+h.Tensors
	if s.ControlCount == 0 {
		s.Control, s.ControlCount = h.Control[:min(len(h.Control), maxControl)], len(h.Control)+h.ControlLeft
	}
	if d, ok := h.Template(); ok && s.TemplateSHA == "" {
		s.Template, s.TemplateSHA, s.TemplateBytes = d.Text[:min(len(d.Text), maxTemplate)], d.Digest, len(d.Text)
	}
	if len(h.Templates) > 1 {
		l.note("%q carries %d chat templates; the default one is shown", f.Name, len(h.Templates))
	}
	if s.ControlCount > len(s.Control) {
		l.note("%q has %d control tokens; the first %d are kept", f.Name, s.ControlCount, len(s.Control))
	}
	if h.Unsized > 0 {
		l.note("%q has %d tensors of a format unknown here: their ends were not checked", f.Name, h.Unsized)
	}
	if h.Trailing > 0 {
		l.note("%q has %d bytes after its last tensor", f.Name, h.Trailing)
	}
	if !strings.HasPrefix(h.FileType, h.Quantisation) && h.FileType != "" { // Q4_K_M is mostly Q4_K
		l.note("%q says it is %s; most of its bytes are %s", f.Name, h.FileType, h.Quantisation)
	}
	return nil
}

func (l *looker) safetensors(in io.ReaderAt, f tree.File) error {
	h, err := safetensors.Read(in, f.Print.Size)
	if err != nil {
		return l.refused(f.Name, err)
	}
	s := &l.facts
	s.Format = cmp.Or(s.Format, "safetensors")
	s.Quantisation = cmp.Or(s.Quantisation, h.Kind)
	s.Name, s.License = cmp.Or(s.Name, short(h.Metadata["name"])), cmp.Or(s.License, short(h.Metadata["license"]))
	s.Architecture = cmp.Or(s.Architecture, short(h.Metadata["modelspec.architecture"]))
	s.Parameters, s.Tensors = s.Parameters+h.Parameters, s.Tensors+h.Tensors
	return nil
}

func (l *looker) note(format string, args ...any) {
	if len(l.facts.Notes) < maxNamed {
		l.facts.Notes = append(l.facts.Notes, fmt.Sprintf(format, args...))
	}
}

// short cuts a text of a header at a character.
func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// suffix is the lower-case ending of a name.
func suffix(name string) string { return strings.ToLower(path.Ext(name)) }
