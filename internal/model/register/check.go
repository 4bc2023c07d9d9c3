package register

import (
	"context"
	"errors"
	"slices"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model/register/tree"
)

// check is one reading of a model's files: what lay there, and what came of
// it. Files that are still the same by all the system says of them need not be
// read again.
type check struct {
	files []tree.File
	done  chan struct{} // closed when err is set
	err   error
}

func finished(files []tree.File, err error) *check {
	c := &check{files: files, done: make(chan struct{}), err: err}
	close(c.done)
	return c
}

// over tells whether a check has ended.
func (c *check) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// stillReading is the error while files are read.
type stillReading struct{ id string }

func (s *stillReading) Error() string {
	return "the files of the model " + s.id + " are being read again"
}

// unchanged tells whether the files of a model are those that were approved.
// Files that were read before and have not changed since cost a look at the
// directory; others are read by a goroutine of the register, for which this
// waits as long as the register's patience and ctx last.
func (r *Register) unchanged(ctx context.Context, id string) error {
	e, err := r.Get(id)
	if err != nil {
		return err
	}
	files, err := listing(e.Files.Path)
	if err != nil {
		return err
	}
	c := r.start(id, e, files)
	if c == nil {
		return fault.New(fault.Unavailable, "reading the files of the model %s: the register is being closed, or the model was changed", id)
	}
	if !c.over() {
		wait := time.NewTimer(r.cfg.Patience)
		defer wait.Stop()
		select {
		case <-c.done:
		case <-ctx.Done():
			return &stillReading{id}
		case <-wait.C:
			return &stillReading{id}
		}
	}
	return c.err
}

func listing(path string) ([]tree.File, error) {
	t, err := tree.Open(path, tree.Options{})
	if err != nil {
		return nil, err
	}
	return t.Files, t.Close()
}

// start returns the check of files as they lie there now, and begins it if
// there is none.
func (r *Register) start(id string, e Entry, files []tree.File) *check {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.entries[id]
	if h == nil || h.Files == nil || h.What() != e.What() || r.ctx.Err() != nil {
		return nil
	}
	if c := h.check; c != nil && (slices.Equal(c.files, files) || !c.over()) {
		return c // one that runs on other files ends in a fault, and the next call begins anew
	}
	c := &check{files: files, done: make(chan struct{})}
	h.check = c
	r.checks.Go(func() {
		select {
		case r.reading <- struct{}{}:
			defer func() { <-r.reading }()
			c.err = r.hold(r.ctx, e, files)
		case <-r.ctx.Done():
			c.err = fault.Wrap(fault.Unavailable, r.ctx.Err(), "reading the files of the model %s", id)
		}
		close(c.done)
		if fault.KindOf(c.err) == fault.Unavailable {
			r.forget(id, c) // a disk that does not answer is no verdict
		}
	})
	return c
}

func (r *Register) forget(id string, c *check) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.entries[id]; h != nil && h.check == c {
		h.check = nil
	}
}

// read reads the files now, whatever was read before.
func (r *Register) read(ctx context.Context, e Entry) *check {
	files, err := listing(e.Files.Path)
	if err != nil {
		return finished(nil, err)
	}
	return finished(files, r.hold(ctx, e, files))
}

// hold holds files, as they were listed, against the pinned digest.
func (r *Register) hold(ctx context.Context, e Entry, files []tree.File) (err error) {
	t, err := tree.Open(e.Files.Path, tree.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if !slices.Equal(t.Files, files) {
		return fault.New(fault.Conflict, "reading the files of the model %s: they were changed meanwhile", e.ID).WithHint("see who writes there, and repeat it")
	}
	sums, err := t.Sums(ctx)
	if err != nil {
		return err
	}
	if got := tree.DigestOf(t.Dir, sums); got != e.Files.Digest || t.Dir != e.Files.Dir {
		return fault.New(fault.Denied, "the files of the model %s are not those that were proposed: %s", e.ID, differences(e.Files.Sums, sums)).
			WithHint("put the files back, or propose them as they are now")
	}
	return nil
}

// differences says in which files two listings differ.
func differences(was, is []tree.Sum) string {
	have := map[string]tree.Sum{}
	for _, s := range is {
		have[s.Name] = s
	}
	var texts []string
	for _, s := range was {
		now, ok := have[s.Name]
		switch delete(have, s.Name); {
		case !ok:
			texts = append(texts, quoted(s.Name)+" is missing")
		case now.SHA256 != s.SHA256:
			texts = append(texts, quoted(s.Name)+" has another digest")
		}
	}
	for name := range have {
		texts = append(texts, quoted(name)+" was not there")
	}
	slices.Sort(texts)
	return joined(texts, 10)
}

// Recheck reads the files of every approved model, one after the other, so
// that the first call need not wait. It ends with ctx.
func (r *Register) Recheck(ctx context.Context) {
	for _, e := range r.List() {
		if e.State != Approved || e.Files == nil || ctx.Err() != nil {
			continue
		}
		files, err := listing(e.Files.Path)
		if err == nil {
			if c := r.start(e.ID, e, files); c != nil {
				select {
				case <-c.done:
					err = c.err
				case <-ctx.Done():
					return
				}
			}
		}
		if err != nil {
			r.cfg.Log.Warn("an approved model is not as it was approved", "component", "register", "model", e.ID, "err", err)
		}
	}
}
