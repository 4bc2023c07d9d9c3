package discover

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"vedette/internal/model"
)

// ollamaTags are the models that an Ollama has.
type ollamaTags struct {
	Models []struct {
		Name       string `json:"name"`
		Digest     string `json:"digest"`
		Size       int64  `json:"size"`
		RemoteHost string `json:"remote_host"`
		Details    struct {
			Family       string `json:"family"`
			Parameters   string `json:"parameter_size"`
			Quantization string `json:"quantization_level"`
		} `json:"details"`
	} `json:"models"`
}

// ollamaRunning are those that are loaded.
type ollamaRunning struct {
	Models []struct {
		Name    string `json:"name"`
		Context int    `json:"context_length"`
	} `json:"models"`
}

// ollamaShow is what it tells of one.
type ollamaShow struct {
	Parameters   string   `json:"parameters"`
	Capabilities []string `json:"capabilities"`
	Info         object   `json:"model_info"`
	RemoteHost   string   `json:"remote_host"`
}

// ollama lists the models of an Ollama with what it tells of each.
func (q *asking) ollama() {
	var tags ollamaTags
	var running ollamaRunning
	var wg sync.WaitGroup
	wg.Go(func() { _ = q.get("api/ps", &running) }) // an older one has it not
	if err := q.get("api/tags", &tags); err != nil {
		q.server.Problem = "it does not list its models"
	}
	wg.Wait()
	loaded := map[string]int{}
	for _, m := range running.Models {
		loaded[m.Name] = max(1, m.Context)
	}
	for _, m := range tags.Models {
		if len(q.server.Models) == maxModels {
			q.server.LeftOut = len(tags.Models) - maxModels
			break
		}
		one := Model{
			Name: model.Line(m.Name), Architecture: model.Line(m.Details.Family), Parameters: model.Line(m.Details.Parameters),
			Quantization: model.Line(m.Details.Quantization), Bytes: max(0, m.Size), Remote: model.Line(m.RemoteHost), Usable: true,
		}
		if one.Remote == "" && (strings.HasSuffix(one.Name, "-cloud") || strings.HasSuffix(one.Name, ":cloud")) {
			one.Remote = "a cloud, by its name"
		}
		if len(m.Digest) == 64 {
			one.Digest = "sha256:" + model.Line(m.Digest)
		}
		if context, ok := loaded[m.Name]; ok {
			one.Loaded = true
			if context > 1 {
				one.Context = bound(context)
			}
		}
		q.server.Models = append(q.server.Models, one)
	}
	q.shows()
}

// shows asks about the models one by one, four at a time.
func (q *asking) shows() {
	four := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for i := range q.server.Models[:min(len(q.server.Models), maxDetails)] {
		wg.Go(func() {
			four <- struct{}{}
			defer func() { <-four }()
			m := &q.server.Models[i]
			var show ollamaShow
			if q.client.Call(q.ctx, "api/show", nil, map[string]string{"model": m.Name}, &show) == nil {
				m.take(show)
			}
		})
	}
	wg.Wait()
}

// take adds what an Ollama tells of one model.
func (m *Model) take(show ollamaShow) {
	if architecture := show.Info.text("general.architecture"); architecture != "" {
		m.Architecture = architecture
		m.MaxContext = bound(show.Info.number(architecture + ".context_length"))
	}
	if m.Context == 0 {
		for line := range strings.Lines(show.Parameters[:min(len(show.Parameters), 10_000)]) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "num_ctx" {
				n, _ := strconv.Atoi(f[1]) // what is no number stays 0
				m.Context = bound(n)
			}
		}
	}
	if show.RemoteHost != "" {
		m.Remote = model.Line(show.RemoteHost)
	}
	for _, c := range show.Capabilities[:min(len(show.Capabilities), 20)] {
		m.Abilities = append(m.Abilities, model.Line(c))
	}
	m.Usable = len(m.Abilities) == 0 || slices.Contains(m.Abilities, "completion")
}
