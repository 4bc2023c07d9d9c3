package register

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// Finding is one thing that was looked at in a model.
type Finding struct {
	Name string
	Mark Mark
	OK   bool
	Look bool // it stops nothing, and a person should look at it
	Text string
}

// Verify looks at all of a model that can be looked at from here, and says of
// the rest that it cannot. It reads the files whole.
func (r *Register) Verify(ctx context.Context, id string) ([]Finding, error) {
	e, err := r.Get(id)
	if err != nil {
		return nil, err
	}
	out := []Finding{r.verifyState(e)}
	if e.Files != nil {
		c := r.read(ctx, e)
		if ctx.Err() != nil {
			return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "verifying the model %s", id)
		}
		f := Finding{Name: "files", Mark: Verified, OK: c.err == nil, Text: fmt.Sprintf("%d files of %d bytes are those that were proposed: %s", len(e.Files.Sums), e.Files.Bytes, e.Files.Digest)}
		if c.err != nil {
			f.Text = c.err.Error()
		}
		out = append(out, f)
		if s := e.Files.Signature; s != nil {
			text := fmt.Sprintf("signed with the key %s (%.16s…) over %d files or parts; %d files were left out of it", s.Key, s.Fingerprint, s.Signed, len(s.Left))
			out = append(out, Finding{Name: "signature", Mark: Verified, OK: c.err == nil, Text: text})
		}
		r.keepCheck(id, e, c)
	}
	for _, text := range e.Unverifiable() {
		out = append(out, Finding{Name: "unverifiable", Mark: Unknown, OK: true, Text: text})
	}
	r.mu.Lock()
	why := r.changed[id]
	r.mu.Unlock()
	if why != "" {
		out = append(out, Finding{Name: "endpoint", Mark: Declared, Text: why})
	}
	if n := len(e.Drift); n > 0 {
		d := e.Drift[n-1]
		out = append(out, Finding{Name: "canaries", Mark: Declared, OK: true, Look: d.Missed > 0 || d.Same < len(d.Answers), Text: fmt.Sprintf("%d of %d answers are as in the first run, %d as in the run before, %d miss what was expected; last asked %s", d.Same, len(d.Answers), d.SameNow, d.Missed, d.At.Format("2006-01-02"))})
	}
	return out, nil
}

// keepCheck spares the next call a reading.
func (r *Register) keepCheck(id string, e Entry, c *check) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.entries[id]; h != nil && h.What() == e.What() && fault.KindOf(c.err) != fault.Unavailable {
		h.check = c
	}
}

func (r *Register) verifyState(e Entry) Finding {
	f := Finding{Name: "approval", Mark: Verified}
	step, err := r.inForce(e)
	if err != nil {
		f.Text, _ = fault.Public(err)
		return f
	}
	f.OK, f.Text = true, fmt.Sprintf("approved by %s at %s, entry %d of the audit journal", step.By, step.At.Format("2006-01-02 15:04"), step.Audit)
	if e.SamePerson() {
		f.Text += "; the same person proposed it"
	}
	return f
}

func quoted(s string) string { return strconv.Quote(s) }

// joined lists texts, at most n of them.
func joined(texts []string, n int) string {
	if more := len(texts) - n; more > 0 {
		texts = append(texts[:n:n], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
