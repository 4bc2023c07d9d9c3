package cli_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// What the network reaches of a running product: the link opens a session, and
// nothing opens without.
func TestDoorOfTheDemo(t *testing.T) {
	link := startDemo(t, t.TempDir())
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	base, token := "http://"+at.Host, at.Query().Get("token")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, person := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, &http.Client{Jar: jar}
	resp, err := person.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK || resp.Request.URL.RawQuery != "" {
		t.Fatalf("the link: %v, %v", resp, err)
	}
	ask := func(c *http.Client, method, path string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s %s: policy %q", method, path, csp)
		}
		return resp.StatusCode, string(text)
	}
	for _, path := range []string{"/", "/now", "/assets/nothing.js", "/api/v1/me", "/api/openapi.json", "/metrics", "/mcp"} {
		if code, _ := ask(stranger, "GET", path); code != http.StatusUnauthorized {
			t.Errorf("%s for a stranger: %d", path, code)
		}
	}
	if code, text := ask(stranger, "GET", "/healthz"); code != http.StatusOK || !strings.Contains(text, `"name":"plant"`) {
		t.Errorf("/healthz: %d %s", code, text)
	}
	for path, want := range map[string]string{"/": "<div id=\"app\">", "/api/v1/me": `"demo":true`, "/api/openapi.json": `"openapi":"3.1.0"`, "/metrics": "vedette_events_stored"} {
		if code, text := ask(person, "GET", path); code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %.200s", path, code, text)
		}
	}
	if code, text := ask(person, "POST", "/mcp"); code != http.StatusForbidden {
		t.Errorf("/mcp with a session: %d %s", code, text)
	}
	if code, text := ask(stranger, "POST", "/mcp", "Authorization", "Bearer "+token); code != http.StatusOK || !strings.Contains(text, "incidents") {
		t.Errorf("/mcp with the token: %d %.300s", code, text)
	}
	if code, _ := ask(stranger, "POST", "/mcp", "Authorization", "Bearer "+strings.Repeat("A", len(token))); code != http.StatusUnauthorized {
		t.Errorf("/mcp with another token: %d", code)
	}
	if code, _ := ask(person, "POST", "/api/v1/ask", "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
		t.Errorf("a question from another site's page: %d", code)
	}
}
