package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Models keeps the register of models that may be used.
type Models interface {
	Models(ctx context.Context) ([]Model, error)
	Model(ctx context.Context, id string) (Model, error)
	ProposeModel(ctx context.Context, p ModelProposal) (Model, error)
	DecideModel(ctx context.Context, d ModelDecision) (Model, error)
	VerifyModel(ctx context.Context, v ModelVerification) ([]ModelFinding, error)
	// ExportModels writes a CycloneDX bill of the models with these ids, of all
	// without ids.
	ExportModels(ctx context.Context, ids []string, out io.Writer) error
}

// Model is a model of the register.
type Model struct {
	ID           string            `json:"id"`
	State        string            `json:"state"` // proposed, approved, retired, damaged
	Revision     int               `json:"revision"`
	Problem      string            `json:"problem,omitempty"` // of a damaged record
	Files        *ModelFiles       `json:"files,omitempty"`
	Endpoint     *ModelEndpoint    `json:"endpoint,omitempty"`
	Card         []ModelAnswer     `json:"card"`
	Evaluations  []ModelEvaluation `json:"evaluations"`
	Canaries     []ModelCanary     `json:"canaries"`
	Drift        []ModelDrift      `json:"drift"`
	Unverifiable []string          `json:"unverifiable"`
	History      []ModelStep       `json:"history"`
}

// ModelFiles are the files of a model, and what their headers tell: the words
// of whoever made them.
type ModelFiles struct {
	Path            string          `json:"path"`
	Digest          string          `json:"digest"`
	Bytes           int64           `json:"bytes"`
	Count           int             `json:"count"`
	Format          string          `json:"format"`
	Name            string          `json:"name,omitempty"`
	Architecture    string          `json:"architecture,omitempty"`
	License         string          `json:"license,omitempty"`
	Quantisation    string          `json:"quantisation,omitempty"`
	Tokenizer       string          `json:"tokenizer,omitempty"`
	Context         int64           `json:"context,omitempty"`
	Parameters      int64           `json:"parameters,omitempty"`
	ControlTokens   int             `json:"control_tokens,omitempty"`
	ChatTemplate    string          `json:"chat_template,omitempty"`
	ChatTemplateSHA string          `json:"chat_template_sha256,omitempty"`
	Notes           []string        `json:"notes,omitempty"`
	Signature       *ModelSignature `json:"signature,omitempty"`
}

// ModelSignature is a signature that held when the model was proposed.
type ModelSignature struct {
	Key         string   `json:"key"`
	Fingerprint string   `json:"fingerprint"`
	Root        string   `json:"root"`
	Signed      int      `json:"signed"`
	Left        []string `json:"left,omitempty"`
}

// ModelEndpoint is where a model is asked.
type ModelEndpoint struct {
	Name     string   `json:"name"`
	URL      string   `json:"url"`
	Model    string   `json:"model"`
	Version  string   `json:"version,omitempty"`
	Wire     string   `json:"wire,omitempty"`
	Location string   `json:"location"`
	Pins     []string `json:"tls_keys,omitempty"`
	PinOf    string   `json:"pin_of,omitempty"`
	Trusted  bool     `json:"tls_trusted"` // the chain led to a root of the system when it was pinned
	Served   string   `json:"served_digest,omitempty"`
}

// ModelAnswer is one answer of a model's card.
type ModelAnswer struct {
	Key      string    `json:"key"`
	Question string    `json:"question"`
	Answer   string    `json:"answer,omitempty"`
	Mark     string    `json:"mark"` // verified, declared, unknown
	By       string    `json:"by,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Evidence string    `json:"evidence,omitempty"`
}

// ModelEvaluation is a scored run that was attached.
type ModelEvaluation struct {
	Name    string             `json:"name"`
	Ref     string             `json:"ref"`
	SHA256  string             `json:"sha256"`
	Figures map[string]float64 `json:"figures,omitempty"`
	By      string             `json:"by"`
	At      time.Time          `json:"at"`
}

// ModelCanary is a question that is asked again and again.
type ModelCanary struct {
	Question string `json:"question"`
	Expect   string `json:"expect,omitempty"`
}

// ModelDrift is what the canary questions told at a time.
type ModelDrift struct {
	At      time.Time          `json:"at"`
	By      string             `json:"by"`
	Asked   int                `json:"asked"`
	Same    int                `json:"same"`     // as in the first run
	SameNow int                `json:"same_now"` // as in the run before
	Missed  int                `json:"missed"`   // without what was expected
	Answers []ModelCanaryReply `json:"answers"`
}

// ModelCanaryReply is one answer, as the model wrote it.
type ModelCanaryReply struct {
	Question   string  `json:"question"`
	Answer     string  `json:"answer,omitempty"`
	Similarity float64 `json:"similarity"` // to the run before, 0 to 1
	Problem    string  `json:"problem,omitempty"`
}

// ModelStep is one decision on a model.
type ModelStep struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"`
	State  string    `json:"state"`
	Why    string    `json:"why"`
	Audit  int64     `json:"audit_entry"`
}

