package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// Bounds of lists of the journal.
const (
	maxCalls   = 200
	maxJournal = 1000
	maxLookups = 1000
)

func ai(s *server, r *http.Request) (any, error) {
	n, err := numberOf(r, "limit", 50, maxCalls)
	if err != nil {
		return nil, err
	}
	return s.ShowAI(r.Context(), n)
}

func findModels(s *server, r *http.Request) (any, error) {
	list, err := s.FindModels(r.Context())
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

// useModel proposes and approves a found model in the name of who asks.
func useModel(s *server, r *http.Request) (any, error) {
	var use api.ModelUse
	if err := decode(r, &use); err != nil {
		return nil, err
	}
	if use.By != "" {
		return nil, fault.New(fault.Invalid, "who approves is known: leave by out")
	}
	if strings.TrimSpace(use.Why) == "" {
		return nil, fault.New(fault.Invalid, "an approval needs a reason").WithHint("say why the model may be used")
	}
	use.By = person(r).Name
	if err := s.UseModel(r.Context(), use); err != nil {
		return nil, err
	}
	return s.ShowAI(r.Context(), 50)
}

func journal(s *server, r *http.Request) (any, error) {
	n, err := numberOf(r, "limit", pageRows, maxJournal)
	if err != nil {
		return nil, err
	}
	list, err := s.Journal(r.Context(), n)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func intelPulls(s *server, r *http.Request) (any, error) {
	list, err := s.Pulls(r.Context())
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func intelFeeds(s *server, r *http.Request) (any, error) {
	list, err := s.IntelFeeds(r.Context())
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

// lookup asks what is known of values.
type lookup struct {
	Values []string  `json:"values"`
	At     time.Time `json:"at,omitzero"` // absent: now
}

func intelLookup(s *server, r *http.Request) (any, error) {
	var q lookup
	if err := decode(r, &q); err != nil {
		return nil, err
	}
	if len(q.Values) == 0 || len(q.Values) > maxLookups {
		return nil, fault.New(fault.Invalid, "%d values are asked for", len(q.Values)).WithHint("1 to %d", maxLookups)
	}
	list, err := s.LookupIntel(r.Context(), q.Values, q.At)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func findings(s *server, r *http.Request) (any, error) {
	v := r.URL.Query()
	n, err := numberOf(r, "limit", pageRows, maxRows)
	if err != nil {
		return nil, err
	}
	want := api.FindingFilter{Last: v.Get("last"), Rule: v.Get("rule"), Family: v.Get("family"), Device: v.Get("device"), Limit: n}
	if text := v.Get("severity"); text != "" {
		if want.MinSeverity = severityOf(text); want.MinSeverity == 0 {
			return nil, fault.New(fault.Invalid, "there is no severity %.20q", text).WithHint("informational, low, medium, high, critical or fatal")
		}
	}
	key := fmt.Sprintf("%+v in %q", want, person(r).Zones) // what one may see is not another's
	found, err := s.found.get(r.Context(), key, func(ctx context.Context, _ api.Findings) (api.Findings, error) {
		return s.Findings(ctx, want)
	})
	if err != nil {
		return nil, err
	}
	return Page[event.Finding]{Rows: found.List, Total: int(found.Total)}, nil
}

func finding(s *server, r *http.Request) (any, error) {
	return s.Finding(r.Context(), r.PathValue("uid"))
}

// whole is a list that comes on one page.
func whole[T any](list []T) Page[T] {
	if list == nil {
		list = []T{}
	}
	return Page[T]{Rows: list, Total: len(list)}
}

// numberOf reads a number of the address: 1 to most, or what it is without one.
func numberOf(r *http.Request, name string, without, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fault.New(fault.Invalid, "%s is %.20q", name, text).WithHint("1 to %d", most)
	}
	return n, nil
}

// timeOf reads a time of the address; zero without one.
func timeOf(r *http.Request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fault.New(fault.Invalid, "%s is %.40q, no time", name, text).WithHint("such as 2026-03-01T07:00:00Z")
	}
	return t, nil
}
