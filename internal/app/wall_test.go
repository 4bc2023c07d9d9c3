package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/rest"
	"vedette/internal/authz"
)

// standing is how a route stands to who is limited to zones.
type standing int

const (
	_     standing = iota // not judged, which fails
	open_                 // answers of what lies in their zones
	shut                  // is refused
	blind                 // answers the same whatever the zones are
)

// probe is one request.
type probe struct{ path, body, accept string }

// judged is what is to be thought of a route, and what it is asked.
type judged struct {
	is     standing
	own    []probe // to which the answer is 200
	other  []probe // of the other side, to which it is not
	silent bool    // its answers name nothing, whoever asks
}

// admin has every right but to see all zones, so that a refusal is for the zones.
func admin(zones ...string) authz.Principal {
	p := in(zones...)
	p.Roles = authz.Roles()
	return p
}

// The wall: every route of the table, asked by somebody who is limited to one side,
// with everything of that side and of the other. No answer tells of the other: not its
// body, headers, errors, counts or streams. A route that is not judged here fails, so
// that whoever adds one has to say how it stands.
func TestWall(t *testing.T) {
	x := openWall(t)
	table := x.table()
	ann, told := admin(ovens), map[string]bool{}
	for _, route := range rest.Routes() {
		j, method := table[route.Pattern], strings.Fields(route.Pattern)[0]
		delete(table, route.Pattern)
		if j.is == 0 {
			t.Errorf("%s is not judged: say in this test whether who is limited to zones may use it, and what to ask it", route.Pattern)
			continue
		}
		if len(j.own) == 0 {
			t.Errorf("%s is asked nothing", route.Pattern)
		}
		for _, p := range j.own {
			x.asked(route.Pattern, ann, method, p, j.is != shut)
			told[route.Pattern] = told[route.Pattern] || j.is == blind || x.tells(method, p)
			if code := x.send(ann, method, p).Code; j.is == shut && code != http.StatusForbidden {
				t.Errorf("%s %s is refused with %d, not for the zones", route.Pattern, p.path, code)
			}
		}
		for _, p := range j.other {
			x.asked(route.Pattern, ann, method, p, false)
			told[route.Pattern] = told[route.Pattern] || method != "GET" || x.tells(method, p)
		}
		if j.is == open_ && !j.silent && !told[route.Pattern] && method == "GET" {
			t.Errorf("%s tells nobody of the other side, so the test cannot fail: give it more to ask", route.Pattern)
		}
	}
	for pattern := range table {
		t.Errorf("%s is judged and is no route", pattern)
	}
}

// send makes a request as somebody; a stream is read for a moment.
func (x *wall) send(p authz.Principal, method string, ask probe) *httptest.ResponseRecorder {
	x.t.Helper()
	ctx := authz.With(x.t.Context(), p)
	if strings.Contains(ask.path, "/tail") {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, 1200*time.Millisecond)
		defer stop()
	}
	r := httptest.NewRequestWithContext(ctx, method, ask.path, strings.NewReader(ask.body))
	r.Header.Set("Content-Type", "application/json")
	if ask.accept != "" {
		r.Header.Set("Accept", ask.accept)
	}
	w := httptest.NewRecorder()
	x.h.ServeHTTP(w, r)
	return w
}

// said is all that went out, without what the request itself said, which a refusal
// repeats.
func (x *wall) said(w *httptest.ResponseRecorder, ask probe) string {
	text := w.Body.String()
	for name, values := range w.Header() {
		text += "\n" + name + ": " + strings.Join(values, ", ")
	}
	text = strings.ToLower(text)
	for _, m := range x.marks {
		if m = strings.ToLower(m); strings.Contains(strings.ToLower(ask.path+ask.body), m) {
			text = strings.ReplaceAll(text, m, "")
		}
	}
	return text
}

