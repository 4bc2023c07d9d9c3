package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/audit"
	"vedette/internal/copilot"
	"vedette/internal/eval/attackeval"
	"vedette/internal/event"
	"vedette/internal/guard"
	"vedette/internal/model"
	"vedette/internal/model/dial"
	"vedette/internal/model/route"
	"vedette/internal/model/wire"
	"vedette/internal/store"
	"vedette/internal/store/memory"
)

// AttackedDoor makes the door of an evaluation: to one model that counts as one
// in the cloud, with a journal that is thrown away. It is the product's own
// door; what an evaluation switches off is in the parts that it hands over.
func AttackedDoor(p attackeval.Parts) (copilot.Mind, func() error, error) {
	dir, err := os.MkdirTemp("", "vedette-eval-")
	if err != nil {
		return nil, nil, err
	}
	journal, err := audit.Open(filepath.Join(dir, journalName), time.Now)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	end := func() error { return errors.Join(journal.Close(), os.RemoveAll(dir)) }
	to := model.Endpoint{Name: "worst-case", Wire: model.OpenAI, URL: p.URL, Model: "worst-case", Location: model.Cloud, Context: 32 << 10}
	provider, err := dial.Open(to, wire.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	door, err := guard.New(guard.Config{
		Journal: journal, Endpoints: []guard.Endpoint{{Endpoint: to, Provider: provider}}, Policy: route.Policy{Mode: route.Hybrid}, Register: everyone{},
		Vaults: p.Vaults, Neutral: func(model.Endpoint) guard.Neutraliser { return p.Neutral }, Questions: event.IsInternal,
	})
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return door, end, nil
}

// AttackedStore is the empty store of an evaluation, in memory.
func AttackedStore() store.Events { return memory.New() }

// everyone lets in the model of an evaluation.
type everyone struct{}

// Admit implements guard.Register.
func (everyone) Admit(context.Context, model.Endpoint) (string, error) {
	return "the worst case of an evaluation", nil
}
