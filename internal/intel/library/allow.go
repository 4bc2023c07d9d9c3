package library

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/intel"
)

// Allowed is an entry of the allow-list: what no indicator may mean, because a
// person said so.
type Allowed struct {
	Type  intel.Type `json:"type"`
	Value string     `json:"value"`
	By    string     `json:"by,omitempty"`
	Why   string     `json:"why,omitempty"`
	At    time.Time  `json:"at"`
}

const (
	allowName  = "allow.json"
	maxAllowed = 100_000
	ownRange   = "a range of our own"
)

// Allow adds entries to the allow-list, or takes them off it, and returns the
// list. A value that is no address, subnet, name, URL, hash or mailbox changes
// nothing.
func (l *Library) Allow(ctx context.Context, by, why string, values []string, remove bool) ([]Allowed, error) {
	if err := l.load(ctx); err != nil {
		return nil, err
	}
	l.loading.Lock()
	defer l.loading.Unlock()
	l.state.Lock()
	list := slices.Clone(l.allow)
	l.state.Unlock()
	for _, text := range values {
		t, value, err := intel.Parse(text)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "allowing %q", text).WithHint("name an address, a subnet, a domain, a URL, a hash or an e-mail address")
		}
		list = slices.DeleteFunc(list, func(a Allowed) bool { return a.Type == t && a.Value == value })
		if !remove {
			list = append(list, Allowed{t, value, by, why, l.cfg.Now().UTC().Truncate(time.Second)})
		}
	}
	if len(list) > maxAllowed {
		return nil, fault.New(fault.Limited, "the allow-list would have more than %d entries", maxAllowed)
	}
	if len(values) == 0 {
		return list, nil
	}
	if err := l.writeAllow(list); err != nil {
		return nil, err
	}
	l.state.Lock()
	l.allow = list
	l.state.Unlock()
	l.swap(l.set.Load().WithAllow(l.allowSet(list)))
	return slices.Clone(list), nil
}

func (l *Library) writeAllow(list []Allowed) error {
	data, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing the allow-list")
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making %s", l.cfg.Dir)
	}
	return flow.ReplaceFile(filepath.Join(l.cfg.Dir, allowName), append(data, '\n'))
}

func (l *Library) readAllow() ([]Allowed, error) {
	path := filepath.Join(l.cfg.Dir, allowName)
	data, err := os.ReadFile(path) //nolint:gosec // G304: in the data directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Allowed
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the allow-list %s", path).WithHint("mend the file, or move it away and allow its entries again")
	}
	return list, nil
}

// allowSet compiles the allow-list with our own ranges.
func (l *Library) allowSet(list []Allowed) *intel.Set {
	b := intel.NewAllowBuilder()
	for _, a := range list {
		_ = b.Add(intel.Indicator{Type: a.Type, Value: a.Value, Source: a.By, Family: a.Why}) // what cannot be compiled cannot be met
	}
	for _, p := range l.cfg.Own {
		_ = b.Add(intel.Indicator{Type: intel.Subnet, Value: p.Masked().String(), Family: ownRange}) // as above
	}
	return b.Build()
}
