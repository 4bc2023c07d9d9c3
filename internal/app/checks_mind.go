package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register"
)

// mindChecks tells of models that cannot be used although somebody meant them to
// be, and of documents about vulnerabilities that cannot be read.
func (a *App) mindChecks(ctx context.Context) []api.Check {
	return []api.Check{a.modelsCheck(ctx), a.vulnsCheck(ctx), a.pullsCheck()}
}

func (a *App) modelsCheck(ctx context.Context) api.Check {
	var wrong []string
	for _, d := range a.models.Damaged() {
		wrong = append(wrong, fmt.Sprintf("the record of %s cannot be read", d.ID))
	}
	for _, b := range a.minds.now.Load().broken {
		wrong = append(wrong, fmt.Sprintf("endpoint %s cannot be used as it is configured: %s", b.endpoint.Name, b.problem))
	}
	approved := 0
	for _, e := range a.models.List() {
		if e.State == register.Approved {
			approved++
		}
	}
	for _, e := range a.minds.now.Load().endpoints {
		if _, err := (approvals{a.cfg.Mind.Chosen, a.models}).Admit(ctx, e); err != nil {
			wrong = append(wrong, fmt.Sprintf("the model at endpoint %s is not used: %s", e.Name, reasonOf(err)))
		}
	}
	if len(wrong) > 0 {
		return api.Check{Name: "models", State: api.Warning, Text: strings.Join(wrong, "; "), Do: "see: vedette models, and vedette models explain QUESTION; the built-in engine answers meanwhile"}
	}
	if approved == 0 && len(a.minds.now.Load().endpoints) == 0 {
		return api.Check{Name: "models", State: api.OK, Text: "no language model is configured; the built-in engine answers"}
	}
	return api.Check{Name: "models", State: api.OK, Text: fmt.Sprintf("%d approved, %d endpoints, mode %s", approved, len(a.minds.now.Load().endpoints), a.mindNow().Policy.Mode)}
}

// reasonOf is the text of ours behind the refusal of a model.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Cause != nil {
		err = e.Cause
	}
	text, _ := fault.Public(err)
	return text
}

func (a *App) vulnsCheck(ctx context.Context) api.Check {
	problems, err := a.vulns.lib.Problems(ctx)
	switch {
	case err != nil:
		return failed("vulnerabilities", err)
	case len(problems) > 0:
		return api.Check{
			Name: "vulnerabilities", State: api.Warning, Text: "files that cannot be read: " + shortList(problems),
			Do: "import their documents again; the others are used meanwhile",
		}
	}
	index, err := a.vulns.lib.Index(ctx)
	if err != nil {
		return failed("vulnerabilities", err)
	}
	var old []string
	for _, p := range index.Publishers() {
		if p.Outdated > 0 {
			old = append(old, fmt.Sprintf("%d of kind %s by %s", p.Outdated, p.Kind, cmp.Or(p.Publisher, "nobody named")))
		}
	}
	if len(old) > 0 {
		return api.Check{
			Name: "vulnerabilities", State: api.Warning, Text: "documents that an earlier version read, which read less of them: " + shortList(old),
			Do: "take them in again with: vedette advisories import PATH; what is pulled is pulled anew by itself; they are used as they are meanwhile",
		}
	}
	return api.Check{Name: "vulnerabilities", State: api.OK, Text: "all documents that were imported can be read"}
}
