// Package guard is the only door to a language model. What goes out is
// labelled, routed by its label, redacted, neutralised, scanned a last time and
// written into the egress ledger; what comes back is bounded, parsed against
// the schema that was asked for, and grounded before anyone sees it.
//
// It must not be optional: whoever wants a model takes a [Door], and a Door
// cannot be made without the audit journal. It trusts neither the model nor
// any text of a device; none of its guarantees rests on recognising an attack.
package guard

import (
	"vedette/internal/event"
)

// Task is what a model is asked to do. The router and the budgets know tasks.
type Task string

// The tasks.
const (
	Plan    Task = "plan"    // a question of a person → a typed plan; sees no event
	Read    Task = "read"    // evidence → a bounded form; has no tools
	Narrate Task = "narrate" // facts → sentences with citations; has no tools
	Explain Task = "explain" // one event, finding, rule or query → sentences
	Probe   Task = "probe"   // canary questions and evaluation
)

// Item is one value of evidence: what stands in field Field of the row or
// record ID. ID is ours ("E1.3": the third row of evidence E1), Field a name of
// the event schema or of a column of the answer.
type Item struct {
	ID     string
	Field  string
	Value  string
	Label  event.Label
	Origin Origin
}

// Origin is where a value comes from, as far as it is known; the rules of a site
// go by it. A rule takes what is not known for what it speaks of. Ours marks
// words of our own schema and names that a person of the site gave: they come
// from no zone, class or source.
type Origin struct {
	Zone   string
	Type   string // asset class
	Source string // log or feed
	TLP    string
	Ours   bool
}

// Call is one request through the door.
type Call struct {
	Task         Task
	Conversation string // the router is sticky and pseudonyms hold within it
	Person       string // who asked; the actor of the ledger
	Instructions string // our own words, never anything that was stored
	Question     string // what the person typed; may quote a device
	Evidence     []Item
	LeftOut      int    // items that were not put into Evidence to fit
	Schema       Schema // what the answer must look like
	MaxTokens    int

	// Each, if not nil, is told of each object in the first array of the answer as
	// soon as the model has completed it, decoded and with names put back, while
	// the rest is still to come. The answer as a whole may still be refused.
	Each     func(object []byte)
	Endpoint string // ask this one alone, if policy allows it; empty: as policy says
	Seed     int64  // 0: none
}

// Schema is the form of an answer: a JSON Schema whose bounds are small, and
// its name.
type Schema struct {
	Name string
	JSON string
}

// Reply is what came back: JSON that satisfies the schema's structure, with the
// pseudonyms of this conversation put back. Its texts are untrusted.
type Reply struct {
	JSON      []byte
	Spoke     Spoke
	Sent      int    // bytes that left
	Digest    string // SHA-256 of the bytes that left
	Entry     int64  // of the audit journal
	TokensIn  int
	TokensOut int
	LeftOut   int     // items of Evidence that did not fit, besides those of the call
	Cost      float64 // by the endpoint's price, in Currency
	Currency  string
}

// Spoke says which engine answered and where it runs.
type Spoke struct {
	Name     string
	Location string // built-in, on-premises or cloud
}
