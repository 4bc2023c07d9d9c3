package config

import (
	"encoding"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
)

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// keysOf returns the keys of a section in the order of its struct.
func keysOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	t := v.Type()
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// scalarKeys returns the dotted keys of all single values.
func scalarKeys(t reflect.Type, key string) []string {
	var out []string
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		switch {
		case reflect.PointerTo(f.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
			out = append(out, join(key, name))
		case f.Type.Kind() == reflect.Struct:
			out = append(out, scalarKeys(f.Type, join(key, name))...)
		case f.Type.Kind() != reflect.Slice && f.Type.Kind() != reflect.Map:
			out = append(out, join(key, name))
		}
	}
	return out
}

func nearHint(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	if len(known) > 12 {
		return ""
	}
	return "known keys: " + strings.Join(known, ", ")
}

// nearest returns the known word with the fewest edits, if those are few.
func nearest(word string, known []string) string {
	best, at := "", len(word)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance counts edits of single bytes; a swap of neighbours counts one.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	older, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], older[j-2]+1)
			}
		}
		older, prev, cur = prev, cur, older
	}
	return prev[len(b)]
}

// Print writes the configuration as YAML with a comment for each key: a file
// that [Load] reads back to the same values.
func (c Config) Print(w io.Writer) error {
	node := describe(reflect.ValueOf(c))
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing the configuration")
	}
	if err := enc.Close(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing the configuration")
	}
	return nil
}

func describe(v reflect.Value) *yaml.Node {
	if t, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		text, err := t.MarshalText()
		if err != nil {
			text = nil
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: string(text)}
	}
	switch v.Kind() {
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			if tag.Get("yaml") == "" {
				continue
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: tag.Get("yaml"), HeadComment: tag.Get("doc")}, describe(v.Field(i)))
		}
		return n
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if v.Len() == 0 {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			n.Content = append(n.Content, describe(v.Index(i)))
		}
		return n
	case reflect.Map:
		return describeMap(v)
	case reflect.String:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String(), Tag: "!!str", Style: yaml.DoubleQuotedStyle}
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatBool(v.Bool())}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatInt(v.Int(), 10)}
	}
}

func describeMap(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		n.Content = append(n.Content, describe(k), describe(v.MapIndex(k)))
	}
	return n
}
