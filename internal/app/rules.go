package app

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/content"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/fault"
)

// rulesName is the folder of a site's own rules in the data directory.
const rulesName = "rules"

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
	all := new(rulefile.Loaded)
	if a.cfg.Detect.BuiltIn {
		if all, err = rulefile.FromFS(content.Rules()); err != nil {
			return nil, err
		}
	}
	paths, stamp, err := a.rulePaths()
	if err != nil {
		return nil, err
	}
	site, err := rulefile.Load(paths...)
	if err != nil {
		return nil, err
	}
	all.Docs, all.Refused = append(all.Docs, site.Docs...), append(all.Refused, site.Refused...)
	set, refused := all.Compile(sigma.Options{Mapping: mapping, Expand: content.RuleValues()})
	a.rules = ruleState{stamp, refused}
	for _, r := range refused {
		a.cfg.Log.Warn("a rule was refused", "component", "sigma", "file", r.File, "rule", r.Rule, "why", r.Reason)
	}
	return set, nil
}

// rulePaths are where the site's own rules are, and what tells when a file of
// them changes.
func (a *App) rulePaths() (paths []string, stamp string, err error) {
	paths = slices.Clone(a.cfg.Detect.Rules)
	own := filepath.Join(a.cfg.Dir, rulesName)
	if _, err := os.Stat(own); err == nil {
		paths = append(paths, own)
	}
	var b strings.Builder
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
			}
			return err
		})
		if err != nil {
			return nil, "", fault.Wrap(fault.NotFound, err, "looking for rules in %s", root).WithHint("correct detect.rules in the configuration")
		}
	}
	return paths, b.String(), nil
}

// reloadRules puts the rules in force anew when a file of them has changed.
// If that fails, those in force stay.
func (a *App) reloadRules() error {
	if !a.writing.TryLock() {
		return nil // events are coming: the next run of maintenance looks again
	}
	defer a.writing.Unlock()
	if a.chain == nil {
		return nil
	}
	_, stamp, err := a.rulePaths()
	if err != nil || stamp == a.rules.stamp {
		return err
	}
	before, started := a.rules, time.Now()
	set, err := a.loadRules()
	if err != nil {
		a.rules = before
		return err
	}
	a.ruler.Swap(set)
	a.noteJudged()
	a.cfg.Log.Info("rules were loaded anew", "component", "sigma", "rules", set.Len(), "refused", len(a.rules.refusals), "took", time.Since(started))
	return nil
}

// RuleCount is how many rules are in force, once the app is [App.Ready].
func (a *App) RuleCount() int { return a.ruler.Set().Len() }
