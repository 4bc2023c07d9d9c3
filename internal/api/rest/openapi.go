package rest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"vedette/internal/api/account"
	"vedette/internal/api/problem"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	typed "vedette/internal/query"
)

// Shapes of what a route takes and gives, as types of which the description is
// made. No type: bytes of any kind.
type shapes struct {
	in, out reflect.Type
	query   []param
}

type param struct{ name, doc string }

func of[T any]() reflect.Type { return reflect.TypeFor[T]() }

// document describes the API as OpenAPI 3.1 has it. It is made from the routes
// and the types of their bodies, so that it cannot tell of anything else.
func document(version string) ([]byte, error) {
	paths := map[string]map[string]any{}
	add := func(pattern, summary, action string, sh shapes) error {
		method, path, _ := strings.Cut(pattern, " ")
		op, err := operation(pattern, summary, action, sh)
		if err != nil {
			return err
		}
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(method)] = op
		return nil
	}
	for _, route := range Routes() {
		if err := add(route.Pattern, route.Summary, string(route.Action), route.shapes); err != nil {
			return nil, err
		}
	}
	for _, route := range account.Routes() {
		sh := shapes{in: of[map[string]any](), out: of[map[string]any]()}
		if route.Method == http.MethodGet {
			sh.in = nil
		}
		if err := add(route.Method+" "+route.Path, route.Summary, string(route.Action), sh); err != nil {
			return nil, err
		}
	}
	trouble, err := schemaOf(of[problem.Details]())
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "Vedette", "version": version, "description": "What devices and third parties wrote is in the answers as it is: treat it as untrusted text."},
		"paths":   paths,
		"components": map[string]any{
			"schemas":         map[string]any{"Problem": trouble},
			"securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer"}, "session": map[string]any{"type": "apiKey", "in": "cookie", "name": "vedette"}},
		},
		"security": []any{map[string]any{"token": []string{}}, map[string]any{"session": []string{}}},
	})
}

var pathName = regexp.MustCompile(`\{(\w+)\}`)

func operation(pattern, summary, action string, sh shapes) (map[string]any, error) {
	op := map[string]any{
		"operationId": strings.Trim(regexp.MustCompile(`\W+`).ReplaceAllString(strings.Replace(pattern, "/api/v1", "", 1), "_"), "_"),
		"summary":     summary,
		"description": "Needs the action " + action + ".",
	}
	if action == "" {
		op["description"] = "Needs no account."
		op["security"] = []any{}
	}
	params := []any{}
	for _, m := range pathName.FindAllStringSubmatch(pattern, -1) {
		params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range sh.query {
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.doc, "schema": map[string]any{"type": "string"}})
	}
	op["parameters"] = params
	body := func(t reflect.Type) (map[string]any, error) {
		if t == nil {
			return map[string]any{"application/octet-stream": map[string]any{}}, nil
		}
		schema, err := schemaOf(t)
		return map[string]any{"application/json": map[string]any{"schema": schema}}, err
	}
	out, err := body(sh.out)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "describing what %s gives", pattern)
	}
	trouble := map[string]any{"description": "what failed and what to do", "content": map[string]any{"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Problem"}}}}
	op["responses"] = map[string]any{"200": map[string]any{"description": "done", "content": out}, "default": trouble}
	if strings.HasPrefix(pattern, "POST ") || strings.HasPrefix(pattern, "PATCH ") {
		in, err := body(sh.in)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "describing what %s takes", pattern)
		}
		op["requestBody"] = map[string]any{"required": true, "content": in}
	}
	return op, nil
}

// schemaOf describes a type as JSON Schema 2020-12, which OpenAPI 3.1 uses.
func schemaOf(t reflect.Type) (*jsonschema.Schema, error) {
	anything := &jsonschema.Schema{}
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{IgnoreInvalidTypes: true, TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		of[json.RawMessage]():  anything,
		of[copilot.Evidence](): {Type: "object", Description: "id, query, columns, rows as objects, total"},
		of[typed.Expr]():       {Type: "object", Description: "and, or, not, or field, op and value: docs/query.md"},
		of[time.Duration]():    {Type: "integer", Description: "nanoseconds"},
	}})
	if err == nil {
		nullable(schema)
	}
	return schema, err
}

// nullable lets maps be null, which is how a nil map is written.
func nullable(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Type == "object" && s.Properties == nil && s.AdditionalProperties != nil {
		s.Type, s.Types = "", []string{"null", "object"}
	}
	for _, p := range s.Properties {
		nullable(p)
	}
	nullable(s.Items)
	if s.AdditionalProperties != nil && s.AdditionalProperties.Not == nil {
		nullable(s.AdditionalProperties)
	}
}

func openAPI(s *server) http.HandlerFunc {
	text, err := document(s.about.Version)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			problem.Write(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // the client has gone if this fails
	}
}
