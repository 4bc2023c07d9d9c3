package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"vedette/internal/console"
	"vedette/internal/copilot"
	"vedette/internal/fault"
)

const (
	token   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	host    = "127.0.0.1:8080"
	hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
)

var routes = []struct{ method, path string }{
	{"GET", "/"}, {"GET", "/console.js"}, {"GET", "/console.css"}, {"GET", "/state"}, {"GET", "/incidents/i-1"}, {"POST", "/ask"}, {"GET", "/ai"}, {"POST", "/ai/find"}, {"GET", "/nothing"}, {"GET", "/healthz"},
}

// plant is a service whose every text was written by an attacker.
type plant struct {
	asked      []copilot.Request
	err        error
	conditions []console.Condition
	used       []console.ModelUse
}

func (p *plant) ShowAI(context.Context, int) (console.AI, error) {
	return console.AI{Mode: hostile, Models: []console.AIModel{{ID: hostile}}, Sent: []console.AICall{{Why: hostile}}}, p.err
}

func (p *plant) FindModels(context.Context) ([]console.FoundModel, error) {
	return []console.FoundModel{{Name: hostile, Lacks: []string{hostile}}}, p.err
}

func (p *plant) UseModel(_ context.Context, use console.ModelUse) error {
	p.used = append(p.used, use)
	return p.err
}

func (p *plant) Ask(_ context.Context, req copilot.Request) (*copilot.Answer, error) {
	p.asked = append(p.asked, req)
	return &copilot.Answer{
		Question: req.Question, Conversation: "c-1", ReadAs: hostile, Status: copilot.StatusAnswered,
		Answer:      []copilot.Sentence{{Text: hostile, Status: "verified", Evidence: []string{"E1"}}},
		Evidence:    []copilot.Evidence{{ID: "E1", Query: hostile, Columns: []string{"device.name"}, Rows: [][]any{{hostile}}, Total: 1}},
		Suggestions: []string{hostile},
	}, p.err
}

func (p *plant) Status(context.Context) (console.Status, error) {
	return console.Status{Events: 12, Devices: 3, Zones: 2, Loading: 1}, p.err
}

func (p *plant) Latest(context.Context, int) ([]console.Happening, error) {
	return []console.Happening{{What: hostile, From: hostile}}, nil
}

func (p *plant) OpenIncidents(context.Context, int) ([]console.Incident, error) {
	return []console.Incident{{UID: hostile, Title: hostile, Severity: "high", Devices: []string{hostile}}}, nil
}

func (p *plant) IncidentDetail(_ context.Context, uid string) (console.IncidentDetail, error) {
	if uid != "i-1" {
		return console.IncidentDetail{}, fault.New(fault.NotFound, "there is no incident %q", uid)
	}
	return console.IncidentDetail{Timeline: []console.Moment{{Title: hostile}}, Joined: []string{hostile}}, nil
}

func (p *plant) Health(context.Context) []console.Condition { return p.conditions }

