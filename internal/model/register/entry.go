package register

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register/inspect"
	"vedette/internal/model/register/tree"
)

// State is where a model stands.
type State string

// The states.
const (
	Proposed State = "proposed"
	Approved State = "approved"
	Retired  State = "retired"
)

// Mark says how far something is known.
type Mark string

// The marks. Verified is what this product checked itself, or what a named
// person says to have checked, with the evidence; declared is what somebody
// says.
const (
	Verified Mark = "verified"
	Declared Mark = "declared"
	Unknown  Mark = "unknown"
)

// Entry is one model of the register.
type Entry struct {
	ID          string       `json:"id"`
	State       State        `json:"state"`
	Revision    int          `json:"revision"` // how often it was proposed
	Files       *Files       `json:"files,omitempty"`
	Endpoint    *Endpoint    `json:"endpoint,omitempty"`
	Card        Card         `json:"card"`
	Evaluations []Evaluation `json:"evaluations,omitempty"`
	Canaries    []Canary     `json:"canaries,omitempty"`
	Drift       []Drift      `json:"drift,omitempty"` // oldest first, at most maxDrift
	History     []Step       `json:"history"`
}

// Files are the files of a model, pinned.
type Files struct {
	Path      string        `json:"path"`
	Dir       bool          `json:"dir,omitempty"`
	Digest    string        `json:"digest"` // see tree.DigestOf
	Bytes     int64         `json:"bytes"`
	Sums      []tree.Sum    `json:"sums"`
	Facts     inspect.Facts `json:"facts"`
	Signature *Signature    `json:"signature,omitempty"`
}

// Signature is a signature that held when the model was proposed.
type Signature struct {
	Key         string   `json:"key"` // its name here
	Fingerprint string   `json:"fingerprint"`
	Root        string   `json:"root"`
	Signed      int      `json:"signed"`
	Left        []string `json:"left,omitempty"` // files that the signer left out; the digest covers them
}

// Endpoint is where the model is asked, as it was approved.
type Endpoint struct {
	Name     string         `json:"name"`
	Wire     model.Wire     `json:"wire,omitempty"`
	URL      string         `json:"url"`
	Model    string         `json:"model"` // the name the endpoint knows it by
	Version  string         `json:"version,omitempty"`
	Location model.Location `json:"location"`
	Pins     []string       `json:"pins,omitempty"`        // of public keys, see PinOf; one of them must be met
	PinOf    string         `json:"pin_of,omitempty"`      // "leaf" or "issuer"
	Trusted  bool           `json:"tls_trusted,omitempty"` // the chain led to a root of this system when it was pinned
	Served   string         `json:"served,omitempty"`      // digest that the endpoint told of it
}

// Step is one decision.
type Step struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Action string    `json:"action"` // propose, approve, retire, attach
	To     State     `json:"to"`
	Why    string    `json:"why"`
	What   string    `json:"what"`  // identity of the model at that time
	Audit  int64     `json:"audit"` // its entry in the journal, and the entry's hash
	Hash   string    `json:"hash"`
}

// Evaluation is a scored run that somebody attached, by reference.
type Evaluation struct {
	Name    string             `json:"name"` // such as "grounding"
	Ref     string             `json:"ref"`  // file or run
	SHA256  string             `json:"sha256"`
	Figures map[string]float64 `json:"figures,omitempty"`
	By      string             `json:"by"`
	At      time.Time          `json:"at"`
}

// Unverifiable says in one sentence each what of the model cannot be checked
// from here.
func (e Entry) Unverifiable() []string {
	var out []string
	switch {
	case e.Files == nil:
		out = append(out, "what runs behind the name "+e.Endpoint.Model+" is known to its operator alone; it can change without a sign")
	case e.Endpoint != nil:
		out = append(out, "that the server at the endpoint runs these files is declared; only the files are checked")
	}
	if e.Endpoint != nil && len(e.Endpoint.Pins) == 0 {
		out = append(out, "who answers at "+e.Endpoint.URL+" is not pinned to a key")
	}
	if e.Files != nil && e.Files.Signature == nil {
		out = append(out, "who made the files is not proven: they have no signature that was checked")
	}
	return out
}

// What is the identity of what was approved: a digest over the files' digest
// and all that binds the endpoint. Another identity needs another approval.
func (e Entry) What() string {
	id := struct {
		Path, Digest string
		Endpoint     *Endpoint
	}{Endpoint: e.Endpoint}
	if e.Files != nil {
		id.Path, id.Digest = e.Files.Path, e.Files.Digest
	}
	raw, err := json.Marshal(id)
	if err != nil {
		return "" // texts and truth values always encode; empty never matches
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// approval is the last step if it approved, or false.
func (e Entry) approval() (Step, bool) {
	for _, s := range slices.Backward(e.History) {
		if s.Action != actionAttach {
			return s, s.Action == actionApprove
		}
	}
	return Step{}, false
}

func (e Entry) clone() Entry {
	e.History = slices.Clone(e.History)
	e.Evaluations, e.Canaries, e.Drift = slices.Clone(e.Evaluations), slices.Clone(e.Canaries), slices.Clone(e.Drift)
	return e
}

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// check tells whether a stored entry is whole.
func (e Entry) check(id string) error {
	switch {
	case e.ID != id || !idForm.MatchString(e.ID):
		return fault.New(fault.Invalid, "it is the record of %.80q", e.ID)
	case e.State != Proposed && e.State != Approved && e.State != Retired:
		return fault.New(fault.Invalid, "it is in the unknown state %.40q", e.State)
	case e.Files == nil && e.Endpoint == nil:
		return fault.New(fault.Invalid, "it names neither files nor an endpoint")
	case e.Files != nil && (e.Files.Path == "" || e.Files.Digest == "" || len(e.Files.Sums) == 0):
		return fault.New(fault.Invalid, "its files have no path or no digest")
	case e.Endpoint != nil && (e.Endpoint.Name == "" || e.Endpoint.Model == ""):
		return fault.New(fault.Invalid, "its endpoint has no name")
	case len(e.History) == 0:
		return fault.New(fault.Invalid, "it has no history")
	}
	return nil
}

// The limits of texts that persons write.
const (
	maxWhy  = 2000
	maxWho  = 200
	maxLine = 1000
)

// person checks who decides and why.
func person(by, why string) error {
	switch {
	case strings.TrimSpace(by) == "":
		return fault.New(fault.Invalid, "a decision on a model needs a person's name").WithHint("say who decides with --by NAME")
	case strings.TrimSpace(why) == "":
		return fault.New(fault.Invalid, "a decision on a model needs a reason").WithHint(`say why with --why "..."`)
	case len(by) > maxWho || len(why) > maxWhy || !utf8.ValidString(by) || !utf8.ValidString(why):
		return fault.New(fault.Invalid, "the name or reason of a decision on a model is too long or not UTF-8").WithHint("the limits are %d and %d bytes", maxWho, maxWhy)
	}
	return nil
}
