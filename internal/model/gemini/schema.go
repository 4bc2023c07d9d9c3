package gemini

import (
	"encoding/json"
	"maps"
	"slices"
)

// Schema writes a JSON Schema in the part of it that the protocol takes: oneOf
// becomes anyOf, a const text an enum of one, a const number its minimum and
// maximum, a type that may be null is nullable, and what is not known there
// (additionalProperties, $schema, ...) is left out. An answer must be checked
// against the schema anyway. It is false for a schema it cannot say, such as one with $ref.
func Schema(raw json.RawMessage) (any, bool) {
	var v map[string]any
	if json.Unmarshal(raw, &v) != nil {
		return nil, false
	}
	return convert(v, 0)
}

// kept are the words that mean the same in both.
var kept = []string{
	"title", "description", "format", "pattern", "minimum", "maximum", "minLength", "maxLength",
	"minItems", "maxItems", "minProperties", "maxProperties", "required", "nullable",
}

const maxDepth = 32

func convert(in map[string]any, depth int) (map[string]any, bool) {
	if depth > maxDepth || in["$ref"] != nil || in["allOf"] != nil || in["not"] != nil {
		return nil, false
	}
	out := map[string]any{}
	for _, word := range kept {
		if v, ok := in[word]; ok {
			out[word] = v
		}
	}
	if !types(in["type"], out) || !values(in, out) {
		return nil, false
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		list, ok := in[word].([]any)
		if !ok {
			continue
		}
		some, ok := each(list, depth)
		if !ok {
			return nil, false
		}
		out["anyOf"] = some
	}
	if items, ok := in["items"].(map[string]any); ok {
		inner, ok := convert(items, depth+1)
		if !ok {
			return nil, false
		}
		out["items"] = inner
	}
	if properties, ok := in["properties"].(map[string]any); ok {
		all := map[string]any{}
		for name, p := range properties {
			object, isObject := p.(map[string]any)
			inner, ok := convert(object, depth+1)
			if !isObject || !ok {
				return nil, false
			}
			all[name] = inner
		}
		out["properties"], out["propertyOrdering"] = all, order(all, in["required"])
	}
	return out, true
}

// order is the order in which properties are made: the required ones as they
// are listed, then the others by name.
func order(properties map[string]any, required any) []string {
	var out []string
	list, _ := required.([]any)
	for _, r := range list {
		if name, ok := r.(string); ok && properties[name] != nil && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func each(list []any, depth int) ([]any, bool) {
	out := make([]any, 0, len(list))
	for _, e := range list {
		object, isObject := e.(map[string]any)
		inner, ok := convert(object, depth+1)
		if !isObject || !ok {
			return nil, false
		}
		out = append(out, inner)
	}
	return out, true
}

// types takes the type; of two, one of which is null, the other.
func types(v any, out map[string]any) bool {
	switch x := v.(type) {
	case nil:
	case string:
		out["type"] = x
	case []any:
		for _, t := range x {
			switch {
			case t == "null":
				out["nullable"] = true
			case out["type"] != nil:
				return false
			default:
				out["type"] = t
			}
		}
	}
	return true
}

// values takes enum and const.
func values(in, out map[string]any) bool {
	if list, ok := in["enum"].([]any); ok {
		for _, e := range list {
			if _, ok := e.(string); !ok {
				return false
			}
		}
		out["enum"], out["type"] = list, "string"
	}
	switch c := in["const"].(type) {
	case nil:
	case string:
		out["enum"], out["type"] = []any{c}, "string"
	case float64:
		out["minimum"], out["maximum"] = c, c
		if out["type"] == nil {
			out["type"] = "number"
		}
	case bool:
		out["type"] = "boolean"
	default:
		return false
	}
	return true
}
