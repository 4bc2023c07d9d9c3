package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/content"
	"vedette/internal/detect/sigma"
	"vedette/internal/fault"
)

// rulesName is the folder of a site's own rules in the data directory.
const rulesName = "rules"

// maxRuleFile is the largest file of rules that is read, in bytes.
const maxRuleFile = 4 << 20

// ruleState is what the rules in force were made of.
type ruleState struct {
	stamp    string // of the files, to see when they change
	refusals []sigma.Refusal
}

// loadRules compiles the rules that ship with the program, those of the
// configuration and those in the data directory. A rule that is refused leaves
// the others in force and is told by name and reason.
func (a *App) loadRules() (*sigma.Set, error) {
	mapping, err := sigma.ParseMapping(content.SigmaMapping())
	if err != nil {
		return nil, err
	}
	var docs []sigma.Document
	a.rules = ruleState{}
	if a.cfg.Detect.BuiltIn {
		if err := a.builtInRules(&docs); err != nil {
			return nil, err
		}
	}
	files, stamp, err := a.ruleFiles()
	if err != nil {
		return nil, err
	}
	a.rules.stamp = stamp
	for _, path := range files {
		data, err := readRules(path)
		if err != nil {
			return nil, err
		}
		got, refused := sigma.Parse(path, data)
		docs, a.rules.refusals = append(docs, got...), append(a.rules.refusals, refused...)
	}
	set, refused := sigma.Compile(docs, sigma.Options{Mapping: mapping})
	a.rules.refusals = append(a.rules.refusals, refused...)
	for _, r := range a.rules.refusals {
		a.cfg.Log.Warn("a rule was refused", "component", "sigma", "file", r.File, "rule", r.Rule, "why", r.Reason)
	}
	return set, nil
}

func (a *App) builtInRules(docs *[]sigma.Document) error {
	pack := content.Rules()
	return fs.WalkDir(pack, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRuleFile(path) {
			return err
		}
		data, err := fs.ReadFile(pack, path)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "reading the built-in rule %s", path)
		}
		got, refused := sigma.Parse("built-in/"+path, data)
		*docs, a.rules.refusals = append(*docs, got...), append(a.rules.refusals, refused...)
		return nil
	})
}

func isRuleFile(path string) bool {
	return strings.HasSuffix(path, ".yml") || strings.HasSuffix(path, ".yaml")
}

func readRules(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxRuleFile {
		return nil, fault.New(fault.Invalid, "the file of rules %s has %d bytes, at most %d are read", path, info.Size(), maxRuleFile).WithHint("split it")
	}
	data, err := os.ReadFile(path) //nolint:gosec // G304: the operator named it, or it lies in the data directory
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading the rules %s", path)
	}
	return data, nil
}

// ruleFiles lists the site's files of rules, and what tells when they change.
// A path of the configuration that does not exist is a fault.
func (a *App) ruleFiles() (files []string, stamp string, err error) {
	var b strings.Builder
	add := func(path string, info fs.FileInfo) {
		files = append(files, path)
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	own := filepath.Join(a.cfg.Dir, rulesName)
	for _, root := range append(slices.Clone(a.cfg.Detect.Rules), own) {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (isRuleFile(path) || path == root) {
				info, err := d.Info()
				if err != nil {
					return err
				}
				add(path, info)
			}
			return nil
		})
		if err != nil && (root != own || !errors.Is(err, fs.ErrNotExist)) {
			return nil, "", fault.Wrap(fault.NotFound, err, "looking for rules in %s", root).WithHint("correct detect.rules in the configuration")
		}
	}
	return files, b.String(), nil
}

// reloadRules puts the rules in force anew when a file of them has changed.
// If that fails, those in force stay.
func (a *App) reloadRules() error {
	_, stamp, err := a.ruleFiles()
	if err != nil || stamp == a.rules.stamp {
		return err
	}
	before, started := a.rules, time.Now()
	set, err := a.loadRules()
	if err != nil {
		a.rules = before
		return err
	}
	a.detectors.sigma.Swap(set)
	a.cfg.Log.Info("rules were loaded anew", "component", "sigma", "rules", set.Len(), "refused", len(a.rules.refusals), "took", time.Since(started))
	return nil
}