func open(t *testing.T, p *plant) http.Handler {
	t.Helper()
	h, err := console.New(console.Config{Token: token, Port: 8080, Demo: true, Examples: []string{"How many <b>events</b>?"}, Now: time.Now}, p)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// request sends one request from our own page, changed by each of with.
func request(h http.Handler, method, path, body string, with ...func(*http.Request)) response {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Host = host
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range with {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	cookies, _ := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	return response{w.Code, w.Header(), w.Body.String(), cookies}
}

type response struct {
	code   int
	header http.Header
	body   string
	cookie *http.Cookie // nil if none was set
}

// signIn opens the link and returns what adds its session to a request.
func signIn(t *testing.T, h http.Handler) func(*http.Request) {
	t.Helper()
	resp := request(h, "GET", "/?token="+token, "")
	if resp.cookie == nil {
		t.Fatalf("the link gave status %d and no cookie", resp.code)
	}
	return func(r *http.Request) { r.AddCookie(resp.cookie) }
}

func TestLinkOpensASession(t *testing.T) {
	h := open(t, &plant{})
	resp := request(h, "GET", "/?token="+token+"&q=who+%26+why", "")
	if resp.code != http.StatusSeeOther || resp.header.Get("Location") != "/?q=who+%26+why" {
		t.Errorf("status %d to %q", resp.code, resp.header.Get("Location"))
	}
	c := resp.cookie
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, token) || !strings.Contains(c.Name, "8080") {
		t.Errorf("the cookie is %v", c)
	}
	in := signIn(t, h)
	for _, r := range routes {
		want := http.StatusOK
		if r.path == "/nothing" {
			want = http.StatusNotFound
		}
		if resp := request(h, r.method, r.path, `{"question":"how many?"}`, in); resp.code != want {
			t.Errorf("%s %s: status %d, want %d: %s", r.method, r.path, resp.code, want, resp.body)
		}
	}
}

func TestWithoutSessionNothingIsShown(t *testing.T) {
	h := open(t, &plant{})
	for name, with := range map[string]func(*http.Request){
		"no token":     func(*http.Request) {},
		"wrong token":  func(r *http.Request) { r.URL.RawQuery = "token=ABCDEFGHIJKLMNOPQRSTUVWXY_" },
		"empty token":  func(r *http.Request) { r.URL.RawQuery = "token=" },
		"wrong cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "vedette_session_8080", Value: token}) },
		"empty cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "vedette_session_8080", Value: ""}) },
	} {
		for _, r := range routes {
			if r.path == "/healthz" {
				continue
			}
			resp := request(h, r.method, r.path, `{"question":"how many?"}`, with)
			body := resp.body
			if resp.code != http.StatusUnauthorized || !strings.Contains(body, "link") || resp.cookie != nil {
				t.Errorf("%s: %s %s: status %d, %q", name, r.method, r.path, resp.code, body)
			}
		}
	}
	// A wrong token is refused even to who has a session.
	if resp := request(h, "GET", "/?token=wrong", "", signIn(t, h)); resp.code != http.StatusUnauthorized {
		t.Errorf("a wrong token with a session: status %d", resp.code)
	}
}

func TestOnlyLoopbackHostsAreServed(t *testing.T) {
	h := open(t, &plant{})
	in := signIn(t, h)
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "[::1]:8080": 200,
		"evil.example:8080": 421, "127.0.0.1": 421, "127.0.0.1:9090": 421, "127.0.0.1.evil.example:8080": 421, "localhost.:8080": 421, "": 421, "10.0.0.5:8080": 421,
	} {
		for _, r := range routes {
			if r.path == "/nothing" {
				continue
			}
			resp := request(h, r.method, r.path, `{"question":"how many?"}`, in, func(r *http.Request) { r.Host = host })
			if resp.code != want {
				t.Errorf("%s %s with host %q: status %d, want %d", r.method, r.path, host, resp.code, want)
			}
		}
	}
}

