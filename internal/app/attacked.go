package app

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vedette/internal/audit"
	"vedette/internal/eval/attackeval"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/guard/worstcase"
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
func AttackedDoor(p attackeval.Parts) (attackeval.Doorway, error) {
	to := model.Endpoint{Name: "worst-case", Wire: model.OpenAI, URL: p.URL, Model: "worst-case", Location: model.Cloud, Context: 32 << 10}
	return attackedDoor(to, p, func(p model.Provider) model.Provider { return p })
}

// AttackedModel makes doors to the first model of a configuration. It counts as
// one in the cloud, wherever it runs, so that all controls are in force.
func AttackedModel(cfg Config) (attackeval.Doors, string, error) {
	if len(cfg.Endpoints) == 0 {
		return nil, "", fault.New(fault.Invalid, "no model is configured").WithHint("name one in the configuration, or by VEDETTE_MODEL_URL and VEDETTE_MODEL_NAME")
	}
	to := known(cfg.Endpoints[0])
	to.Location = model.Cloud
	return func(p attackeval.Parts) (attackeval.Doorway, error) {
		var seen watched
		door, err := attackedDoor(to, p, func(p model.Provider) model.Provider {
			seen.Provider = p
			return &seen
		})
		door.Taken = seen.take
		return door, err
	}, to.Name + " (" + to.Model + ")", nil
}

func attackedDoor(to model.Endpoint, p attackeval.Parts, watch func(model.Provider) model.Provider) (attackeval.Doorway, error) {
	var none attackeval.Doorway
	dir, err := os.MkdirTemp("", "vedette-eval-")
	if err != nil {
		return none, err
	}
	journal, err := audit.Open(filepath.Join(dir, journalName), time.Now)
	if err != nil {
		return none, errors.Join(err, os.RemoveAll(dir))
	}
	end := func() error { return errors.Join(journal.Close(), os.RemoveAll(dir)) }
	provider, err := dial.Open(to, wire.Options{})
	if err != nil {
		return none, errors.Join(err, end())
	}
	door, err := guard.New(guard.Config{
		Journal: journal, Endpoints: []guard.Endpoint{{Endpoint: to, Provider: watch(provider)}}, Policy: route.Policy{Mode: route.Hybrid}, Register: everyone{},
		Vaults: p.Vaults, Neutral: func(model.Endpoint) guard.Neutraliser { return p.Neutral }, Questions: event.IsInternal,
	})
	if err != nil {
		return none, errors.Join(err, end())
	}
	return attackeval.Doorway{Mind: door, End: end}, nil
}

// watched keeps what is sent to a model.
type watched struct {
	model.Provider
	mu   sync.Mutex
	sent []worstcase.Asked
}

// Generate implements model.Provider.
func (w *watched) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Piece, error] {
	var text []string
	for _, m := range req.Messages {
		text = append(text, m.Text)
	}
	w.mu.Lock()
	w.sent = append(w.sent, worstcase.Asked{Model: req.Model, System: req.System, Text: strings.Join(text, "\n")})
	w.mu.Unlock()
	return w.Provider.Generate(ctx, req)
}

func (w *watched) take() []worstcase.Asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.sent
	w.sent = nil
	return out
}

// AttackedStore is the empty store of an evaluation, in memory.
func AttackedStore() store.Events { return memory.New() }

// everyone lets in the model of an evaluation.
type everyone struct{}

// Admit implements guard.Register.
func (everyone) Admit(context.Context, model.Endpoint) (string, error) {
	return "the worst case of an evaluation", nil
}
