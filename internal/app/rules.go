package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/content"
	"vedette/internal/app/chosen"
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

// Where rules come from, as their file names begin: what ships with the program has
// none, what was set here has this.
const setRule = "settings:"

// loadRules compiles the rules that ship with the program, those of the
// configuration, those in the data directory and those that were set here, but for
// those that were disabled. A rule that is refused leaves the others in force and is
// told by name and reason.
func (a *App) loadRules(ctx context.Context) (*sigma.Set, error) {
	doc, _ := a.set.Now()
	all, stamp, err := a.readRules(ctx, doc)
	if err != nil {
		return nil, err
	}
	all.Docs = slices.DeleteFunc(all.Docs, func(d sigma.Document) bool { _, off := doc.Disabled[d.ID]; return off && d.ID != "" })
	set, refused, err := compileAll(all)
	if err != nil {
		return nil, err
	}
	a.rules.Store(&ruleState{stamp, refused})
	for _, r := range refused {
		a.cfg.Log.Warn("a rule was refused", "component", "sigma", "file", r.File, "rule", r.Rule, "why", r.Reason)
	}
	return set, nil
}

func compileAll(all *rulefile.Loaded) (*sigma.Set, []sigma.Refusal, error) {
	mapping, err := sigma.ParseMapping(content.SigmaMapping())
	if err != nil {
		return nil, nil, err
	}
	set, refused := all.Compile(sigma.Options{Mapping: mapping, Expand: content.RuleValues()})
	return set, refused, nil
}

// readRules reads all rules that there are, disabled ones too.
func (a *App) readRules(ctx context.Context, doc chosen.Doc) (all *rulefile.Loaded, stamp string, err error) {
	all = new(rulefile.Loaded)
	if a.cfg.Detect.BuiltIn {
		if all, err = rulefile.FromFS(content.Rules()); err != nil {
			return nil, "", err
		}
	}
	paths, stamp, err := a.rulePaths()
	if err != nil {
		return nil, "", err
	}
	site, err := rulefile.Load(paths...)
	if err != nil {
		return nil, "", err
	}
	all.Docs, all.Refused = append(all.Docs, site.Docs...), append(all.Refused, site.Refused...)
	for _, r := range doc.Rules {
		text, err := a.set.Text(ctx, r.Text)
		if err != nil {
			return nil, "", err
		}
		docs, refused := sigma.Parse(setRule+r.ID, text)
		all.Docs, all.Refused = append(all.Docs, docs...), append(all.Refused, refused...)
	}
	return all, stamp, nil
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
func (a *App) reloadRules(ctx context.Context) error {
	if !a.writing.TryLock() {
		return nil // events are coming: the next run of maintenance looks again
	}
	defer a.writing.Unlock()
	if a.chain == nil {
		return nil
	}
	a.ruling.Lock()
	defer a.ruling.Unlock()
	_, stamp, err := a.rulePaths()
	if err != nil || stamp == a.rules.Load().stamp {
		return err
	}
	started := time.Now()
	set, err := a.loadRules(ctx)
	if err != nil {
		return err
	}
	a.ruler.Swap(set)
	a.noteJudged()
	a.cfg.Log.Info("rules were loaded anew", "component", "sigma", "rules", set.Len(), "refused", len(a.rules.Load().refusals), "took", time.Since(started))
	return nil
}

// applyRules puts rules in force that were set here, also while events are judged:
// the detector begins with them at the next one.
func (a *App) applyRules(ctx context.Context) error {
	a.ruling.Lock()
	defer a.ruling.Unlock()
	ruler := a.rulerNow.Load()
	if ruler == nil {
		return nil // they are read when the first event comes
	}
	set, err := a.loadRules(ctx)
	if err != nil {
		return err
	}
	ruler.Swap(set)
	if old := a.judgedNow.Load(); old != nil {
		a.judgedNow.Store(&judged{set.Len(), a.rules.Load().refusals, old.conditions})
	}
	return nil
}

// RuleCount is how many rules are in force, once the app is [App.Ready].
func (a *App) RuleCount() int { return a.ruler.Set().Len() }