// asked wants an answer, or none, and none that tells of the other side.
func (x *wall) asked(what string, p authz.Principal, method string, ask probe, want bool) {
	x.t.Helper()
	w := x.send(p, method, ask)
	if (w.Code < 300) != want || w.Code >= 500 {
		x.t.Errorf("%s: %s %s gave %d: %.300s", what, ask.path, ask.body, w.Code, w.Body)
	}
	if mark := x.mark(x.said(w, ask)); mark != "" {
		at := strings.Index(x.said(w, ask), mark)
		text := x.said(w, ask)
		x.t.Errorf("%s: %s %s (%d) tells of %s: …%s…", what, ask.path, ask.body, w.Code, mark, text[max(0, at-300):min(len(text), at+200)])
	}
}

// mark is the first mark of the other side in a text.
func (x *wall) mark(text string) string {
	for _, m := range x.marks {
		if strings.Contains(text, strings.ToLower(m)) {
			return strings.ToLower(m)
		}
	}
	return ""
}

// tells reports whether who sees all is told of the other side by a request that
// changes nothing.
func (x *wall) tells(method string, ask probe) bool {
	return method == "GET" && x.mark(x.said(x.send(in(), method, ask), ask)) != ""
}

// at is a path with each of the things of a kind.
func at(form string, list []string) (out []probe) {
	for _, one := range list[:min(len(list), 12)] {
		out = append(out, probe{path: strings.ReplaceAll(form, "*", one)})
	}
	return out
}

func with(body string, list []probe) []probe {
	for i := range list {
		list[i].body = body
	}
	return list
}

// deeds are decisions of a kind on each of some incidents.
func deeds(action string, list []string) []probe {
	return with(fmt.Sprintf(`{"action":%q,"why":"w","text":"a word","to":"me","verdict":"%s"}`, action, map[string]string{"feedback": "true"}[action]), at("/api/v1/incidents/*/decisions", list))
}

// gets are paths under /api/v1.
func gets(paths ...string) (out []probe) {
	for _, p := range paths {
		out = append(out, probe{path: "/api/v1/" + p})
	}
	return out
}

func bodies(path string, list ...string) (out []probe) {
	for _, b := range list {
		out = append(out, probe{path: "/api/v1/" + path, body: b})
	}
	return out
}

// queriesOfWall aim at the other side.
func queriesOfWall() (out []string) {
	for _, q := range []string{
		"last 24h | limit 1000", "| by src, dst count", "| by src_endpoint.name, dst_endpoint.name count", "devices", "devices | by vendor count", "| by metadata.source count", "| select raw, message | limit 1000",
		"query.hostname exists | by query.hostname count", "oven_tag=warm | count", "detection_finding | select raw | limit 1000", "sequence by src within 5m (network_activity) then (detection_finding)", "dst=10.2.0.5 | count",
	} {
		body, _ := json.Marshal(map[string]any{"query": q, "now": clock})
		out = append(out, string(body))
	}
	return out
}

// wrongQueries are refused, and the refusal suggests what is near.
func wrongQueries() (out []string) {
	for _, q := range []string{"vermil_ta=1", "vermil_tag=1", "vermil_tag=vermil-value | count", "device=\"crane-zinnober\" | select src, dst", "device=\"crane-zinnobe\"", "src_endpoint.name=\"scale-ocke\"", "metadata.source=\"carmine.jso\"", "query.hostname=\"verdigris.exampl\""} {
		body, _ := json.Marshal(map[string]any{"query": q, "now": clock})
		out = append(out, string(body))
	}
	return out
}

func questionsOfWall() (out []string) {
	for _, q := range []string{"which devices are there?", "top talkers in the last hour", "show me the findings of the last day", "which devices are affected by CVE-2024-7777?", "which devices are affected by CVE-2024-9001?", "who talks to crane-zinnober?", "what did crane-zinnobe do?", "which incidents are open?", "frobnicate the vermil"} {
		body, _ := json.Marshal(map[string]any{"question": q, "now": clock})
		out = append(out, string(body))
	}
	return out
}

