// Package ruletest tests detection rules with log lines as they come from the
// field: each rule has lines that must raise it and a twin that must not. The
// lines pass through parser, device identity, behaviour and rules as in the
// product, so that all of them are tested together.
//
// It must not know a rule, a data set or where the rules are kept, and nothing
// of it runs in normal use.
package ruletest

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"vedette/internal/detect"
	"vedette/internal/detect/sigma"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Options are what a pack is read with.
type Options struct {
	Formats []ingest.Format     // of the logs
	Mapping []byte              // which events and fields log sources mean; see [sigma.ParseMapping]
	Expand  map[string][]string // values of %placeholders%

	// Before, if set, makes the detectors that see an event before the rules.
	Before func() []detect.Detector
}

// Pack is a set of rules with their tests.
type Pack struct {
	Entries  []Entry // by path
	Problems []Problem

	opts Options
	set  *sigma.Set
	of   map[string]string // id of a rule -> path of its file

	named map[string]string // name of a rule, for correlations -> path of its file
}

// Entry is a file of a pack: one rule, or a correlation with the rules that it
// counts.
type Entry struct {
	Path  string     // such as modbus/write.yml
	Rule  sigma.Rule // the rule that reports; of a correlation the correlation
	About About      // what it says of itself
	IDs   []string   // of all documents of the file
	Test  []byte     // the txtar file beside it, nil if there is none
}

// Problem is why a file of the pack is no good.
type Problem struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// maxFile is how long a rule or its test may be.
const maxFile = 4 << 20

// Load reads all *.yml files below a folder and the *.txtar beside them, and
// compiles them to one set. What is wrong with single files is in Problems.
func Load(dir fs.FS, opts Options) (*Pack, error) {
	p := &Pack{opts: opts, of: make(map[string]string), named: make(map[string]string)}
	mapping, err := sigma.ParseMapping(opts.Mapping)
	if err != nil {
		return nil, err
	}
	docs, err := p.read(dir)
	if err != nil {
		return nil, err
	}
	var refused []sigma.Refusal
	p.set, refused = sigma.Compile(docs, sigma.Options{Mapping: mapping, Expand: opts.Expand})
	for _, r := range append(refused, p.set.Notes()...) {
		p.problem(r.File, "%s: %s", r.Rule, r.Reason)
	}
	p.enter()
	return p, nil
}

// read reads the files into entries and gives their documents.
func (p *Pack) read(dir fs.FS) ([]sigma.Document, error) {
	var docs []sigma.Document
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yml" && path.Ext(name) != ".yaml" {
			return err
		}
		data, err := readFile(dir, name)
		if err != nil {
			return err
		}
		got, refused := sigma.Parse(name, data)
		for _, r := range refused {
			p.problem(name, "%s", r.Reason)
		}
		e := Entry{Path: name}
		for i := range got {
			e.IDs = append(e.IDs, got[i].ID)
			if other, ok := p.of[got[i].ID]; ok {
				p.problem(name, "the id %s is also in %s", got[i].ID, other)
			}
			p.of[got[i].ID] = name
			if other, ok := p.named[got[i].Name]; ok && got[i].Name != "" {
				p.problem(name, "the name %s is also in %s", got[i].Name, other)
			}
			p.named[got[i].Name] = name
		}
		if e.About, err = aboutOf(data); err != nil {
			text, _ := fault.Public(err)
			p.problem(name, "%s", text)
		}
		if test, err := readFile(dir, strings.TrimSuffix(name, path.Ext(name))+".txtar"); err == nil {
			e.Test = test
		}
		docs = append(docs, got...)
		p.Entries = append(p.Entries, e)
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading the rules")
	}
	return docs, nil
}

// enter finds the rule of each entry in the set: the last document, which
// counts those before it if it is a correlation.
func (p *Pack) enter() {
	rules := make(map[string]sigma.Rule)
	for _, r := range p.set.Rules() {
		rules[r.ID] = r
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		if len(e.IDs) == 0 {
			continue
		}
		r, ok := rules[e.IDs[len(e.IDs)-1]]
		if !ok {
			p.problem(e.Path, "the rule %s was not taken", e.IDs[len(e.IDs)-1])
		}
		e.Rule = r
	}
	slices.SortFunc(p.Entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

func readFile(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fault.New(fault.Limited, "%s has more than %d bytes", name, maxFile)
	}
	return fs.ReadFile(dir, name)
}

func (p *Pack) problem(name, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{name, fault.New(fault.Invalid, format, args...).Error()})
}

// Set returns the compiled rules.
func (p *Pack) Set() *sigma.Set { return p.set }

// slug is the path of a rule without its ending.
func slug(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// test is a txtar file of a rule, taken apart.
type test struct {
	devices, config     []byte
	also                []string
	learn, fire, silent []txtar.File
}

func parseTest(data []byte) (test, error) {
	var t test
	for _, f := range txtar.Parse(data).Files {
		folder, _, _ := strings.Cut(f.Name, "/")
		switch {
		case f.Name == "devices.csv":
			t.devices = f.Data
		case f.Name == "config":
			t.config = f.Data
		case f.Name == "also":
			t.also = strings.Fields(string(f.Data))
		case folder == "learn":
			t.learn = append(t.learn, f)
		case folder == "fire":
			t.fire = append(t.fire, f)
		case folder == "silent":
			t.silent = append(t.silent, f)
		default:
			return t, fault.New(fault.Invalid, "the test has a section %q", f.Name).WithHint("sections are devices.csv, config, also, learn/NAME, fire/NAME, silent/NAME")
		}
		if len(bytes.TrimSpace(f.Data)) == 0 && f.Name != "also" {
			return t, fault.New(fault.Invalid, "the section %s of the test is empty", f.Name)
		}
	}
	if len(t.fire) == 0 || len(t.silent) == 0 {
		return t, fault.New(fault.Invalid, "the test lacks lines that must raise the rule, or lines that must not").WithHint("add sections fire/NAME.log and silent/NAME.log")
	}
	return t, nil
}
