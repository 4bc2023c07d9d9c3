// Package worstcase is a table of models that do their worst, behind a real
// HTTP server on loopback that speaks the OpenAI wire: they obey whatever they
// find, make things up, forge citations, leak, break their schema, flood, stall
// and lie. What holds against all of them holds whatever a model says.
//
// It owns the table and the server, for tests and for `vedette eval guard`. It
// must not import anything of ours: it knows of the product only what comes
// over the wire, which it keeps, so that a test can look at the bytes that
// really left.
package worstcase

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Behaviour is one row of the table.
type Behaviour struct {
	Name  string // family and variant, such as "exfiltrator/markdown-image"
	About string
	// Fails are the kinds of failure, in the words of model.Kind, one of which a
	// client must come to. None means that the wire is in order and the answer
	// ends; what it says is another matter.
	Fails []string
	// Form says whether the answer is JSON of the schema that was asked for.
	Form bool

	say   func(a Asked, o *Options) string
	serve func(s *Server, w http.ResponseWriter, r *http.Request, a Asked)
}

// Family is the name without its variant.
func (b Behaviour) Family() string {
	family, _, _ := strings.Cut(b.Name, "/")
	return family
}

// Options tune a server. The zero value is the worst case of each row.
type Options struct {
	Seed  uint64
	Pace  time.Duration // between two bytes of a staller; 0: ten seconds
	Flood int64         // bytes of a flooder; 0: 100 MB
	Model string        // the name it serves; empty: "worst-case"

	// Orders finds what an obedient model obeys; nil: every sentence that reads
	// like an order, wherever it stands, and all else when none does.
	Orders func(text string) []string
}

func (o *Options) defaults() {
	if o.Pace <= 0 {
		o.Pace = 10 * time.Second
	}
	if o.Flood <= 0 {
		o.Flood = 100_000_000
	}
	if o.Model == "" {
		o.Model = "worst-case"
	}
}

// All lists the rows: first those that say something wrong on a wire that is in
// order, then those that break the schema, then those that break the wire.
func All() []Behaviour {
	return slices.Concat(minds(), leaks(), shapes(), wires())
}

// Named finds a row.
func Named(name string) (Behaviour, bool) {
	for _, b := range All() {
		if b.Name == name {
			return b, true
		}
	}
	return Behaviour{}, false
}