// table judges the routes.
func (x *wall) table() map[string]judged {
	out := x.opened()
	for pattern, asked := range x.closed() {
		method, path, _ := strings.Cut(pattern, " ")
		if asked.path == "" {
			asked.path = strings.NewReplacer("{uid}", x.own["device"][0], "{id}", x.own["bill"][0], "{name}", docks).Replace(path)
		}
		_ = method
		out[pattern] = judged{is: shut, own: []probe{asked}}
	}
	return out
}

// opened are the routes that answer of what lies in somebody's zones.
func (x *wall) opened() map[string]judged {
	const v1 = "/api/v1/"
	own, other := x.own, x.other
	device := func(tail string) judged {
		return judged{is: open_, own: at(v1+"devices/*"+tail, own["device"]), other: at(v1+"devices/*"+tail, other["device"])}
	}
	list := func(paths ...string) judged { return judged{is: open_, own: gets(paths...)} }
	ask := bodies("ask", questionsOfWall()...)
	for _, p := range slices.Clone(ask) {
		p.accept = "text/event-stream"
		ask = append(ask, p)
	}
	bill := judged{is: open_, own: at(v1+"devices/"+own["device"][0]+"/bills/*", own["bill"])}
	bill.other = slices.Concat(at(v1+"devices/"+own["device"][0]+"/bills/*", other["bill"]), at(v1+"devices/"+other["device"][0]+"/bills/*", other["bill"]))
	return map[string]judged{
		"GET /api/v1/me":                            {is: open_, own: gets("me"), silent: true},
		"GET /api/v1/fields":                        {is: blind, own: gets("fields")},
		"POST /api/v1/ask":                          {is: open_, own: ask},
		"POST /api/v1/query":                        {is: open_, own: bodies("query", queriesOfWall()...), other: bodies("query", wrongQueries()...)},
		"GET /api/v1/now":                           list("now"),
		"GET /api/v1/events/{uid}":                  {is: open_, own: at(v1+"events/*", own["event"]), other: at(v1+"events/*", other["event"])},
		"GET /api/v1/events/tail":                   list("events/tail?select=src,dst,src_endpoint.name,dst_endpoint.name,raw"),
		"GET /api/v1/devices":                       list("devices?facets=1&limit=1000", "devices?format=csv", "devices?sort=-name&limit=1", "devices?q=zinnober", "devices?zone=docks"),
		"GET /api/v1/devices/{uid}":                 device(""),
		"GET /api/v1/devices/{uid}/behaviour":       device("/behaviour?last=31d"),
		"GET /api/v1/devices/{uid}/changes":         {is: open_, own: at(v1+"devices/*/changes", own["device"]), other: at(v1+"devices/*/changes", other["device"]), silent: true},
		"GET /api/v1/devices/{uid}/life":            device("/life"),
		"GET /api/v1/devices/{uid}/firmware":        {is: open_, own: at(v1+"devices/*/firmware", own["device"]), other: at(v1+"devices/*/firmware", other["device"]), silent: true},
		"PATCH /api/v1/devices/{uid}":               {is: open_, own: with(`{"owner":"ann"}`, at(v1+"devices/*", own["device"])), other: slices.Concat(with(`{"owner":"ann"}`, at(v1+"devices/*", other["device"])), with(`{"ip":"10.2.0.6"}`, at(v1+"devices/*", own["device"])), with(`{"mac":"00:11:22:33:44:55"}`, at(v1+"devices/*", own["device"])), with(`{"zone":"docks"}`, at(v1+"devices/*", own["device"])))},
		"GET /api/v1/findings":                      list("findings?limit=1000", "findings?family=indicator", "findings?device="+other["device"][0]),
		"GET /api/v1/findings/{uid}":                {is: open_, own: at(v1+"findings/*", own["finding"]), other: at(v1+"findings/*", other["finding"])},
		"GET /api/v1/incidents":                     list("incidents?status=all", "incidents?limit=1", "incidents?assignee=bob", "incidents?assignee=nobody"),
		"GET /api/v1/incidents/{uid}":               {is: open_, own: at(v1+"incidents/*", own["incident"]), other: at(v1+"incidents/*", other["incident"])},
		"GET /api/v1/incidents/{uid}/export":        {is: open_, own: append(at(v1+"incidents/*/export?format=md", own["incident"]), at(v1+"incidents/*/export", own["incident"])...), other: at(v1+"incidents/*/export", other["incident"])},
		"GET /api/v1/vulnerabilities":               list("vulnerabilities", "vulnerabilities?limit=1", "vulnerabilities?subject=device:"+other["device"][0], "vulnerabilities?id=CVE-2024-9001", "vulnerabilities?id=CVE-2024-7777&status=not_affected"),
		"GET /api/v1/vulnerabilities/plan":          list("vulnerabilities/plan", "vulnerabilities/plan?limit=10", "vulnerabilities/plan?format=csv", "vulnerabilities/plan?q=zinn", "vulnerabilities/plan?id=CVE-2024-9001"),
		"GET /api/v1/vulnerabilities/groups":        list("vulnerabilities/groups?by=device", "vulnerabilities/groups?by=component", "vulnerabilities/groups?by=advisory", "vulnerabilities/groups?by=device&format=csv", "vulnerabilities/groups?by=component&format=json", "vulnerabilities/groups?by=component&q=zinn"),
		"GET /api/v1/vulnerabilities/{id}":          list("vulnerabilities/CVE-2024-7777", "vulnerabilities/CVE-2024-8001"),
		"GET /api/v1/remediations":                  list("remediations", "remediations?format=csv", "remediations?q=zinn", "remediations?subject=device:"+other["device"][0]),
		"GET /api/v1/remediations/{uid}":            {is: open_, own: at(v1+"remediations/*", own["task"]), other: at(v1+"remediations/*", other["task"])},
		"GET /api/v1/remediations/{uid}/ticket":     {is: open_, own: at(v1+"remediations/*/ticket", own["task"]), other: at(v1+"remediations/*/ticket", other["task"])},
		"POST /api/v1/remediations":                 {is: open_, own: bodies("remediations", fmt.Sprintf(`{"action":%q}`, own["spare"][0])), other: bodies("remediations", fmt.Sprintf(`{"action":%q}`, other["action"][0]), fmt.Sprintf(`{"action":%q,"subjects":["device:%s"]}`, own["action"][0], other["device"][0]), fmt.Sprintf(`{"action":%q,"zone":"docks"}`, own["action"][0]), fmt.Sprintf(`{"action":%q}`, own["action"][0]))},
		"POST /api/v1/remediations/{uid}/decisions": {is: open_, own: with(`{"action":"note","text":"a word"}`, at(v1+"remediations/*/decisions", own["task"])), other: with(`{"action":"note","text":"a word"}`, at(v1+"remediations/*/decisions", other["task"]))},
		"GET /api/v1/devices/{uid}/vulnerabilities": device("/vulnerabilities"),
		"GET /api/v1/devices/{uid}/bills":           device("/bills"),
		"GET /api/v1/devices/{uid}/bills/{id}":      bill,
		"GET /api/v1/devices/{uid}/policy":          {is: open_, own: append(at(v1+"devices/*/policy", own["device"]), at(v1+"devices/*/policy?format=mud", own["quiet"])...), other: append(at(v1+"devices/*/policy", other["device"]), at(v1+"devices/*/policy?format=mud", append(own["device"], other["device"]...))...)},
		"GET /api/v1/incidents/people":              {is: open_, own: gets("incidents/people"), silent: true},
		"POST /api/v1/incidents/{uid}/decisions": {
			is: open_, own: slices.Concat(deeds("note", own["theirs"]), deeds("assign", own["theirs"]), deeds("feedback", own["theirs"]), deeds("close", own["theirs"]), deeds("reopen", own["theirs"])),
			other: slices.Concat(deeds("close", other["incident"]), deeds("close", own["shared"]), deeds("note", own["shared"]), deeds("assign", own["shared"]), deeds("feedback", own["shared"]), deeds("split", own["shared"]), deeds("undo", other["note"])),
		},
		"POST /api/v1/intel/lookup":              {is: open_, own: bodies("intel/lookup", `{"values":["198.51.100.66","198.51.100.9"]}`, `{"values":["198.51.100.77"]}`)},
		"GET /api/v1/intel/seen":                 list("intel/seen"),
		"GET /api/v1/intel/techniques/{id}":      list("intel/techniques/T0855", "intel/techniques/T0884", "intel/techniques/T0846"),
		"GET /api/v1/vulnerabilities/statements": list("vulnerabilities/statements", "vulnerabilities/statements?all=1", "vulnerabilities/statements?id=CVE-2024-9001", "vulnerabilities/statements?limit=1"),
		"GET /api/v1/bills":                      {is: open_, own: gets("bills", "bills?limit=1", "bills?subject="+own["device"][0]), other: gets("bills?subject="+other["device"][0], "bills?subject=device:"+other["device"][0], "bills?subject=product:zinnpack")},
		"GET /api/v1/bills/{id}":                 {is: open_, own: at(v1+"bills/*", own["bill"]), other: at(v1+"bills/*", other["bill"])},
		"GET /api/v1/bills/diff": {
			is: open_, own: gets("bills/diff?before=" + own["bill"][1] + "&after=" + own["bill"][0]),
			other: gets("bills/diff?before="+other["bill"][1]+"&after="+other["bill"][0], "bills/diff?before="+own["bill"][1]+"&after="+other["bill"][0], "bills/diff?before="+other["bill"][1]+"&after="+own["bill"][0]),
		},
		"GET /api/v1/network/crossings": list("network/crossings?last=24h", "network/crossings?zone=docks"),
		"GET /api/v1/network/passages":  {is: open_, own: gets("network/passages?last=24h", "network/passages?zone=yard"), silent: true},
		"GET /api/v1/conduits":          {is: open_, own: gets("conduits"), silent: true},
	}
}