func TestQuestionsComeFromOurPageOnly(t *testing.T) {
	p := &plant{}
	h := open(t, p)
	in := signIn(t, h)
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set(key, value) }
	}
	for name, c := range map[string]struct {
		with func(*http.Request)
		body string
		want int
	}{
		"cross-site":    {set("Sec-Fetch-Site", "cross-site"), `{"question":"x"}`, 403},
		"same-site":     {set("Sec-Fetch-Site", "same-site"), `{"question":"x"}`, 403},
		"other origin":  {set("Origin", "https://evil.example"), `{"question":"x"}`, 403},
		"other port":    {set("Origin", "http://127.0.0.1:9999"), `{"question":"x"}`, 403},
		"a form":        {set("Content-Type", "application/x-www-form-urlencoded"), `question=x`, 415},
		"plain text":    {set("Content-Type", "text/plain"), `{"question":"x"}`, 415},
		"no type":       {set("Content-Type", ""), `{"question":"x"}`, 415},
		"no question":   {set("Origin", "http://"+host), `{"question":""}`, 400},
		"no JSON":       {set("Origin", "http://"+host), `who?`, 400},
		"unknown field": {set("Origin", "http://"+host), `{"question":"x","now":"2020-01-01T00:00:00Z"}`, 400},
		"too long":      {set("Origin", "http://"+host), `{"question":"` + strings.Repeat("x", 3000) + `"}`, 400},
		"too large":     {set("Origin", "http://"+host), `{"question":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
	} {
		if resp := request(h, "POST", "/ask", c.body, in, c.with); resp.code != c.want {
			t.Errorf("%s: status %d, want %d", name, resp.code, c.want)
		}
	}
	if len(p.asked) > 0 {
		t.Errorf("refused requests were asked: %v", p.asked)
	}
	if resp := request(h, "POST", "/ask", `{"question":"x","follow":"c-1"}`, in, set("Origin", "http://"+host)); resp.code != 200 || len(p.asked) != 1 || p.asked[0].Follow != "c-1" || p.asked[0].Now.IsZero() {
		t.Errorf("from our own page: status %d, asked %v", resp.code, p.asked)
	}
}

// TestEveryAnswerHasTheHeaders looks at each route, signed in or not, and at
// refusals.
func TestEveryAnswerHasTheHeaders(t *testing.T) {
	h := open(t, &plant{})
	in := signIn(t, h)
	badHost := func(r *http.Request) { r.Host = "evil.example:8080" }
	cross := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for _, r := range append(routes, struct{ method, path string }{"GET", "/?token=" + token}) {
		for _, with := range [][]func(*http.Request){{}, {in}, {in, badHost}, {in, cross}} {
			resp := request(h, r.method, r.path, `{"question":"x"}`, with...)
			csp := resp.header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(csp, part) {
					t.Errorf("%s %s: no %s in %q", r.method, r.path, part, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || resp.header.Get("X-Content-Type-Options") != "nosniff" || resp.header.Get("Cache-Control") != "no-store" || resp.header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s %s: headers %v", r.method, r.path, resp.header)
			}
		}
	}
}

func TestHostileTextNeverBecomesMarkup(t *testing.T) {
	h := open(t, &plant{})
	in := signIn(t, h)
	for _, r := range []struct{ method, path string }{{"POST", "/ask"}, {"GET", "/state"}} {
		resp := request(h, r.method, r.path, `{"question":"`+strings.ReplaceAll(hostile, `"`, `\"`)+`"}`, in)
		body := resp.body
		if got := resp.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s is served as %q", r.path, got)
		}
		if strings.ContainsAny(body, "<>") {
			t.Errorf("%s holds markup: %s", r.path, body)
		}
		if !strings.Contains(body, `\u003cscript\u003e`) {
			t.Errorf("%s does not hold the text at all: %s", r.path, body)
		}
	}
	page := request(h, "GET", "/?q="+strings.ReplaceAll("<script>alert(2)</script>", " ", "+"), "", in).body
	if strings.Contains(page, "alert") || strings.Contains(page, "<b>events</b>") || !strings.Contains(page, "&lt;b&gt;events") {
		t.Error("the page holds text of its address or raw examples")
	}
	problem := request(open2(t, &plant{err: fault.New(fault.Invalid, "no device %q", hostile)}), "POST", "/ask", `{"question":"x"}`).body
	if strings.ContainsAny(problem, "<>") {
		t.Errorf("a problem holds markup: %s", problem)
	}
}

// open2 is open with a session in every request.
func open2(t *testing.T, p *plant) http.Handler {
	h := open(t, p)
	in := signIn(t, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { in(r); h.ServeHTTP(w, r) })
}

// TestScriptSetsTextOnly: the page's script has no way to make markup of a
// text, and the page has no inline script or style.
func TestScriptSetsTextOnly(t *testing.T) {
	script, err := os.ReadFile("console.js")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|setAttribute\("(on|style|href|src)|createContextualFragment`).Find(script); m != nil {
		t.Errorf("the script uses %s", m)
	}
	page := request(open2(t, &plant{}), "GET", "/", "").body
	if m := regexp.MustCompile(`(?i)<script>|<style|\son[a-z]+=|\sstyle=|https?://[^w]`).FindString(page); m != "" {
		t.Errorf("the page holds %q", m)
	}
}

func TestTroubleSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		hint string
	}{
		{fault.New(fault.NotFound, "there is no conversation").WithHint("start one"), 404, "start one"},
		{fault.New(fault.Limited, "the query costs too much").WithHint("ask for less time"), 429, "ask for less time"},
		{fault.Wrap(fault.Unavailable, os.ErrClosed, "reading"), 503, ""},
		{os.ErrPermission, 500, ""},
	} {
		resp := request(open2(t, &plant{err: c.err}), "POST", "/ask", `{"question":"x"}`)
		var got map[string]string
		if err := json.Unmarshal([]byte(resp.body), &got); err != nil {
			t.Fatal(err)
		}
		if resp.code != c.want || got["hint"] != c.hint || got["text"] == "" || strings.Contains(got["text"], "permission") {
			t.Errorf("%v: status %d, %v", c.err, resp.code, got)
		}
	}
}

