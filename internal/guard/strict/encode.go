package strict

import (
	"bytes"
	"encoding/json"
)

// Map returns v with f put over each string value. Keys stay as they are.
func Map(v any, f func(string) string) any {
	switch x := v.(type) {
	case string:
		return f(x)
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = Map(e, f)
		}
		return out
	case Object:
		out := make(Object, len(x))
		for i, e := range x {
			out[i] = Field{e.Key, Map(e.Value, f)}
		}
		return out
	}
	return v
}

// Encode writes what [Decode] read, or [Map] changed, without spaces.
func Encode(v any) []byte { return appendValue(nil, v) }

func appendValue(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		if x {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case Number:
		return append(b, x...)
	case string:
		return appendText(b, x)
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, e.Key), ':')
			b = appendValue(b, e.Value)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendText(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return append(b, `""`...) // a string can always be written
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
