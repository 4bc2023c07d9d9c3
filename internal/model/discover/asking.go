package discover

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"

	"vedette/internal/model"
	"vedette/internal/model/family"
	"vedette/internal/model/wire"
)

// asking is the talk with one place.
type asking struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the look
	client *wire.Client
	server Server
}

// get asks for one path.
func (q *asking) get(path string, into any) error {
	return q.client.Call(q.ctx, path, nil, nil, into)
}

// openAI is the list that all of them have.
type openAI struct {
	Data []struct {
		ID      string `json:"id"`
		Owner   string `json:"owned_by"`
		Longest int    `json:"max_model_len"`
		Meta    struct {
			Train int   `json:"n_ctx_train"`
			Size  int64 `json:"size"`
			Count int64 `json:"n_params"`
		} `json:"meta"`
	} `json:"data"`
}

// identify asks what the place is by the paths that only one kind has, all at
// once, and then for its models.
func (q *asking) identify(named bool) bool {
	var (
		list    openAI
		version struct {
			Version string `json:"version"`
		}
		studio    studioList
		props     llamaProps
		listErr   error
		isOllama  bool
		isStudio  bool
		isLlama   bool
		wg        sync.WaitGroup
		vllmKnown bool
	)
	wg.Go(func() { listErr = q.get("v1/models", &list) })
	wg.Go(func() {
		var tags ollamaTags // /api/version alone might be anything's
		isOllama = q.get("api/version", &version) == nil && version.Version != "" && q.get("api/tags", &tags) == nil && tags.Models != nil
	})
	wg.Go(func() {
		isStudio = q.get("api/v0/models", &studio) == nil && len(studio.Data) > 0 && studio.Data[0].State != ""
	})
	wg.Go(func() { isLlama = q.get("props", &props) == nil && props.known() })
	wg.Wait()
	for _, m := range list.Data {
		vllmKnown = vllmKnown || m.Owner == "vllm"
	}
	switch {
	case isOllama:
		q.server.Software, q.server.Version = Ollama, model.Line(version.Version)
		q.ollama()
	case isStudio:
		q.server.Software = LMStudio
		q.studio(studio)
	case isLlama && listErr == nil:
		q.server.Software, q.server.Version = LlamaCPP, model.Line(props.Build)
		q.plain(list, props.Settings.Context)
	case vllmKnown:
		q.server.Software = VLLM
		if q.get("version", &version) == nil {
			q.server.Version = model.Line(version.Version)
		}
		q.plain(list, 0)
	case listErr == nil && len(list.Data) > 0:
		q.server.Software = Other
		q.plain(list, 0)
	default:
		return q.closed(listErr, named)
	}
	return true
}

// closed tells of a place that asks for a key, or that a person named and that
// does not answer.
func (q *asking) closed(err error, named bool) bool {
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		return false
	}
	said := strings.ToLower(e.Detail)
	key := e.Kind == model.Refused && !strings.HasPrefix(said, "<") && (strings.Contains(said, "key") || strings.Contains(said, "unauthorized") || strings.Contains(said, "token"))
	switch {
	case key:
		q.server.Software, q.server.NeedsKey, q.server.Problem = Other, true, "it wants a key: configure it as an endpoint with key_file"
		return true
	case named:
		q.server.Software, q.server.Problem = "none", e.Kind.String()
		if e.Cause != nil {
			q.server.Problem += ": " + e.Cause.Error()
		}
		return true
	}
	return false
}

// plain takes the list that all of them have. served is the context as it is
// served, if that was told.
func (q *asking) plain(list openAI, served int) {
	for _, m := range list.Data {
		if len(q.server.Models) == maxModels {
			q.server.LeftOut = len(list.Data) - maxModels
			return
		}
		one := Model{Name: model.Line(m.ID), Context: bound(max(served, m.Longest)), MaxContext: bound(m.Meta.Train), Bytes: max(0, m.Meta.Size), Loaded: true, Usable: true}
		if m.Meta.Count > 0 {
			one.Parameters = parameters(m.Meta.Count)
		}
		q.server.Models = append(q.server.Models, one)
	}
}

// parameters writes a count of parameters as people do.
func parameters(n int64) string {
	if n < 1e9 {
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + "M"
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + "B"
}

// bound keeps a count that was told in reason.
func bound(n int) int { return min(max(n, 0), 1<<27) }

// llamaProps are what llama.cpp's server tells of itself.
type llamaProps struct {
	Build    string `json:"build_info"`
	Path     string `json:"model_path"`
	Slots    int    `json:"total_slots"`
	Settings struct {
		Context int `json:"n_ctx"`
	} `json:"default_generation_settings"`
}

func (p llamaProps) known() bool { return p.Slots > 0 && p.Settings.Context > 0 }

// studioList is what LM Studio tells beyond the common list.
type studioList struct {
	Data []struct {
		ID           string `json:"id"`
		Type         string `json:"type"`
		Architecture string `json:"arch"`
		Quantization string `json:"quantization"`
		State        string `json:"state"`
		Longest      int    `json:"max_context_length"`
		Loaded       int    `json:"loaded_context_length"`
	} `json:"data"`
}

func (q *asking) studio(list studioList) {
	for _, m := range list.Data {
		if len(q.server.Models) == maxModels {
			q.server.LeftOut = len(list.Data) - maxModels
			return
		}
		q.server.Models = append(q.server.Models, Model{
			Name: model.Line(m.ID), Architecture: model.Line(m.Architecture), Quantization: model.Line(m.Quantization),
			Context: bound(m.Loaded), MaxContext: bound(m.Longest), Loaded: m.State == "loaded", Usable: m.Type != "embeddings",
		})
	}
}

// judge says what a model lacks for our use.
func (m *Model) judge(software string) {
	f := family.MatchFile(m.Architecture, m.Name)
	m.Family = f.Name
	m.Structured = software != Other && m.Remote == "" // all four hold a model to a schema by a grammar
	say := func(text string) { m.Lacks = append(m.Lacks, text) }
	switch {
	case m.Remote != "":
		say("it does not run there: the server sends what it is asked to " + m.Remote + "; configure it as a cloud endpoint or not at all")
	case !m.Usable:
		say("it makes no text")
		return
	}
	if f.Name == family.Unknown {
		say("its family is not known: its control tokens are guarded by the built-in list only")
	}
	if !m.Structured {
		say("whether it can be held to a schema is not known: answers that are not of the form are dropped")
	}
	const enough = 8192
	switch {
	case m.Context == 0 && software == Ollama:
		say("how much it holds is not told until it is loaded; Ollama gives 4096 tokens or more by its own settings (OLLAMA_CONTEXT_LENGTH)")
	case m.Context == 0:
		say("how much it holds is not told")
	case m.Context < enough:
		say("it holds " + strconv.Itoa(m.Context) + " tokens as it is served: evidence is cut to fit, 8192 are enough for most questions")
	}
	if f.Thinks {
		say("it may think before it answers, which takes time and tokens")
	}
	if m.Digest == "" {
		say("the server tells no digest: a change of the model is seen by its name and its answers only")
	}
}

// object reads a JSON object whose values are of any type.
type object map[string]json.RawMessage

// number is a field that is a whole number, or 0.
func (o object) number(name string) int {
	var n int
	_ = json.Unmarshal(o[name], &n) // what is no number stays 0
	return n
}

// text is a field that is a text, or "".
func (o object) text(name string) string {
	var s string
	_ = json.Unmarshal(o[name], &s) // what is no text stays empty
	return model.Line(s)
}