// ModelProposal is a model that a person wants to use.
type ModelProposal struct {
	ID        string         `json:"id"`
	By        string         `json:"by"`
	Why       string         `json:"why"`
	Path      string         `json:"path,omitempty"`      // absolute, on the machine of the server
	Signature []byte         `json:"signature,omitempty"` // a bundle
	Inside    string         `json:"inside,omitempty"`    // the bundle's name, if it lies within the model
	Keys      []ModelKey     `json:"keys,omitempty"`      // public keys that the person trusts for it
	Endpoint  *ModelEndpoint `json:"endpoint,omitempty"`  // what is left out is taken from the configuration
	Pin       string         `json:"pin,omitempty"`       // leaf, issuer or none
	Card      []byte         `json:"card,omitempty"`
}

// ModelKey is a public key in PEM form.
type ModelKey struct {
	Name string `json:"name"`
	PEM  []byte `json:"pem"`
}

// ModelAction is what a person decides on a model.
type ModelAction string

// The decisions. Attach adds a scored run.
const (
	ModelApprove ModelAction = "approve"
	ModelRetire  ModelAction = "retire"
	ModelAttach  ModelAction = "attach"
)

// ModelDecision is a person's word on a model.
type ModelDecision struct {
	Action ModelAction `json:"action"`
	ID     string      `json:"id"`
	By     string      `json:"by"`
	Why    string      `json:"why"`
	Name   string      `json:"name,omitempty"` // of the run
	Ref    string      `json:"ref,omitempty"`
	Result []byte      `json:"result,omitempty"`
}

// ModelVerification asks for all of a model to be looked at.
type ModelVerification struct {
	ID  string `json:"id"`
	By  string `json:"by"`
	Ask bool   `json:"ask"` // the canary questions too
}

// ModelFinding is one thing that was looked at.
type ModelFinding struct {
	Name string `json:"name"`
	Mark string `json:"mark"` // verified, declared, unknown
	OK   bool   `json:"ok"`
	Look bool   `json:"look"` // it stops nothing, and a person should look at it
	Text string `json:"text"`
}

func models(mux *http.ServeMux, s Models) {
	mux.HandleFunc("GET /local/models", reply(func(r *http.Request) (any, error) {
		if id := r.URL.Query().Get("id"); id != "" {
			return s.Model(r.Context(), id)
		}
		return s.Models(r.Context())
	}))
	mux.HandleFunc("POST /local/models/propose", reply(func(r *http.Request) (any, error) {
		var p ModelProposal
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		return s.ProposeModel(r.Context(), p)
	}))
	mux.HandleFunc("POST /local/models/decide", reply(func(r *http.Request) (any, error) {
		var d ModelDecision
		if err := decode(r, &d); err != nil {
			return nil, err
		}
		return s.DecideModel(r.Context(), d)
	}))
	mux.HandleFunc("POST /local/models/verify", reply(func(r *http.Request) (any, error) {
		var v ModelVerification
		if err := decode(r, &v); err != nil {
			return nil, err
		}
		return s.VerifyModel(r.Context(), v)
	}))
	mux.HandleFunc("GET /local/models/export", func(w http.ResponseWriter, r *http.Request) {
		out := &late{w: w, kind: "application/vnd.cyclonedx+json; version=1.6"}
		if err := s.ExportModels(r.Context(), r.URL.Query()["id"], out); err != nil && !out.began {
			fail(w, err)
		}
	})
}

// late sets the type of an answer with its first byte, so that a failure
// before it can still be told.
type late struct {
	w     http.ResponseWriter
	kind  string
	began bool
}

func (l *late) Write(p []byte) (int, error) {
	if !l.began {
		l.began = true
		l.w.Header().Set("Content-Type", l.kind)
	}
	return l.w.Write(p)
}

// Models implements [Models].
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	var out []Model
	err := c.do(ctx, http.MethodGet, "/local/models", nil, &out)
	return out, err
}

// Model implements [Models].
func (c *Client) Model(ctx context.Context, id string) (Model, error) {
	var out Model
	err := c.do(ctx, http.MethodGet, "/local/models?"+url.Values{"id": {id}}.Encode(), nil, &out)
	return out, err
}

// ProposeModel implements [Models].
func (c *Client) ProposeModel(ctx context.Context, p ModelProposal) (Model, error) {
	var out Model
	err := c.post(ctx, "/local/models/propose", p, &out)
	return out, err
}

// DecideModel implements [Models].
func (c *Client) DecideModel(ctx context.Context, d ModelDecision) (Model, error) {
	var out Model
	err := c.post(ctx, "/local/models/decide", d, &out)
	return out, err
}

// VerifyModel implements [Models].
func (c *Client) VerifyModel(ctx context.Context, v ModelVerification) ([]ModelFinding, error) {
	var out []ModelFinding
	err := c.post(ctx, "/local/models/verify", v, &out)
	return out, err
}

// ExportModels implements [Models].
func (c *Client) ExportModels(ctx context.Context, ids []string, out io.Writer) error {
	return c.do(ctx, http.MethodGet, "/local/models/export?"+url.Values{"id": ids}.Encode(), nil, out)
}
