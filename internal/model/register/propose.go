package register

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/register/inspect"
	"vedette/internal/model/register/signing"
	"vedette/internal/model/register/tree"
)

// Proposal is a model that a person wants to use: files, an endpoint, or both
// where a server of the site runs the files.
type Proposal struct {
	ID, By, Why string
	Path        string         // absolute; of a file or a directory
	Signature   []byte         // a detached bundle
	Inside      string         // where the bundle lies within the model, if it does
	Keys        []*signing.Key // trusted for this model, on that person's word
	Endpoint    *Endpoint
	Card        []byte
}

// Propose puts a model into the register, or a new state of one that is there:
// whatever was approved before is withdrawn until somebody approves again. Its
// files are read whole.
func (r *Register) Propose(ctx context.Context, p Proposal) (Entry, error) {
	if err := person(p.By, p.Why); err != nil {
		return Entry{}, err
	}
	switch {
	case !idForm.MatchString(p.ID):
		return Entry{}, fault.New(fault.Invalid, "%.80q is no id of a model", p.ID).WithHint("use up to 64 of a-z, 0-9, dot, dash and underscore")
	case p.Path == "" && p.Endpoint == nil:
		return Entry{}, fault.New(fault.Invalid, "proposing the model %s: it names neither files nor an endpoint", p.ID).WithHint("name a path, or an endpoint and the model's name there")
	}
	e := Entry{ID: p.ID, State: Proposed, Revision: 1, Endpoint: p.Endpoint}
	var err error
	if e.Card, e.Canaries, err = ParseCard(p.Card, p.By, r.cfg.Now()); err != nil {
		return Entry{}, err
	}
	if e.Endpoint != nil {
		if err := e.Endpoint.check(); err != nil {
			return Entry{}, err
		}
	}
	var list []tree.File
	if p.Path != "" {
		if e.Files, list, err = r.readFiles(ctx, p); err != nil {
			return Entry{}, err
		}
	}
	return r.enter(ctx, e, p, list)
}

func (e *Endpoint) check() error {
	bad := func(format string, args ...any) *fault.Error {
		return fault.New(fault.Invalid, "proposing a model at an endpoint: "+format, args...)
	}
	u, err := url.Parse(e.URL)
	switch {
	case e.Name == "" || e.Model == "":
		return bad("the endpoint or the model's name is missing").WithHint("say --endpoint NAME --model NAME")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return bad("%.200q is no address of an endpoint", e.URL)
	case u.User != nil:
		return bad("the address holds a password")
	case e.Location != model.OnPremises && e.Location != model.Cloud:
		return bad("its location is %.40q: it is on-premises or cloud", string(e.Location))
	case slices.ContainsFunc([]string{e.Name, e.URL, e.Model, e.Version}, func(s string) bool { return len(s) > maxLine }):
		return bad("a name is longer than %d bytes", maxLine)
	}
	return nil
}

// readFiles looks at the files of a proposal, hashes them and holds them
// against their signature.
func (r *Register) readFiles(ctx context.Context, p Proposal) (f *Files, list []tree.File, err error) {
	if !filepath.IsAbs(p.Path) {
		return nil, nil, fault.New(fault.Invalid, "proposing the model %s: its path must be absolute", p.ID)
	}
	t, err := tree.Open(filepath.Clean(p.Path), tree.Options{})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	f = &Files{Path: t.Path, Dir: t.Dir, Bytes: t.Bytes()}
	if f.Facts, err = inspect.Look(ctx, t); err != nil {
		return nil, nil, err
	}
	if f.Sums, err = t.Sums(ctx); err != nil {
		return nil, nil, err
	}
	f.Digest = tree.DigestOf(t.Dir, f.Sums)
	if len(p.Signature) > 0 {
		keys := append(slices.Clone(r.cfg.Keys), p.Keys...)
		got, err := signing.Verify(ctx, t, p.Signature, p.Inside, keys)
		if err != nil {
			return nil, nil, err
		}
		f.Signature = &Signature{Key: got.Key.Name, Fingerprint: got.Key.Fingerprint, Root: got.Root, Signed: got.Signed, Left: got.Left[:min(len(got.Left), 100)]}
	}
	again, err := tree.Open(t.Path, tree.Options{})
	if err != nil {
		return nil, nil, err
	}
	if err := again.Close(); err != nil || !slices.Equal(again.Files, t.Files) {
		return nil, nil, errors.Join(err, fault.New(fault.Conflict, "proposing the model %s: its files changed while they were read", p.ID).WithHint("repeat it when nobody writes there"))
	}
	return f, t.Files, nil
}

// enter writes a proposal.
func (r *Register) enter(ctx context.Context, e Entry, p Proposal, list []tree.File) (Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	version := int64(0)
	if old, ok := r.entries[e.ID]; ok {
		version = old.version
		e.Revision, e.History = old.Revision+1, slices.Clone(old.History)
		if len(e.Canaries) == 0 {
			e.Canaries = old.Canaries
		}
		if old.What() == e.What() {
			e.Evaluations, e.Drift = old.Evaluations, old.Drift
		}
	} else if slices.ContainsFunc(r.damaged, func(d Damaged) bool { return d.ID == e.ID }) {
		version = -1 // whatever is there is replaced
	} else if len(r.entries) >= maxEntries {
		return Entry{}, fault.New(fault.Limited, "proposing the model %s: the register has %d models already", e.ID, maxEntries)
	}
	if other := r.sameEndpoint(e); other != "" {
		return Entry{}, fault.New(fault.Conflict, "proposing the model %s: the model %s is already %s's at endpoint %s", e.ID, e.Endpoint.Model, other, e.Endpoint.Name).
			WithHint("propose it as %s, or retire that one first", other)
	}
	if err := r.step(&e, actionPropose, Proposed, p.By, p.Why); err != nil {
		return Entry{}, err
	}
	if err := r.save(ctx, e, version); err != nil {
		return Entry{}, err
	}
	delete(r.changed, e.ID)
	if e.Files != nil {
		r.entries[e.ID].check = finished(list, nil)
	}
	return e.clone(), nil
}

// sameEndpoint is the id of another model of the register that is not retired
// and is asked at the same endpoint by the same name.
func (r *Register) sameEndpoint(e Entry) string {
	if e.Endpoint == nil {
		return ""
	}
	for id, h := range r.entries {
		if id != e.ID && h.State != Retired && h.Endpoint != nil && h.Endpoint.Name == e.Endpoint.Name && strings.EqualFold(h.Endpoint.Model, e.Endpoint.Model) {
			return id
		}
	}
	return ""
}
