// Package register keeps the models that may be used here: files by digest,
// signature and header, remote models by what can be known of them, each with
// a card that says who vouches for what, and with the persons who proposed,
// approved and retired it. [Register.Admit] is asked before every call: a model
// that was not approved, was retired, or is not the one that was approved, is
// refused.
//
// Every decision is in the audit journal before it takes effect, and an
// approval that the journal does not hold does not count; a Register cannot be
// made without the journal. What the register attests is the file on disk when
// it was last read, and the address that the configuration names. It cannot see
// what a server has loaded into memory, nor what a remote operator runs behind
// a name: both are shown as unverifiable. It must not ask a model anything
// itself, load one, or fetch one.
package register

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/model/register/signing"
	"vedette/internal/store"
)

// RecordKind is the kind of the register's records.
const RecordKind = "model"

// maxEntries bounds the register.
const maxEntries = 1000

// Config is what a Register is made of.
type Config struct {
	Journal       *audit.Journal // required
	Records       store.Records  // required
	Keys          []*signing.Key // trusted for every model
	RequireSigned bool           // a model of files is used only with a signature by one of Keys
	Patience      time.Duration  // how long Admit waits for files to be read again; 0: two seconds
	Now           func() time.Time
	Log           *slog.Logger
}

// Register is the open register. It is safe for concurrent use.
type Register struct {
	cfg Config

	mu      sync.Mutex
	entries map[string]*held
	damaged []Damaged
	changed map[string]string // why what an endpoint serves is not what was approved, by id

	journal decisions

	reading chan struct{} // held by the one check that reads files
	checks  sync.WaitGroup
	ctx     context.Context //nolint:containedctx // ends the checks; Close cancels it
	cancel  context.CancelFunc
}

// held is an entry as it is stored.
type held struct {
	Entry
	version int64
	check   *check // of its files; nil until they are first asked for
}

// Damaged is a record that cannot be read. It admits nothing.
type Damaged struct {
	ID      string
	Problem string
}

// New opens the register. A record that cannot be read is kept apart, told by
// [Register.Damaged], and the others stay in force.
func New(ctx context.Context, cfg Config) (*Register, error) {
	switch {
	case cfg.Journal == nil:
		return nil, fault.New(fault.Internal, "opening the register of models: there is no audit journal")
	case cfg.Records == nil:
		return nil, fault.New(fault.Internal, "opening the register of models: there is no store of records")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Patience = cmp.Or(cfg.Patience, 2*time.Second)
	r := &Register{cfg: cfg, entries: map[string]*held{}, changed: map[string]string{}, reading: make(chan struct{}, 1)}
	for rec, err := range cfg.Records.List(ctx, RecordKind) {
		if err != nil {
			return nil, fmt.Errorf("reading the register of models: %w", err)
		}
		var e Entry
		err := json.Unmarshal(rec.JSON, &e)
		if err == nil {
			err = e.check(rec.ID)
		}
		if err != nil {
			r.damaged = append(r.damaged, Damaged{rec.ID, err.Error()})
			cfg.Log.Warn("a record of the register of models cannot be read", "component", "register", "err", err)
			continue
		}
		r.entries[rec.ID] = &held{Entry: e, version: rec.Version}
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return r, nil
}

// Close ends running checks and waits for them.
func (r *Register) Close() error {
	r.cancel()
	r.checks.Wait()
	return nil
}

// List returns all entries by their ids.
func (r *Register) List() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Entry, 0, len(r.entries))
	for _, h := range r.entries {
		out = append(out, h.clone())
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Damaged returns the records that cannot be read.
func (r *Register) Damaged() []Damaged {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.damaged)
}

// Get returns an entry.
func (r *Register) Get(id string) (Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, err := r.find(id)
	if err != nil {
		return Entry{}, err
	}
	return h.clone(), nil
}

// find is called with the lock held.
func (r *Register) find(id string) (*held, error) {
	if h, ok := r.entries[id]; ok {
		return h, nil
	}
	for _, d := range r.damaged {
		if d.ID == id {
			return nil, fault.New(fault.Conflict, "the record of the model %q is damaged: %s", id, d.Problem).WithHint("propose it again; the audit journal tells what it was")
		}
	}
	return nil, fault.New(fault.NotFound, "there is no model %q in the register", id).WithHint("list them with: vedette models")
}

// signed tells whether a model has the signature that the site demands.
func (r *Register) signed(e Entry) error {
	if !r.cfg.RequireSigned || e.Files == nil {
		return nil
	}
	hint := "propose it with --signature, by a key of models.signing_keys"
	if e.Files.Signature == nil {
		return fault.New(fault.Denied, "the model %s has no signature, and this site takes only signed models", e.ID).WithHint("%s", hint)
	}
	for _, k := range r.cfg.Keys {
		if k.Fingerprint == e.Files.Signature.Fingerprint {
			return nil
		}
	}
	return fault.New(fault.Denied, "the model %s is signed with the key %s, which is none of those that this site trusts", e.ID, e.Files.Signature.Key).WithHint("%s", hint)
}

// save writes an entry. It is called with the lock held, after the decision is
// in the journal.
func (r *Register) save(ctx context.Context, e Entry, version int64) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing the model %s", e.ID)
	}
	if err := r.cfg.Records.Update(ctx, store.Change{Kind: RecordKind, ID: e.ID, Version: version, JSON: raw}); err != nil {
		return fmt.Errorf("keeping the model %s: %w", e.ID, err)
	}
	rec, err := r.cfg.Records.Get(ctx, RecordKind, e.ID)
	if err != nil {
		return fmt.Errorf("keeping the model %s: %w", e.ID, err)
	}
	r.entries[e.ID] = &held{Entry: e, version: rec.Version}
	r.damaged = slices.DeleteFunc(r.damaged, func(d Damaged) bool { return d.ID == e.ID })
	return nil
}