// closed are the routes that are about the whole site, with what they are asked.
func (x *wall) closed() map[string]probe {
	return map[string]probe{
		"GET /api/v1/intel":                                 {},
		"GET /api/v1/intel/pulls":                           {},
		"GET /api/v1/intel/allow":                           {},
		"POST /api/v1/intel/allow":                          {body: `{"values":["198.51.100.77"],"why":"w"}`},
		"POST /api/v1/intel":                                {body: "192.0.2.1"},
		"DELETE /api/v1/intel/{name}":                       {path: "/api/v1/intel/them"},
		"POST /api/v1/intel/pulls/{name}":                   {body: "{}"},
		"GET /api/v1/sources":                               {},
		"GET /api/v1/ai":                                    {},
		"POST /api/v1/ai/find":                              {body: "{}"},
		"POST /api/v1/ai/use":                               {body: `{"url":"http://127.0.0.1:1","model":"m","why":"w"}`},
		"GET /api/v1/audit":                                 {},
		"POST /api/v1/bulk":                                 {body: "x"},
		"POST /v1/logs":                                     {body: `{"resourceLogs":[]}`},
		"POST /api/v1/ingest":                               {body: "x"},
		"GET /api/v1/conduits/draft":                        {},
		"GET /api/v1/spool/aside":                           {},
		"GET /api/v1/spool/aside/{id}":                      {},
		"POST /api/v1/spool/replay":                         {body: `{"all":true}`},
		"POST /api/v1/spool/drop":                           {body: `{"all":true,"count":1,"why":"w"}`},
		"POST /api/v1/vulnerabilities/statements":           {body: `{"vulnerability":"CVE-2024-8001","product":"ovenlib","status":"fixed","why":"w"}`},
		"POST /api/v1/bills":                                {body: "{}"},
		"GET /api/v1/advisories":                            {},
		"POST /api/v1/advisories":                           {body: "{}"},
		"GET /api/v1/settings/retention":                    {},
		"PUT /api/v1/settings/retention":                    {body: `{"events":"30d"}`},
		"GET /api/v1/settings/history":                      {},
		"POST /api/v1/settings/undo":                        {body: `{"version":0}`},
		"GET /api/v1/rules":                                 {},
		"GET /api/v1/rules/{id}":                            {},
		"POST /api/v1/rules":                                {body: `{"text":"x"}`},
		"POST /api/v1/rules/try":                            {body: `{"text":"x"}`},
		"POST /api/v1/rules/{id}/state":                     {body: `{"do":"disable"}`},
		"DELETE /api/v1/rules/{id}":                         {},
		"GET /api/v1/settings/feeds":                        {},
		"GET /api/v1/settings/feeds/{name}":                 {},
		"POST /api/v1/settings/feeds":                       {body: `{"config":{"name":"list","kind":"indicators","url":"https://feed.example/list"}}`},
		"PUT /api/v1/settings/feeds/{name}":                 {body: `{"config":{"name":"list","kind":"indicators","url":"https://feed.example/list"}}`},
		"DELETE /api/v1/settings/feeds/{name}":              {},
		"POST /api/v1/settings/feeds/{name}/state":          {body: `{"do":"pause"}`},
		"GET /api/v1/settings/zones":                        {},
		"GET /api/v1/settings/zones/{name}":                 {},
		"POST /api/v1/settings/zones":                       {body: `{"config":{"name":"list","subnets":["10.9.0.0/16"]}}`},
		"PUT /api/v1/settings/zones/{name}":                 {body: `{"config":{"name":"docks","subnets":["10.9.0.0/16"]}}`},
		"POST /api/v1/settings/zones/{name}/name":           {body: `{"to":"hall"}`},
		"DELETE /api/v1/settings/zones/{name}":              {},
		"GET /api/v1/settings/sources":                      {},
		"GET /api/v1/settings/sources/{name}":               {},
		"POST /api/v1/settings/sources":                     {body: `{"config":{"name":"list","kind":"syslog"}}`},
		"PUT /api/v1/settings/sources/{name}":               {body: `{"config":{"name":"docks","kind":"syslog"}}`},
		"DELETE /api/v1/settings/sources/{name}":            {},
		"POST /api/v1/settings/sources/{name}/state":        {body: `{"do":"stop"}`},
		"GET /api/v1/settings/limits":                       {},
		"PUT /api/v1/settings/limits":                       {body: `{"set":{"query_time":"30s"}}`},
		"GET /api/v1/settings/models":                       {},
		"POST /api/v1/settings/models":                      {body: `{"config":{"name":"list","url":"http://127.0.0.1:1","model":"m","location":"on-premises"}}`},
		"GET /api/v1/settings/models/{name}":                {},
		"PUT /api/v1/settings/models/{name}":                {body: `{"config":{"name":"docks","url":"http://127.0.0.1:1","model":"m","location":"on-premises"}}`},
		"DELETE /api/v1/settings/models/{name}":             {},
		"POST /api/v1/settings/models/{name}/state":         {body: `{"do":"test"}`},
		"GET /api/v1/settings/model-policy":                 {},
		"PUT /api/v1/settings/model-policy":                 {body: `{"mode":"off"}`},
		"GET /api/v1/settings/brokers/{name}/users":         {},
		"POST /api/v1/settings/brokers/{name}/users":        {body: `{"config":{"name":"scale"}}`},
		"PUT /api/v1/settings/brokers/{name}/users/{id}":    {path: "/api/v1/settings/brokers/docks/users/scale", body: `{"config":{"name":"scale"}}`},
		"DELETE /api/v1/settings/brokers/{name}/users/{id}": {path: "/api/v1/settings/brokers/docks/users/scale"},
	}
}
