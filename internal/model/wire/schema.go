package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"vedette/internal/model"
)

// answer is the property that holds an answer whose schema is no object.
const answer = "answer"

// Wrap makes an object of a schema that is none, for endpoints that take only
// objects.
func Wrap(schema json.RawMessage) json.RawMessage {
	return slices.Concat(json.RawMessage(`{"type":"object","properties":{"`+answer+`":`), schema, json.RawMessage(`},"required":["`+answer+`"],"additionalProperties":false}`))
}

// Unwrap takes answers of a wrapped schema out again: such an answer comes
// whole, with the last piece. One that was cut, or lacks the property, comes as
// it is.
func Unwrap(fresh func() Decoder) func() Decoder {
	return func() Decoder { return &unwrapping{Decoder: fresh()} }
}

type unwrapping struct {
	Decoder
	held strings.Builder
}

// maxHeld bounds what is held; the client's own bound is looked at when it comes.
const maxHeld = 4 << 20

var errHeld = errors.New("its answer passed the bound of bytes")

// Event holds what the event adds; see [Decoder].
func (u *unwrapping) Event(e Event) (string, bool, error) {
	text, done, err := u.Decoder.Event(e)
	if u.held.Len()+len(text) > maxHeld {
		return "", false, &model.Error{Kind: model.TooMuch, Cause: errHeld}
	}
	u.held.WriteString(text)
	return "", done, err
}

// End is the last piece, with the answer in it; see [Decoder].
func (u *unwrapping) End() (model.Piece, bool) {
	last, ok := u.Decoder.End()
	last.Text = u.held.String() + last.Text
	var got map[string]json.RawMessage
	if json.Unmarshal([]byte(last.Text), &got) == nil && got[answer] != nil {
		last.Text = string(got[answer])
	}
	return last, ok
}

// AnyOf writes a schema with anyOf for oneOf, which some endpoints do not take.
// What they make fits one of the alternatives either way; that it fits no other
// is for whoever checks it. The order of the properties stays.
func AnyOf(schema json.RawMessage) json.RawMessage {
	return bytes.ReplaceAll(schema, []byte(`"oneOf":`), []byte(`"anyOf":`))
}

// Closed reports whether a schema is of the strict kind that OpenAI compiles:
// every object closed and all its properties required, no oneOf and no allOf.
func Closed(schema json.RawMessage) bool {
	var v any
	if json.Unmarshal(schema, &v) != nil {
		return false
	}
	object, ok := v.(map[string]any)
	return ok && object["type"] == "object" && closed(v)
}

func closed(v any) bool {
	switch x := v.(type) {
	case []any:
		return !slices.ContainsFunc(x, func(e any) bool { return !closed(e) })
	case map[string]any:
		if x["oneOf"] != nil || x["allOf"] != nil {
			return false
		}
		if properties, ok := x["properties"].(map[string]any); ok {
			required, _ := x["required"].([]any)
			if x["additionalProperties"] != false || len(required) != len(properties) {
				return false
			}
			for _, p := range properties {
				if !closed(p) {
					return false
				}
			}
			return true
		}
		for name, inner := range x {
			if name != "enum" && name != "const" && !closed(inner) {
				return false
			}
		}
	}
	return true
}

// IsObject reports whether a schema asks for an object at the top, by type and
// not by alternatives.
func IsObject(schema json.RawMessage) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal(schema, &top) != nil || string(bytes.TrimSpace(top["type"])) != `"object"` {
		return false
	}
	return top["oneOf"] == nil && top["anyOf"] == nil && top["allOf"] == nil
}
