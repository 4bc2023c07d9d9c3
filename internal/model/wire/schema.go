package wire

import (
	"bytes"
	"encoding/json"
	"slices"
)

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
