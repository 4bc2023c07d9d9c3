package copilot

import (
	"fmt"
	"slices"
	"sync"

	"vedette/internal/event"
	"vedette/internal/guard"
)

// memory keeps the last sentences that a model worded in each conversation, so
// that it knows what it said. They are as untrusted as any text of a model: they
// come back as labelled items, nothing can be cited from them, and the planner
// never sees them. They are not stored.
type memory struct {
	mu    sync.Mutex
	talks map[string]remembered
	order []string // oldest first
}

type remembered struct {
	sentences []string
	label     event.Label
}

const (
	maxTalks      = 200 // conversations that are remembered
	maxRemembered = 6   // sentences of each
)

func (m *memory) keep(id string, sentences []Sentence, c event.Confidentiality) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.talks == nil {
		m.talks = map[string]remembered{}
	}
	old, known := m.talks[id]
	if !known {
		old.label = untrusted(c)
		m.order = append(m.order, id)
	}
	for _, s := range sentences {
		old.sentences = append(old.sentences, s.Text)
	}
	old.sentences = slices.Clone(old.sentences[max(0, len(old.sentences)-maxRemembered):])
	old.label = old.label.Join(untrusted(c))
	m.talks[id] = old
	if len(m.order) > maxTalks {
		delete(m.talks, m.order[0])
		m.order = m.order[1:]
	}
}

// of gives what was said earlier in a conversation, as items.
func (m *memory) of(id string) []guard.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.talks[id]
	out := make([]guard.Item, len(old.sentences))
	for i, s := range old.sentences {
		out[i] = guard.Item{ID: fmt.Sprintf("M%d", i+1), Field: "said earlier by a model", Value: s, Label: old.label}
	}
	return out
}
