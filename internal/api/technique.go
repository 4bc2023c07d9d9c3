package api

import (
	"context"
	"net/http"
	"time"

	"vedette/internal/intel"
	"vedette/internal/intel/answer"
)

// TechniqueAnswer is what is known here of a technique of ATT&CK or ATLAS.
type TechniqueAnswer struct {
	ID       string            `json:"id"` // that stands for it now
	Asked    string            `json:"asked"`
	Name     string            `json:"name"`
	Tactics  []string          `json:"tactics"`
	Rules    []TechniqueRule   `json:"rules"`    // in force that detect it
	Findings int64             `json:"findings"` // kept, in all
	Last     *time.Time        `json:"last,omitempty"`
	Devices  []TechniqueDevice `json:"devices"` // of the newest findings, most first
	Cut      bool              `json:"cut"`     // there are more findings than were looked at
	Uses     []intel.Use       `json:"uses"`    // what indicators say that uses it
	Measures []answer.Measure  `json:"measures"`
	Patterns []answer.Pattern  `json:"patterns"`
}

// TechniqueRule is a rule that detects a technique.
type TechniqueRule struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Level string `json:"level"`
}

// TechniqueDevice is a device on which it was found.
type TechniqueDevice struct {
	UID      string    `json:"uid,omitempty"`
	Name     string    `json:"name"`
	Findings int       `json:"findings"`
	Last     time.Time `json:"last"`
}

// Techniques tells of techniques.
type Techniques interface {
	Technique(ctx context.Context, id string) (TechniqueAnswer, error)
}

func techniques(mux *http.ServeMux, s Techniques) {
	mux.HandleFunc("POST /local/intel/technique", reply(func(r *http.Request) (any, error) {
		var id string
		if err := decode(r, &id); err != nil {
			return nil, err
		}
		return s.Technique(r.Context(), id)
	}))
}

// Technique implements [Techniques].
func (c *Client) Technique(ctx context.Context, id string) (TechniqueAnswer, error) {
	var out TechniqueAnswer
	err := c.post(ctx, "/local/intel/technique", id, &out)
	return out, err
}
