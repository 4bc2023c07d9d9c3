package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"vedette/internal/fault"
)

// RuleTry asks what a rule would have made of the events that are stored.
type RuleTry struct {
	Text string `json:"text,omitempty"` // Sigma, as it would be uploaded
	ID   string `json:"id,omitempty"`   // or a rule that is there, also one that is off
	Last string `json:"last,omitempty"` // how far back from the newest event, such as 7d; empty: 24h

	Told func(RuleTryProgress) `json:"-"` // how far it is; nil: nobody asks
}

// RuleTryProgress is how far a trial is.
type RuleTryProgress struct {
	Read     int64 `json:"read"`
	Of       int64 `json:"of"`
	Findings int64 `json:"findings"`
}

// RuleTried is what a rule would have made of the events that are stored.
type RuleTried struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Read     int64     `json:"read"`    // events that were shown to it
	Of       int64     `json:"of"`      // events in the span
	Matches  int64     `json:"matches"` // events that fit it, or what it counts
	Findings int64     `json:"findings"`
	// InForce is how many findings the rule makes that it would take the place of, or
	// that is tried as it is; absent: there is none of its id.
	InForce     *int64           `json:"in_force,omitempty"`
	Cut         string           `json:"cut,omitempty"` // why not all events were read; they were read from the oldest on
	Until       time.Time        `json:"until"`         // the events before it were read
	Devices     []RuleTryDevice  `json:"devices"`       // the most findings first
	DeviceCount int              `json:"device_count"`
	Days        []RuleTryDay     `json:"days"` // by UTC; those without any are left out
	Examples    []RuleTryExample `json:"examples"`
	Notes       []string         `json:"notes,omitempty"` // what is odd about the rule, or was not seen
	Millis      int64            `json:"took_ms"`
}

// RuleTryDevice is a device, or an address of none, and its findings.
type RuleTryDevice struct {
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name"`
	Findings int64  `json:"findings"`
}

// RuleTryDay is one day.
type RuleTryDay struct {
	Day      string `json:"day"`
	Matches  int64  `json:"matches"`
	Findings int64  `json:"findings"`
}

// RuleTryExample is one finding that would have been made.
type RuleTryExample struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event,omitempty"` // metadata.uid of the event
	Device  string    `json:"device,omitempty"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Reasons []string  `json:"reasons"`
	Record  string    `json:"record,omitempty"` // the beginning of what the event was read from
}

// tryLine is one line of the answer over the socket.
type tryLine struct {
	Progress *RuleTryProgress `json:"progress,omitempty"`
	Done     *RuleTried       `json:"done,omitempty"`
	Failed   *failure         `json:"failed,omitempty"`
}

// ruleTry answers in lines, so that whoever waits sees how far it is.
func ruleTry(mux *http.ServeMux, s RuleSettings) {
	mux.HandleFunc("POST /local/rules/try", func(w http.ResponseWriter, r *http.Request) {
		var q RuleTry
		if err := decode(r, &q); err != nil {
			reply(func(*http.Request) (any, error) { return nil, err })(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		out := json.NewEncoder(w)
		tell := func(l tryLine) {
			if out.Encode(l) == nil { // who has gone is told by the context
				_ = http.NewResponseController(w).Flush()
			}
		}
		q.Told = func(p RuleTryProgress) { tell(tryLine{Progress: &p}) }
		done, err := s.TryRule(r.Context(), q)
		if err != nil {
			text, hint := fault.Public(err)
			tell(tryLine{Failed: &failure{Kind: fault.KindOf(err), Text: text, Hint: hint}})
			return
		}
		tell(tryLine{Done: &done})
	})
}

// TryRule implements [RuleSettings].
func (c *Client) TryRule(ctx context.Context, q RuleTry) (RuleTried, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return RuleTried{}, fault.Wrap(fault.Internal, err, "writing the request")
	}
	read := &tryReader{told: q.Told}
	if err := c.do(ctx, http.MethodPost, "/local/rules/try", bytes.NewReader(body), read); err != nil {
		return RuleTried{}, err
	}
	switch {
	case read.failed != nil:
		return RuleTried{}, read.failed
	case read.done == nil:
		return RuleTried{}, fault.New(fault.Unavailable, "the server ended before the rule was tried")
	}
	return *read.done, nil
}

// tryReader takes the lines of an answer as they come.
type tryReader struct {
	told   func(RuleTryProgress)
	rest   []byte
	done   *RuleTried
	failed error
}

// Write implements [io.Writer].
func (t *tryReader) Write(b []byte) (int, error) {
	t.rest = append(t.rest, b...)
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		var l tryLine
		if err := json.Unmarshal(line, &l); err != nil {
			return 0, fault.Wrap(fault.Unavailable, err, "reading the server's answer")
		}
		t.rest = rest
		switch {
		case l.Failed != nil:
			t.failed = &fault.Error{Kind: l.Failed.Kind, Text: l.Failed.Text, Hint: l.Failed.Hint}
		case l.Done != nil:
			t.done = l.Done
		case l.Progress != nil && t.told != nil:
			t.told(*l.Progress)
		}
	}
}