func TestHealthNamesItsConditions(t *testing.T) {
	one := func(name string, s console.State) console.Condition { return console.Condition{Name: name, State: s} }
	for _, c := range []struct {
		conditions []console.Condition
		status     string
		code       int
	}{
		{[]console.Condition{one("store", console.OK)}, "ok", 200},
		{[]console.Condition{one("store", console.OK), one("history", console.Starting)}, "starting", 503},
		{[]console.Condition{one("plant", console.Failed), one("history", console.Starting)}, "failed", 503},
	} {
		resp := request(open(t, &plant{conditions: c.conditions}), "GET", "/healthz", "")
		var got struct {
			Status     string
			Conditions []console.Condition
		}
		if err := json.Unmarshal([]byte(resp.body), &got); err != nil {
			t.Fatal(err)
		}
		if resp.code != c.code || got.Status != c.status || len(got.Conditions) != len(c.conditions) {
			t.Errorf("status %d, %+v, want %d %s", resp.code, got, c.code, c.status)
		}
	}
}

func TestShortTokenIsRefused(t *testing.T) {
	if _, err := console.New(console.Config{Token: "short", Port: 1, Now: time.Now}, &plant{}); err == nil {
		t.Error("a token that can be guessed was taken")
	}
}

// Programs have the token; a browser's session is none of theirs, and a page of
// another site gets nowhere even with the token.
func TestProgramsNeedTheToken(t *testing.T) {
	served := 0
	programs := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })
	h, err := console.New(console.Config{Token: token, Port: 8080, Now: time.Now, MCP: programs}, &plant{})
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", text) }
	}
	for name, with := range map[string][]func(*http.Request){
		"nothing":      {},
		"session":      {signIn(t, h)},
		"in the link":  {func(r *http.Request) { r.URL.RawQuery = "token=" + token }},
		"wrong token":  {bearer("Bearer ABCDEFGHIJKLMNOPQRSTUVWXY_")},
		"empty token":  {bearer("Bearer ")},
		"other scheme": {bearer("Basic " + token)},
	} {
		if resp := request(h, "POST", "/mcp", "{}", with...); resp.code != http.StatusUnauthorized || served != 0 {
			t.Errorf("%s: status %d", name, resp.code)
		}
	}
	elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if resp := request(h, "POST", "/mcp", "{}", bearer("Bearer "+token), elsewhere); resp.code != http.StatusForbidden || served != 0 {
		t.Errorf("from another site: status %d", resp.code)
	}
	otherHost := func(r *http.Request) { r.Host = "evil.example:8080" }
	if resp := request(h, "POST", "/mcp", "{}", bearer("Bearer "+token), otherHost); resp.code != http.StatusMisdirectedRequest || served != 0 {
		t.Errorf("by another name: status %d", resp.code)
	}
	if resp := request(h, "POST", "/mcp", "{}", bearer("Bearer "+token)); resp.code != http.StatusOK || served != 1 {
		t.Errorf("with the token: status %d", resp.code)
	}
}

// A model is put to work by a person's name and reason, from our own page, with
// the session.
func TestApprovalOfAModel(t *testing.T) {
	p := &plant{}
	h := open(t, p)
	in := signIn(t, h)
	body := `{"url":"http://127.0.0.1:1/v1","model":"m","by":"ada","why":"a try"}`
	elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for name, test := range map[string]struct {
		body string
		with []func(*http.Request)
		want int
	}{
		"no session":    {body, nil, http.StatusUnauthorized},
		"another site":  {body, []func(*http.Request){in, elsewhere}, http.StatusForbidden},
		"nobody":        {`{"model":"m","by":" ","why":"x"}`, []func(*http.Request){in}, http.StatusBadRequest},
		"no reason":     {`{"model":"m","by":"ada"}`, []func(*http.Request){in}, http.StatusBadRequest},
		"no JSON":       {`model=m`, []func(*http.Request){in}, http.StatusBadRequest},
		"far too large": {`{"why":"` + strings.Repeat("x", 1<<20) + `"}`, []func(*http.Request){in}, http.StatusBadRequest},
	} {
		if resp := request(h, "POST", "/ai/use", test.body, test.with...); resp.code != test.want || len(p.used) != 0 {
			t.Errorf("%s: status %d, want %d", name, resp.code, test.want)
		}
	}
	if resp := request(h, "POST", "/ai/use", body, in); resp.code != http.StatusOK || len(p.used) != 1 || p.used[0].By != "ada" || p.used[0].Model != "m" {
		t.Errorf("status %d, used %+v", resp.code, p.used)
	}
}
