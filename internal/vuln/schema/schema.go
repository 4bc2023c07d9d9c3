// Package schema holds documents against the published JSON schemas of
// CycloneDX and CSAF, which ship inside the binary, and says in one sentence
// where a document breaks one.
//
// It must not fetch a schema or know what a document means.
package schema

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"vedette/internal/fault"
)

//go:embed cyclonedx/*.gz cyclonedx/*.txt csaf/*.gz
var files embed.FS

// Set compiles schemas when they are first asked for and keeps them. It is safe
// for concurrent use.
type Set struct {
	mu   sync.Mutex
	done map[string]*jsonschema.Schema
}

// New makes an empty set.
func New() *Set { return &Set{done: map[string]*jsonschema.Schema{}} }

// CSAF20 names the schema of CSAF 2.0.
const CSAF20 = "csaf/csaf_json_schema.json"

// CycloneDX names the schema of a version such as 1.5, or "".
func CycloneDX(version string) string {
	switch version {
	case "1.2", "1.3", "1.4", "1.5", "1.6", "1.7":
		return "cyclonedx/bom-" + version + ".schema.json"
	}
	return ""
}

// Check holds a document, as [Decode] returns it, against a schema. The error
// is an Invalid fault that names the place and the rule.
func (s *Set) Check(name string, doc any) error {
	sch, err := s.compiled(name)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "reading the schema %s", name)
	}
	err = sch.Validate(doc)
	if err == nil {
		return nil
	}
	if v, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return fault.New(fault.Invalid, "%s", explain(v))
	}
	return fault.Wrap(fault.Invalid, err, "holding the document against its schema")
}

func (s *Set) compiled(name string) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sch := s.done[name]; sch != nil {
		return sch, nil
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(loader{})
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "idn-email", Validate: isMail})
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: isTime})
	c.RegisterFormat(&jsonschema.Format{Name: "uri", Validate: isURI})
	sch, err := c.Compile(base + name)
	if err == nil {
		s.done[name] = sch
	}
	return sch, err
}

// base is where the schemas seem to lie; references between them are relative
// or absolute, and the loader takes both.
const base = "embedded:///"

type loader struct{}

// Load finds a schema among the embedded ones by its file name.
func (loader) Load(url string) (any, error) {
	name := url[strings.LastIndexByte(url, '/')+1:]
	for _, dir := range []string{"cyclonedx/", "csaf/"} {
		raw, err := files.ReadFile(dir + name + ".gz")
		if err != nil {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(z)
		return own(name, doc), err
	}
	if name == "cryptography-defs.schema.json" { // its lists of names are not here: any name passes
		word := map[string]any{"type": "string", "minLength": json.Number("1")}
		return map[string]any{"definitions": map[string]any{"algorithmFamiliesEnum": word, "ellipticCurvesEnum": word}}, nil
	}
	if rest, ok := strings.CutPrefix(name, "cvss-v"); ok { // package cvss has the rules but this one
		version := map[string]any{"const": strings.TrimSuffix(rest, ".json")}
		return map[string]any{"type": "object", "properties": map[string]any{"version": version}}, nil
	}
	return nil, fmt.Errorf("there is no schema %s", name)
}

// own takes the ids out of the top of a schema, so that references between the
// files lead to the embedded ones, whatever address each gives itself, and out
// of the parts of the oldest ones, where they are wrong.
func own(name string, doc any) any {
	m, ok := doc.(map[string]any)
	if !ok {
		return doc
	}
	delete(m, "$id")
	if strings.HasPrefix(name, "bom-1.2") || strings.HasPrefix(name, "bom-1.3") {
		dropIDs(m)
	}
	return doc
}

func dropIDs(v any) {
	switch v := v.(type) {
	case map[string]any:
		if id, ok := v["$id"].(string); ok && strings.HasPrefix(id, "#") {
			delete(v, "$id")
		}
		for _, x := range v {
			dropIDs(x)
		}
	case []any:
		for _, x := range v {
			dropIDs(x)
		}
	}
}

func isMail(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return errors.New("is no e-mail address")
	}
	return nil
}

func isTime(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	up := strings.ToUpper(s)
	if _, err := time.Parse(time.RFC3339Nano, up); err != nil {
		// a leap second is a time too
		if _, err := time.Parse(time.RFC3339Nano, strings.Replace(up, ":60", ":59", 1)); err != nil {
			return errors.New("is no time like 2026-01-31T12:00:00Z")
		}
	}
	return nil
}

func isURI(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || strings.ContainsAny(s, " <>\"{}|\\^`\n\t") || rest == "" {
		return errors.New("is no address with a scheme, such as https://…")
	}
	return nil
}

// MaxDepth bounds how deep objects and lists may lie in each other.
const MaxDepth = 256

// Decode reads one JSON document whole: nothing may follow it, and it is not
// deeper than [MaxDepth].
func Decode(data []byte) (any, error) {
	if err := shallow(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "it is no whole JSON document")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "something follows the JSON document")
	}
	return doc, nil
}

func shallow(data []byte) error {
	depth, text := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fault.New(fault.Limited, "it is nested deeper than %d levels", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// explain finds the rule that tells most: of the causes, the one deepest in the
// document.
func explain(err *jsonschema.ValidationError) string {
	best, depth := err, -1
	seen := 0
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if seen++; seen > 10_000 {
			return
		}
		if len(e.Causes) == 0 && len(e.InstanceLocation) > depth {
			best, depth = e, len(e.InstanceLocation)
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(err)
	where := strings.Join(best.InstanceLocation, "/")
	if where == "" {
		where = "the top"
	}
	text := best.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	if e, ok := best.ErrorKind.(*kind.Enum); ok && len(e.Want) > 20 {
		text = fmt.Sprintf("%.60q is none of the %d allowed values", fmt.Sprint(e.Got), len(e.Want))
	}
	return short("at "+where+": "+text, 300)
}

func short(text string, limit int) string {
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
