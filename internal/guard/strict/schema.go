package strict

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"vedette/internal/fault"
)

// Schema is a form that answers are held against: the part of JSON Schema that
// Vedette's own forms use.
type Schema struct {
	types      []string
	properties map[string]*Schema
	required   []string
	closed     bool // additionalProperties: false
	items      *Schema
	oneOf      []*Schema
	anyOf      []*Schema
	enum       []any
	constant   any
	hasConst   bool
	pattern    *regexp.Regexp
	bounds     map[string]float64 // minItems, maxItems, minLength, maxLength, minimum, maximum
}

// bounding are the keywords that are numbers.
var bounding = []string{"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"}

// Compile reads a schema. A keyword that is not known here is a fault: a form
// that is not enforced must not look as if it were.
func Compile(text string) (*Schema, error) {
	v, err := Decode([]byte(text), Limits{Bytes: 256 << 10, Depth: 48, Text: 4 << 10, Values: 20_000})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the schema of an answer")
	}
	return compile(v, "")
}

func compile(v any, at string) (*Schema, error) {
	o, ok := v.(Object)
	if !ok {
		return nil, fault.New(fault.Internal, "reading the schema of an answer: %s is no object", where(at))
	}
	s := &Schema{bounds: map[string]float64{}}
	for _, f := range o {
		if err := s.keyword(f, at); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func where(at string) string {
	if at == "" {
		return "the whole"
	}
	return at
}

func (s *Schema) keyword(f Field, at string) error {
	bad := func() error {
		return fault.New(fault.Internal, "reading the schema of an answer: %s of %s is not understood", f.Key, where(at))
	}
	var err error
	switch f.Key {
	case "$schema", "title", "description":
	case "type":
		s.types, err = wordsOf(f.Value)
	case "required":
		s.required, err = wordsOf(f.Value)
	case "properties":
		err = s.setProperties(f.Value, at)
	case "additionalProperties":
		if f.Value != false {
			return bad()
		}
		s.closed = true
	case "items":
		s.items, err = compile(f.Value, at+"[]")
	case "oneOf":
		s.oneOf, err = compileAll(f.Value, at)
	case "anyOf":
		s.anyOf, err = compileAll(f.Value, at)
	case "enum":
		s.enum, _ = f.Value.([]any)
		if len(s.enum) == 0 {
			return bad()
		}
	case "const":
		s.constant, s.hasConst = f.Value, true
	case "pattern":
		text, _ := f.Value.(string)
		if s.pattern, err = regexp.Compile(text); err != nil || text == "" {
			return bad()
		}
	default:
		n, isNumber := f.Value.(Number)
		if !slices.Contains(bounding, f.Key) || !isNumber {
			return bad()
		}
		s.bounds[f.Key], err = strconv.ParseFloat(string(n), 64)
	}
	return err
}

func (s *Schema) setProperties(v any, at string) error {
	o, ok := v.(Object)
	if !ok {
		return fault.New(fault.Internal, "reading the schema of an answer: properties of %s are no object", where(at))
	}
	s.properties = make(map[string]*Schema, len(o))
	for _, f := range o {
		sub, err := compile(f.Value, at+"."+f.Key)
		if err != nil {
			return err
		}
		s.properties[f.Key] = sub
	}
	return nil
}

func compileAll(v any, at string) ([]*Schema, error) {
	list, _ := v.([]any)
	if len(list) == 0 {
		return nil, fault.New(fault.Internal, "reading the schema of an answer: a choice of %s is empty", where(at))
	}
	out := make([]*Schema, len(list))
	for i, e := range list {
		var err error
		if out[i], err = compile(e, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func wordsOf(v any) ([]string, error) {
	if s, ok := v.(string); ok {
		return []string{s}, nil
	}
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, fault.New(fault.Internal, "reading the schema of an answer: a list of words holds something else")
		}
		out = append(out, s)
	}
	return out, nil
}

// Check holds a value that [Decode] read against the form. The error is an
// Invalid fault that names the place, and quotes nothing of the answer.
func (s *Schema) Check(v any) error {
	if why := s.check(v, ""); why != "" {
		return fault.New(fault.Invalid, "holding the model's answer against its form: %s", why)
	}
	return nil
}

func (s *Schema) check(v any, at string) string {
	if len(s.types) > 0 && !slices.ContainsFunc(s.types, func(t string) bool { return isType(v, t) }) {
		return where(at) + " is of the wrong type"
	}
	if s.hasConst && !equal(v, s.constant) || s.enum != nil && !slices.ContainsFunc(s.enum, func(e any) bool { return equal(v, e) }) {
		return where(at) + " is none of the values that were asked for"
	}
	why := ""
	switch x := v.(type) {
	case string:
		why = s.checkText(x, at)
	case Number:
		f, err := strconv.ParseFloat(string(x), 64)
		if err != nil || !s.within("minimum", "maximum", f) {
			why = where(at) + " is out of range"
		}
	case []any:
		why = s.checkArray(x, at)
	case Object:
		why = s.checkObject(x, at)
	}
	if why != "" {
		return why
	}
	return s.checkChoices(v, at)
}

func (s *Schema) within(least, most string, n float64) bool {
	if low, ok := s.bounds[least]; ok && n < low {
		return false
	}
	high, ok := s.bounds[most]
	return !ok || n <= high
}

func (s *Schema) checkText(x, at string) string {
	if !s.within("minLength", "maxLength", float64(utf8.RuneCountInString(x))) {
		return where(at) + " is too long or too short"
	}
	if s.pattern != nil && !s.pattern.MatchString(x) {
		return where(at) + " is not of the form that was asked for"
	}
	return ""
}

func (s *Schema) checkArray(x []any, at string) string {
	if !s.within("minItems", "maxItems", float64(len(x))) {
		return where(at) + " has too many or too few items"
	}
	if s.items == nil {
		return ""
	}
	for i, e := range x {
		if why := s.items.check(e, fmt.Sprintf("%s[%d]", at, i)); why != "" {
			return why
		}
	}
	return ""
}

func (s *Schema) checkObject(x Object, at string) string {
	for _, key := range s.required {
		if _, ok := x.Get(key); !ok {
			return where(at) + " lacks " + key
		}
	}
	for _, f := range x {
		sub, ok := s.properties[f.Key]
		if !ok {
			if s.closed {
				return where(at) + " has a key that was not asked for"
			}
			continue
		}
		if why := sub.check(f.Value, at+"."+f.Key); why != "" {
			return why
		}
	}
	return ""
}

func (s *Schema) checkChoices(v any, at string) string {
	count := func(list []*Schema) (n int, why string) {
		for _, sub := range list {
			if problem := sub.check(v, at); problem == "" {
				n++
			} else {
				why = problem
			}
		}
		return n, why
	}
	if n, why := count(s.anyOf); len(s.anyOf) > 0 && n == 0 {
		return why
	}
	n, why := count(s.oneOf)
	switch {
	case len(s.oneOf) == 0 || n == 1:
		return ""
	case n == 0 && len(s.oneOf) == 1:
		return why
	case n == 0:
		return where(at) + " is none of the forms that were asked for"
	}
	return where(at) + " is of more than one form"
}

func isType(v any, t string) bool {
	switch t {
	case "object":
		_, ok := v.(Object)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "null":
		return v == nil
	}
	n, ok := v.(Number)
	if t == "number" || !ok {
		return ok && t == "number"
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return t == "integer" && err == nil && f == math.Trunc(f)
}

// equal compares scalars; numbers by value.
func equal(a, b any) bool {
	x, okX := a.(Number)
	y, okY := b.(Number)
	if okX && okY {
		f, errF := strconv.ParseFloat(string(x), 64)
		g, errG := strconv.ParseFloat(string(y), 64)
		return errF == nil && errG == nil && f == g
	}
	return string(Encode(a)) == string(Encode(b))
}
