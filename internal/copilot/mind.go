package copilot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/guard"
	"vedette/internal/guard/strict"
)

// Mind is a language model behind the guard's door. It ends when ctx ends. What
// it returns is untrusted, whatever the door did to it.
type Mind interface {
	Ask(ctx context.Context, call guard.Call) (guard.Reply, error)
}

// MindLimits bound what one question may cost of a model.
type MindLimits struct {
	Items int           // values of evidence in one call
	Bytes int           // of values in one call
	Calls int           // calls for one question
	Time  time.Duration // of all calls for one question
}

// DefaultMindLimits suit a model with a context of 8,000 tokens.
func DefaultMindLimits() MindLimits {
	return MindLimits{Items: 240, Bytes: 12_000, Calls: 5, Time: 90 * time.Second}
}

// Use gives the copilot a model, nil for none. It must be called before the
// first question. Zero limits mean the default ones. A Mind that has a method
// Ready() bool is asked only while that is true: models come and go.
func (c *Copilot) Use(m Mind, l MindLimits) {
	if l == (MindLimits{}) {
		l = DefaultMindLimits()
	}
	c.mind, c.limits = m, l
}

// consultation is the use of the model for one question: it counts the calls
// and ends them all when the time is over.
type consultation struct {
	c      *Copilot
	req    Request
	id     string // of the conversation
	cancel context.CancelFunc
	ctx    context.Context //nolint:containedctx // it is the time that one question has
	calls  int
	failed bool
	spoke  guard.Spoke
	used   Used
	notes  []string // for the answer: what was left out, what failed
}

func (c *Copilot) consult(ctx context.Context, req Request, id string) *consultation {
	if c.mind == nil {
		return nil
	}
	if m, ok := c.mind.(interface{ Ready() bool }); ok && !m.Ready() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Time)
	return &consultation{c: c, req: req, id: id, ctx: ctx, cancel: cancel}
}

func (k *consultation) end() {
	if k != nil {
		k.cancel()
	}
}

func (k *consultation) note(format string, args ...any) {
	k.notes = append(k.notes, fmt.Sprintf(format, args...))
}

// form is what a model may answer: the schema that is sent is the one that the
// answer is held against.
type form struct {
	sent  guard.Schema
	check *strict.Schema
}

func newForm(name string, schema any) (form, error) {
	text, err := json.Marshal(schema)
	if err != nil {
		return form{}, fault.Wrap(fault.Internal, err, "writing the schema %s", name)
	}
	check, err := strict.Compile(string(text))
	if err != nil {
		return form{}, fmt.Errorf("compiling the schema %s: %w", name, err)
	}
	return form{guard.Schema{Name: name, JSON: string(text)}, check}, nil
}

// answerLimits bound what is read of an answer.
func answerLimits() strict.Limits {
	return strict.Limits{Bytes: 64 << 10, Depth: 8, Text: 2 << 10, Values: 4000}
}

// ask puts one call and reads the answer into out. After the first failure the
// model is not asked again for this question.
func (k *consultation) ask(call guard.Call, f form, out any) bool {
	if k == nil || k.failed {
		return false
	}
	if k.calls++; k.calls > k.c.limits.Calls {
		k.note("the model was asked %d times, which is the limit", k.c.limits.Calls)
		k.failed = true
		return false
	}
	call.Conversation, call.Person, call.Question, call.Schema = k.id, k.req.Person, k.req.Question, f.sent
	k.used.Calls++
	reply, err := k.c.mind.Ask(k.ctx, call)
	k.used.TokensIn, k.used.TokensOut = k.used.TokensIn+reply.TokensIn, k.used.TokensOut+reply.TokensOut
	if reply.Cost > 0 {
		k.used.Cost, k.used.Currency = k.used.Cost+reply.Cost, reply.Currency
	}
	if err == nil {
		err = decode(reply.JSON, f, out)
	}
	if err != nil {
		text, _ := fault.Public(err)
		k.note("the model did not help: %s", clean(text))
		k.failed = true
		return false
	}
	k.spoke = guard.Spoke{Name: clean(reply.Spoke.Name), Location: clean(reply.Spoke.Location)}
	return true
}

// decode takes an answer whole and in form, or not at all.
func decode(raw []byte, f form, out any) error {
	v, err := strict.Decode(raw, answerLimits())
	if err != nil {
		return err
	}
	if err := f.check.Check(v); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the model's answer")
	}
	return nil
}

// spent is what the model cost, nil when it was not asked.
func (k *consultation) spent() *Used {
	if k == nil || k.used.Calls == 0 {
		return nil
	}
	out := k.used
	return &out
}

func (k *consultation) model() Model {
	return Model{Name: k.spoke.Name, Location: k.spoke.Location}
}

// untrusted is the label of what a device, a peer or a model wrote.
func untrusted(c event.Confidentiality) event.Label {
	return event.Label{Integrity: event.FromUntrusted, Confidentiality: c}
}

// object and its friends write schemas.
type object = map[string]any

func record(properties object) object {
	required := slices.Sorted(maps.Keys(properties))
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func oneOfWords[T ~string](words []T) object { return object{"type": "string", "enum": words} }

func text(most int) object { return object{"type": "string", "maxLength": most} }

func list(of object, most int) object {
	return object{"type": "array", "items": of, "maxItems": most}
}
