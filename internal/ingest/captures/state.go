package captures

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
)

// state is what is kept of what was read. A file is known by its first bytes, so that
// one that is renamed or packed is not read again, and one that takes the name of
// another is.
type state struct {
	At   map[string]int64 `json:"at"` // by ring: bytes that were handed on
	Read map[string]*past `json:"read"`
}

type past struct {
	Packets int64     `json:"packets"` // that were handed on
	Size    int64     `json:"size"`    // of the file when it was read last
	Done    bool      `json:"done"`    // to its end, as it was then
	Seen    time.Time `json:"seen"`
	Reason  string    `json:"reason,omitempty"` // why it was not read to its end
	Half    bool      `json:"half,omitempty"`   // its last packet was not whole when it might still be written to
}

func (s *Source) restore() error {
	s.state = state{At: map[string]int64{}, Read: map[string]*past{}}
	raw, err := os.ReadFile(s.cfg.State)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &s.state)
	}
	for _, p := range s.state.Read {
		if p == nil {
			err = errors.Join(err, errors.New("a file of which nothing is known"))
		}
	}
	if err != nil || s.state.At == nil || s.state.Read == nil {
		return fault.Wrap(fault.Unavailable, err, "reading which captures source %s has read", s.cfg.Name).
			WithHint("if it cannot be mended remove %s: all captures that are there are then read once more", s.cfg.State)
	}
	return nil
}

// keep writes down what was read, at most once a second unless it must be now. What
// is not written down before a kill is read again, under the same place.
func (s *Source) keep(now bool) error {
	if !now && s.cfg.Now().Sub(s.kept) < keepEvery {
		return nil
	}
	if len(s.state.Read) > maxPast {
		keys := make([]string, 0, len(s.state.Read))
		for k := range s.state.Read {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			return s.state.Read[a].Seen.Compare(s.state.Read[b].Seen)*2 + strings.Compare(a, b)
		})
		for _, k := range keys[:maxPast/10] {
			delete(s.state.Read, k)
		}
	}
	raw, err := json.Marshal(s.state)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing down which captures were read")
	}
	if err := flow.ReplaceFile(s.cfg.State, raw); err != nil {
		return err
	}
	s.kept = s.cfg.Now()
	return nil
}
