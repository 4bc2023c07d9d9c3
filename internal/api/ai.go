package api

import (
	"context"
	"time"
)

// AI is which engines answer, and what went to models.
type AI struct {
	Mode   string    `json:"mode"` // how far requests may go at all
	Asked  bool      `json:"asked"`
	Models []AIModel `json:"models"`
	Sent   []AICall  `json:"sent"` // the newest calls first
}

// AIModel is a model of the register.
type AIModel struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Name     string `json:"name"`     // as its endpoint knows it
	Location string `json:"location"` // on-premises or cloud
	By       string `json:"by"`       // who decided last
	Problem  string `json:"problem,omitempty"`
}

// AICall is one entry of the egress ledger.
type AICall struct {
	Time     time.Time `json:"time"`
	Person   string    `json:"person"`
	Task     string    `json:"task"`
	Endpoint string    `json:"endpoint"`
	Location string    `json:"location"`
	Label    string    `json:"label"`
	Outcome  string    `json:"outcome"` // sent or refused
	Bytes    string    `json:"bytes,omitempty"`
	Why      string    `json:"why,omitempty"`
}

// FoundModel is a model on a server that was found. All of it is the server's
// word.
type FoundModel struct {
	URL      string   `json:"url"`
	Software string   `json:"software"`
	Name     string   `json:"name"`
	Family   string   `json:"family"`
	Context  int      `json:"context,omitempty"`
	Size     int64    `json:"size,omitempty"`
	Lacks    []string `json:"lacks"`
	Usable   bool     `json:"usable"`
	Cloud    string   `json:"cloud,omitempty"`  // where it really runs, if not there
	Digest   string   `json:"digest,omitempty"` // as its server tells it
}

// ModelUse is a person's approval of a found model.
type ModelUse struct {
	URL   string `json:"url"`
	Model string `json:"model"`
	By    string `json:"by"`
	Why   string `json:"why"`
}

// Minds shows the models and lets a person put one to work.
type Minds interface {
	// ShowAI returns the register and at most n calls.
	ShowAI(ctx context.Context, n int) (AI, error)
	// FindModels looks for model servers on this machine.
	FindModels(ctx context.Context) ([]FoundModel, error)
	// UseModel proposes and approves a found model in a person's name.
	UseModel(ctx context.Context, use ModelUse) error
}
