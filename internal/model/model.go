// Package model speaks to language models: the Provider seam with its wire
// clients, the endpoints and their terms, the router that says where a request
// may go, budgets, and the register of models that may be used.
//
// Only guard, app and edge may import it: everything that reaches a model goes
// through guard. It trusts nothing that comes back: an answer is bytes of
// bounded size and time, and its meaning is judged elsewhere.
package model

import (
	"context"
	"encoding/json"
	"iter"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// Provider speaks to one endpoint. A provider is safe for concurrent use.
type Provider interface {
	// Generate sends one request and yields the answer piece by piece. The last
	// piece has a Finish; an error, always an [*Error], ends the sequence. When
	// the caller stops, or ctx ends, the connection is closed and nothing of the
	// request is left behind. Nothing is sent before the sequence is ranged over,
	// and a request is repeated only as long as no byte of an answer came.
	Generate(ctx context.Context, req Request) iter.Seq2[Piece, error]

	// Served lists the models that the endpoint says it serves. What it says is
	// untrusted.
	Served(ctx context.Context) ([]Served, error)
}

// Request is one request to a model.
type Request struct {
	Model       string
	System      string    // our instructions
	Messages    []Message // in the order of the conversation; the last is of role user
	Schema      *Schema   // what the answer must look like; nil: prose
	MaxTokens   int       // of the answer; 0: the endpoint's limit
	Temperature float64
	Seed        int64 // 0: none
}

// Message is one turn.
type Message struct {
	Role Role
	Text string
}

// Role is who speaks.
type Role string

// The roles.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Schema is a JSON Schema with a name that servers ask for. Bounds in it must
// be small (repetitions at most 256): servers compile it to a grammar.
type Schema struct {
	Name string
	JSON json.RawMessage
}

// Piece is a part of an answer.
type Piece struct {
	Text   string
	Finish Finish // of the last piece
	Usage  Usage  // of the last piece; counted by the endpoint, zero if it does not say
	Model  string // of the last piece: what the endpoint says answered
}

// Finish says why an answer ended.
type Finish string

// The ends of an answer. An answer that ended by Length may be half a JSON
// value even when a schema was asked for.
const (
	Stop    Finish = "stop"
	Length  Finish = "length"
	Filter  Finish = "filter" // the endpoint refused or cut it
	Unknown Finish = "unknown"
)

// Usage counts tokens.
type Usage struct {
	In, Out int
}

// Served is a model as an endpoint tells of it.
type Served struct {
	Name    string
	Context int    // tokens; 0: not told
	Digest  string // if told, such as "sha256:…"
	Family  string // if told
	Bytes   int64  // size of the weights, if told
}

// Location says where an endpoint runs.
type Location string

// The locations, in the order of exposure.
const (
	BuiltIn    Location = "built-in"
	OnPremises Location = "on-premises"
	Cloud      Location = "cloud"
)

// Wire is the protocol of an endpoint.
type Wire string

// The wires.
const (
	OpenAI    Wire = "openai"
	Anthropic Wire = "anthropic"
	Gemini    Wire = "gemini"
)

// Endpoint is a model that was configured, with the terms of who runs it.
type Endpoint struct {
	Name     string // of ours, unique
	Wire     Wire
	URL      string // base URL
	Model    string // the name the endpoint knows it by
	KeyFile  string // file with the key; read at each start, never kept elsewhere
	Location Location
	Family   string // prompt format, context size and abilities; see package model/family
	Context  int    // tokens; 0: of the family

	KeyHeader string         // header that carries the key; empty: the one of the wire
	CAFile    string         // certificates that are trusted instead of the system's, for a server of one's own
	Networks  []netip.Prefix // where the address of an on-premises endpoint may be besides loopback and the private networks

	Terms  Terms
	Price  Price
	Limits Limits
}

// Terms are the contract and the place of an endpoint, as a person declared
// them; nothing here can be checked by code. Empty means not known, and a
// policy that requires a term is not met by what is not known.
type Terms struct {
	Operator      string // who runs it
	Jurisdiction  string // ISO 3166 code of the country, or "EU"
	Retention     string // how long requests are kept, such as "0d" or "30d"
	TrainsOnInput string // "yes", "no" or empty
	Contract      string // name of the agreement
}

// Price is what a million tokens cost, in Currency.
type Price struct {
	In, Out  float64
	Currency string
}

// Limits bound one request.
type Limits struct {
	Total  time.Duration // whole answer; 0: two minutes
	First  time.Duration // silence before the first piece, while a small machine reads the prompt; 0: half of Total
	Idle   time.Duration // silence between two pieces; 0: thirty seconds
	Answer int64         // bytes of an answer; 0: one MiB
}

// WithDefaults fills in the limits that are not set.
func (l Limits) WithDefaults() Limits {
	if l.Total <= 0 {
		l.Total = 2 * time.Minute
	}
	if l.First <= 0 {
		l.First = l.Total / 2
	}
	if l.Idle <= 0 {
		l.Idle = 30 * time.Second
	}
	if l.Answer <= 0 {
		l.Answer = 1 << 20
	}
	return l
}

// MaxServed is how many models of an endpoint are listed.
const MaxServed = 2000

// Line makes a name that an endpoint told fit for a list: one line of at most
// 200 bytes without control characters. It stays untrusted.
func Line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 1000)], ""))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return text
}

// Tokens bounds a count that an endpoint told.
func Tokens(n int) int { return min(max(n, 0), 1<<30) }
