package worstcase

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// mind fills a schema in: what it does where it has a choice.
type mind struct {
	pick  func(path string, options []string) int // of an enum or of alternatives, told by their names
	words func(path string) []string              // candidates for a text, the best first
	many  func(low, high int) int
	count func(low, high float64) float64
	odd   func(path string) (json.RawMessage, bool) // a value against the schema
	root  map[string]any
	made  int // values
}

// The bounds of what is filled in, whatever a schema asks for.
const (
	maxFill   = 12   // depth
	maxValues = 5000 // in all
	maxItems  = 300  // of a list
	maxRunes  = 4000 // of a text
)

// fill writes JSON of a schema. What a schema does not say is filled with the
// first words.
func (m *mind) fill(raw json.RawMessage) string {
	var schema map[string]any
	if len(raw) == 0 || json.Unmarshal(raw, &schema) != nil {
		return m.text("", nil)
	}
	m.root, m.made = schema, 0
	v := m.value("", schema, 0)
	out, err := json.Marshal(v)
	if err != nil {
		return "{}"
	}
	return string(out)
}

func (m *mind) value(path string, s map[string]any, depth int) any {
	if m.odd != nil {
		if v, ok := m.odd(path); ok {
			return v
		}
	}
	if m.made++; depth > maxFill || m.made > maxValues {
		return nil
	}
	if ref, ok := s["$ref"].(string); ok {
		return m.value(path, m.follow(ref), depth+1)
	}
	if c, ok := s["const"]; ok {
		return c
	}
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return list[m.choose(path, list)]
	}
	for _, word := range []string{"oneOf", "anyOf"} {
		if list, ok := s[word].([]any); ok && len(list) > 0 {
			inner, _ := list[m.choose(path, list)].(map[string]any)
			return m.value(path, inner, depth+1)
		}
	}
	switch kind(s) {
	case "object":
		return m.object(path, s, depth)
	case "array":
		return m.array(path, s, depth)
	case "integer":
		return int64(min(max(m.number(s), -1<<53), 1<<53))
	case "number":
		return m.number(s)
	case "boolean":
		return m.choose(path, []any{false, true}) == 1
	case "null":
		return nil
	}
	return m.text(path, s)
}

func kind(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			first, _ := t[0].(string)
			return first
		}
	}
	if s["properties"] != nil {
		return "object"
	}
	return "string"
}

func (m *mind) follow(ref string) map[string]any {
	at := m.root
	rest, local := strings.CutPrefix(ref, "#/")
	if !local {
		return nil
	}
	for part := range strings.SplitSeq(rest, "/") {
		at, _ = at[part].(map[string]any)
	}
	return at
}

func (m *mind) choose(path string, list []any) int {
	options := make([]string, len(list))
	for i, v := range list {
		raw, _ := json.Marshal(v)
		options[i] = strings.Trim(string(raw), `"`)
	}
	if m.pick == nil {
		return 0
	}
	return min(max(m.pick(path, options), 0), len(list)-1)
}

func (m *mind) object(path string, s map[string]any, depth int) any {
	properties, _ := s["properties"].(map[string]any)
	out := map[string]any{}
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		inner, _ := properties[name].(map[string]any)
		out[name] = m.value(path+"/"+name, inner, depth+1)
	}
	return out
}

func (m *mind) array(path string, s map[string]any, depth int) any {
	low, high := whole(s, "minItems", 0, maxItems), whole(s, "maxItems", 3, maxItems)
	n := min(max(1, low), high)
	if m.many != nil {
		n = m.many(low, high)
	}
	items, _ := s["items"].(map[string]any)
	out := []any{}
	for i := range min(n, maxItems) {
		out = append(out, m.value(fmt.Sprintf("%s/%d", path, i), items, depth+1))
	}
	return out
}

func number(s map[string]any, name string, otherwise float64) float64 {
	if v, ok := s[name].(float64); ok {
		return v
	}
	return otherwise
}

// whole is a number of a schema within 0 and a bound.
func whole(s map[string]any, name string, otherwise, most int) int {
	return int(min(max(number(s, name, float64(otherwise)), 0), float64(most)))
}

func (m *mind) number(s map[string]any) float64 {
	low, high := number(s, "minimum", 0), number(s, "maximum", 1000)
	if m.count == nil {
		return low
	}
	return min(max(m.count(low, high), low), high)
}

// text is the first candidate that fits, cut to its longest; else one that the
// pattern makes.
func (m *mind) text(path string, s map[string]any) string {
	low, high := whole(s, "minLength", 0, maxRunes), whole(s, "maxLength", 400, maxRunes)
	pattern, _ := s["pattern"].(string)
	re, err := regexp.Compile(pattern)
	var candidates []string
	if m.words != nil {
		candidates = m.words(path)
	}
	for _, c := range candidates {
		c = cutRunes(c, high)
		if utf8.RuneCountInString(c) < low {
			continue
		}
		if pattern == "" || err == nil && re.MatchString(c) {
			return c
		}
	}
	if pattern != "" && err == nil {
		if made, ok := sample(pattern); ok {
			return made
		}
	}
	return strings.Repeat("x", max(low, min(1, high)))
}

func cutRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n, 0)])
}

// sample makes the shortest text of a pattern.
func sample(pattern string) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	if !write(&b, re.Simplify(), 0) || b.Len() > 10_000 {
		return "", false
	}
	return b.String(), true
}

func write(b *strings.Builder, re *syntax.Regexp, depth int) bool {
	if depth > 50 || b.Len() > 10_000 {
		return false
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return false
		}
		b.WriteRune(re.Rune[len(re.Rune)-2])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpCapture, syntax.OpPlus:
		return write(b, re.Sub[0], depth+1)
	case syntax.OpRepeat:
		for range re.Min {
			if !write(b, re.Sub[0], depth+1) {
				return false
			}
		}
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if !write(b, s, depth+1) {
				return false
			}
		}
	case syntax.OpAlternate:
		return write(b, re.Sub[0], depth+1)
	case syntax.OpNoMatch:
		return false
	default: // what may be empty, and anchors
	}
	return true
}

// isReference reports whether a path of a schema is of a citation.
func isReference(path string) bool {
	return references.MatchString(path)
}

var references = regexp.MustCompile(`(?i)(cite|cites|citations?|evidence|refs?|ids?)(/\d+)?$`)

// random is a mind that chooses by chance.
func random(seed uint64) *mind {
	r := rand.New(rand.NewPCG(seed, 42)) //nolint:gosec // G404: it is to be repeated
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789.:-_ "
	return &mind{
		pick: func(_ string, options []string) int { return r.IntN(len(options)) },
		words: func(string) []string {
			var out []string
			for range 8 {
				b := make([]byte, 1+r.IntN(24))
				for i := range b {
					b[i] = letters[r.IntN(len(letters))]
				}
				out = append(out, string(b))
			}
			return out
		},
		many:  func(low, high int) int { return low + r.IntN(max(1, min(high, 8)-low+1)) },
		count: func(low, high float64) float64 { return low + float64(int((high-low)*r.Float64())) },
	}
}
