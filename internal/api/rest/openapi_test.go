package rest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/api/account"
	"vedette/internal/authz"
)

// described holds an answer against what the API's document says of it.
func described(t *testing.T, route Route, answer map[string]any) {
	t.Helper()
	schema, err := schemaOf(route.out)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(answer); err != nil {
		t.Errorf("%s answers otherwise than its description: %v", route.Pattern, err)
	}
}

// The document tells of every route, and of no other.
func TestDocument(t *testing.T) {
	h := Handler(&plant{}, authority(t), About{Version: "v9"})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(authz.With(t.Context(), as(authz.Viewer)), http.MethodGet, "/api/openapi.json", nil))
	var doc struct {
		OpenAPI string `json:"openapi"`
		Info    struct{ Version string }
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Parameters  []struct{ Name, In string }
			Responses   map[string]any
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
		t.Fatalf("%d %v", w.Code, err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Version != "v9" {
		t.Errorf("%q %q", doc.OpenAPI, doc.Info.Version)
	}
	var patterns []string
	for _, r := range Routes() {
		patterns = append(patterns, r.Pattern)
	}
	for _, r := range account.Routes() {
		patterns = append(patterns, r.Method+" "+r.Path)
	}
	ids, there := map[string]bool{}, 0
	for _, ops := range doc.Paths {
		there += len(ops)
	}
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		op, ok := doc.Paths[path][strings.ToLower(method)]
		if !ok || op.Summary == "" || op.Responses["default"] == nil || ids[op.OperationID] {
			t.Errorf("%s: %v %+v", pattern, ok, op)
		}
		ids[op.OperationID] = true
		in := 0
		for _, p := range op.Parameters {
			if p.In == "path" {
				in++
			}
		}
		if in != strings.Count(path, "{") {
			t.Errorf("%s: %d parameters of the path", pattern, in)
		}
	}
	if there != len(patterns) {
		t.Errorf("%d operations are described, there are %d", there, len(patterns))
	}
}
