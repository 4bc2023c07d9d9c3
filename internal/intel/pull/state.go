package pull

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// Health is how a source is.
type Health struct {
	Name         string     `json:"name"`
	Kind         string     `json:"kind"`
	URL          string     `json:"url"`
	State        string     `json:"state"`                   // never, ok or failing
	Checked      *time.Time `json:"checked"`                 // last asked
	Success      *time.Time `json:"success"`                 // last asked and answered well, also that nothing is new
	Changed      *time.Time `json:"changed"`                 // last time that something was new
	FailingSince *time.Time `json:"failing_since,omitempty"` // of the first failure since the last success
	Failures     int        `json:"failures,omitempty"`
	Error        string     `json:"error,omitempty"`   // of the last failure
	Note         string     `json:"note,omitempty"`    // what the last success left out
	Warning      string     `json:"warning,omitempty"` // what is wrong although it answers: dates, missing documents, keys
	Newest       *time.Time `json:"newest,omitempty"`  // newest date that it ever showed
	Years        []Year     `json:"years,omitempty"`   // of a provider, newest first
	New          int        `json:"new"`               // records that the last change brought
	Next         time.Time  `json:"next"`              // when it is asked again
	Paused       bool       `json:"paused,omitempty"`  // it is not asked
}

// state is what is kept of a source.
type state struct {
	Health
	Of       string            `json:"of"` // what the marks are of: another address or kind begins anew
	ETag     string            `json:"etag,omitempty"`
	Modified string            `json:"modified,omitempty"`
	Sum      string            `json:"sum,omitempty"`   // of the last document
	Mark     string            `json:"mark,omitempty"`  // when the newest object of a collection was added
	Whole    time.Time         `json:"whole,omitzero"`  // when a collection was last read whole
	Back     *time.Time        `json:"back,omitempty"`  // newest date of the last answer, when it was older than before
	Keys     map[string]string `json:"keys,omitempty"`  // OpenPGP keys that are trusted, by fingerprint
	Keyed    string            `json:"keyed,omitempty"` // what is wrong with keys
	Reader   int               `json:"reader,omitempty"`
	Seen     map[string]string `json:"seen,omitempty"` // documents of a provider that were taken: address, when updated
}

// of is what marks are of.
func of(src *Source) string { return src.Kind + " " + src.URL }

const stateEnd = ".pull.json"

func readState(dir string, src *Source) state {
	var s state
	raw, err := os.ReadFile(filepath.Join(dir, src.Name+stateEnd)) //nolint:gosec // G304: in the data directory, by a checked name
	if err == nil && json.Unmarshal(raw, &s) != nil {
		s = state{} // it is asked anew, which costs time alone
	}
	if s.Of != of(src) {
		s = state{Of: of(src)}
	}
	s.Name, s.Kind, s.URL = src.Name, src.Kind, shown(src.URL)
	if s.State == "" {
		s.State = "never"
	}
	if s.Success == nil {
		s.Reader = src.Reader // there is nothing to pull anew
	} else if s.Reader < src.Reader {
		s.Next = time.Time{} // now
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Note = "what was known of it cannot be read; it is asked anew"
	}
	return s
}

func (s *state) keep(dir string) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making %s", dir)
	}
	return flow.ReplaceFile(filepath.Join(dir, s.Name+stateEnd), raw)
}

func (s *state) succeeded(now time.Time, src *Source, fresh int, changed bool, note string) {
	s.State, s.Success, s.FailingSince, s.Failures, s.Error, s.Note = "ok", &now, nil, 0, "", note
	if changed {
		s.Changed, s.New = &now, fresh
	}
	s.Checked, s.Next = &now, now.Add(src.Every)
	s.aged(now, src.Stands)
}

// failed waits longer after each failure, up to the usual time between two pulls
// or a day.
func (s *state) failed(now time.Time, every time.Duration, err error) {
	s.State, s.Checked = "failing", &now
	if s.FailingSince == nil {
		s.FailingSince = &now
	}
	s.Failures++
	text, _ := fault.Public(err)
	s.Error = clip(err.Error())
	if text != "" && s.Error == "" {
		s.Error = clip(text)
	}
	wait := min(time.Minute<<min(s.Failures-1, 16), every, 24*time.Hour)
	if r, ok := errors.AsType[retryLater](err); ok {
		wait = max(wait, r.after)
	}
	s.Next = now.Add(wait)
}
