package api_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// judged answers about findings and incidents; the other services are not
// asked.
type judged struct {
	api.Service
	filter  api.FindingFilter
	decided api.IncidentDecision
	ended   string
}

func (j *judged) Findings(_ context.Context, want api.FindingFilter) (api.Findings, error) {
	j.filter = want
	return api.Findings{List: []event.Finding{{UID: "f1", Title: "t", Severity: event.High}}, Total: 9}, nil
}

func (*judged) Finding(_ context.Context, uid string) (api.FindingDetail, error) {
	if uid != "f1" {
		return api.FindingDetail{}, fault.New(fault.NotFound, "there is no finding %q", uid)
	}
	return api.FindingDetail{Finding: event.Finding{UID: uid}, Events: []api.Evidence{{UID: "e1", Raw: "<b>"}}}, nil
}

func (*judged) Incidents(_ context.Context, all bool) ([]correlate.Incident, error) {
	list := []correlate.Incident{{UID: "i1", Status: correlate.Open}}
	if all {
		list = append(list, correlate.Incident{UID: "i2", Status: correlate.Closed})
	}
	return list, nil
}

func (*judged) Incident(_ context.Context, uid string) (api.IncidentDetail, error) {
	return api.IncidentDetail{Incident: correlate.Incident{UID: uid}, Similar: []correlate.Similar{{UID: "i2", Why: "w"}}}, nil
}

func (j *judged) DecideIncident(_ context.Context, d api.IncidentDecision) (api.IncidentDetail, error) {
	if j.decided = d; d.Why == "" {
		return api.IncidentDetail{}, fault.New(fault.Invalid, "no reason").WithHint("say why")
	}
	return api.IncidentDetail{Incident: correlate.Incident{UID: d.Incident}}, nil
}

func (*judged) ExportIncident(_ context.Context, e api.IncidentExport) (api.File, error) {
	return api.File{Name: e.Incident + "." + e.Format, Kind: "text/markdown", Data: []byte("for " + e.Actor)}, nil
}

func (*judged) Suppress(_ context.Context, s correlate.Suppression) (correlate.Suppression, error) {
	s.ID = "s1"
	return s, nil
}

func (j *judged) Unsuppress(_ context.Context, actor, id, why string) error {
	j.ended = actor + id + why
	return nil
}

func (*judged) Suppressions(context.Context) ([]correlate.Suppression, error) {
	return []correlate.Suppression{{ID: "s1", Count: 4}}, nil
}

func TestJudgementRoutes(t *testing.T) {
	h := api.Local(&judged{})
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/local/findings?severity=4&limit=5&last=24h", "", 200, `"total":9`},
		{"GET", "/local/findings?severity=high", "", 400, "whole number"},
		{"GET", "/local/findings?now=yesterday", "", 400, "2026-01-02T03:04:05Z"},
		{"GET", "/local/findings?uid=f1", "", 200, `"raw":"\u003cb\u003e"`},
		{"GET", "/local/findings?uid=f2", "", 404, "there is no finding"},
		{"POST", "/local/findings", "", 405, "Method Not Allowed"},
		{"GET", "/local/incidents", "", 200, `"uid":"i1"`},
		{"GET", "/local/incidents?uid=i1", "", 200, `"why":"w"`},
		{"DELETE", "/local/incidents", "", 405, "Method Not Allowed"},
		{"POST", "/local/incidents/decide", `{"action":"close","incident":"i1","why":"w"}`, 200, `"uid":"i1"`},
		{"POST", "/local/incidents/decide", `{"action":"close","incident":"i1"}`, 400, `"hint":"say why"`},
		{"POST", "/local/incidents/decide", `{"verb":"close"}`, 400, "reading the request"},
		{"GET", "/local/incidents/decide", "", 405, "Method Not Allowed"},
		{"GET", "/local/suppressions", "", 200, `"count":4`},
		{"POST", "/local/suppressions", `{"rule":"r","reason":"x"}`, 200, `"id":"s1"`},
		{"POST", "/local/suppressions", `{"ruel":"r"}`, 400, "reading the request"},
		{"POST", "/local/suppressions/end", `{"ID":"s1"}`, 200, "{}"},
		{"GET", "/local/suppressions/end", "", 405, "Method Not Allowed"},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// What the client hands back is what the service said, and what it is asked
// gets there.
func TestJudgementOverTheSocket(t *testing.T) {
	dir := t.TempDir()
	j := &judged{}
	srv := httptest.NewUnstartedServer(api.Local(j))
	srv.Listener = listen(t, dir)
	srv.Start()
	defer srv.Close()
	c, err := api.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := api.FindingFilter{Last: "24h", Now: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), MinSeverity: event.High, Rule: "a&b", Family: "sigma", Device: "d", Limit: 7}
	got, err := c.Findings(t.Context(), want)
	if diff := cmp.Diff(want, j.filter); err != nil || diff != "" || got.Total != 9 || got.List[0].Severity != event.High {
		t.Errorf("%+v, %v\n%s", got, err, diff)
	}
	list, err := c.Incidents(t.Context(), true)
	if err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	d := api.IncidentDecision{Actor: "a", Action: api.IncidentFeedback, Incident: "i1", Verdict: correlate.Benign, Why: "w"}
	if one, err := c.DecideIncident(t.Context(), d); err != nil || one.UID != "i1" || j.decided != d {
		t.Errorf("%+v, %v, decided %+v", one, err, j.decided)
	}
	if f, err := c.ExportIncident(t.Context(), api.IncidentExport{Actor: "a", Incident: "i1", Format: "md"}); err != nil || f.Name != "i1.md" || string(f.Data) != "for a" {
		t.Errorf("%+v, %v", f, err)
	}
	if err := c.Unsuppress(t.Context(), "a", "s1", "w"); err != nil || j.ended != "as1w" {
		t.Errorf("%v, ended %q", err, j.ended)
	}
	if _, err := c.Finding(t.Context(), "f9"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a missing finding came over as %v", err)
	}
}
