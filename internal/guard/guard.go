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
	ID    string
	Field string
	Value string
	Label event.Label
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
}

// Spoke says which engine answered and where it runs.
type Spoke struct {
	Name     string
	Location string // built-in, on-premises or cloud
}
