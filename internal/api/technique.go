package api

import (
	"context"
	"net/http"
	"time"

	"vedette/internal/event"

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
	// Seen counts what was found over all findings: the devices that met an
	// indicator in 90 days, and the techniques seen in 30.
	Seen(ctx context.Context) (IntelSeen, error)
}

// IntelSeen is what intelligence was met with. What is most on top.
type IntelSeen struct {
	Hits       []SeenDevice    `json:"hits"`
	Techniques []SeenTechnique `json:"techniques"`
	Cut        bool            `json:"cut"` // there are more kinds of findings than were counted
}

// SeenDevice is a device that met an indicator.
type SeenDevice struct {
	Device   string         `json:"device"` // uid; "": none that is known
	Name     string         `json:"name,omitempty"`
	Severity event.Severity `json:"severity"` // the gravest
	Findings int64          `json:"findings"`
	Titles   []string       `json:"titles"` // the most frequent
	Last     time.Time      `json:"last"`
}

// SeenTechnique is a technique that findings name.
type SeenTechnique struct {
	ID       string    `json:"id"`
	Name     string    `json:"name,omitempty"`
	Devices  int       `json:"devices"`
	Findings int64     `json:"findings"`
	Titles   []string  `json:"titles"`
	Last     time.Time `json:"last"`
}

func techniques(mux *http.ServeMux, s Techniques) {
	mux.HandleFunc("POST /local/intel/technique", reply(func(r *http.Request) (any, error) {
		var id string
		if err := decode(r, &id); err != nil {
			return nil, err
		}
		return s.Technique(r.Context(), id)
	}))
	mux.HandleFunc("GET /local/intel/seen", reply(func(r *http.Request) (any, error) { return s.Seen(r.Context()) }))
}

// Technique implements [Techniques].
func (c *Client) Technique(ctx context.Context, id string) (TechniqueAnswer, error) {
	var out TechniqueAnswer
	err := c.post(ctx, "/local/intel/technique", id, &out)
	return out, err
}

// Seen implements [Techniques].
func (c *Client) Seen(ctx context.Context) (IntelSeen, error) {
	var out IntelSeen
	err := c.do(ctx, http.MethodGet, "/local/intel/seen", nil, &out)
	return out, err
}
