package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/audit"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// maxShown is how much of a payload that is set aside is shown.
const maxShown = 4 << 10

// whyAside is kept beside a payload that is set aside.
type whyAside struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// asidePath is the file of a payload that is set aside. The id is the name of its
// spool and its number in that.
func (a *App) asidePath(id string) (path string, err error) {
	ok := len(id) <= 100 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
	path = filepath.Join(a.cfg.Dir, spoolName, asideName, id+asideEnd)
	if ok && id != "" {
		_, err = os.Lstat(path)
	}
	if !ok || id == "" || errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.NotFound, "no payload %.100q is set aside", id).WithHint("vedette spool list names those that are")
	}
	return path, err
}

// SetAside implements [api.Spool].
func (a *App) SetAside(context.Context) ([]api.AsidePayload, error) {
	files, err := asideFiles(filepath.Join(a.cfg.Dir, spoolName, asideName))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing what is set aside")
	}
	out := []api.AsidePayload{}
	for _, name := range files {
		id, ok := strings.CutSuffix(filepath.Base(name), asideEnd)
		if !ok {
			continue
		}
		if one, _, err := a.readAside(id); err == nil { // it may be gone by now
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(x, y api.AsidePayload) int { return cmp.Or(x.At.Compare(y.At), strings.Compare(x.ID, y.ID)) })
	return out, nil
}

// readAside reads one. A payload that cannot be taken apart is listed all the same.
func (a *App) readAside(id string) (api.AsidePayload, []byte, error) {
	one := api.AsidePayload{ID: id}
	path, err := a.asidePath(id)
	if err != nil {
		return one, nil, err
	}
	info, err := os.Stat(path)
	var raw []byte
	if err == nil && info.Size() > flow.MaxRecord {
		err = fault.New(fault.Limited, "%s is larger than any payload", path)
	}
	if err == nil {
		raw, err = os.ReadFile(path) //nolint:gosec // G304: a name of ours in the data directory
	}
	if err != nil {
		return one, nil, fault.Wrap(fault.Unavailable, err, "reading the payload %s", id)
	}
	one.Size, one.At = info.Size(), info.ModTime().UTC()
	if p, err := unpackPayload(raw); err == nil {
		one.Source, one.Peer, one.Format, one.Received = p.Source, p.Peer, p.Format, p.Received
	}
	why := whyAside{At: one.At, Reason: "not known: an earlier version set it aside"}
	if text, err := os.ReadFile(strings.TrimSuffix(path, asideEnd) + ".json"); err == nil {
		_ = json.Unmarshal(text, &why) // the payload counts, not its note
	}
	one.At, one.Reason = why.At, why.Reason
	return one, raw, nil
}

// ShowAside implements [api.Spool].
func (a *App) ShowAside(_ context.Context, id string) (api.AsideShown, error) {
	one, raw, err := a.readAside(id)
	if err != nil {
		return api.AsideShown{}, err
	}
	if p, err := unpackPayload(raw); err == nil {
		raw = p.Data
	}
	part := raw[:min(len(raw), maxShown)]
	out := api.AsideShown{AsidePayload: one, Shown: len(part), Bytes: len(raw), Lines: []string{}}
	for line := range strings.Lines(string(part)) {
		quoted := strconv.QuoteToASCII(strings.TrimSuffix(line, "\n"))
		out.Lines = append(out.Lines, strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`))
	}
	return out, nil
}

// wished lists the ids that a wish names, each once.
func (a *App) wished(ctx context.Context, w api.AsideWish) ([]string, error) {
	if w.All == (len(w.IDs) > 0) {
		return nil, fault.New(fault.Invalid, "name the payloads, or say that all are meant")
	}
	if len(w.IDs) > maxAside {
		return nil, fault.New(fault.Invalid, "%d payloads are named, at most %d", len(w.IDs), maxAside)
	}
	ids := slices.Clone(w.IDs)
	if w.All {
		list, err := a.SetAside(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			ids = append(ids, one.ID)
		}
	}
	slices.Sort(ids) // in the order in which they came
	ids = slices.Compact(ids)
	for _, id := range ids {
		if _, err := a.asidePath(id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// ReplayAside implements [api.Spool].
func (a *App) ReplayAside(ctx context.Context, w api.AsideWish) (api.AsideReplayed, error) {
	a.aside.Lock()
	defer a.aside.Unlock()
	out := api.AsideReplayed{Payloads: []api.AsideOutcome{}}
	ids, err := a.wished(ctx, w)
	if err != nil {
		return out, err
	}
	parsers := map[string]*ingest.Live{} // by spool: what a peer told in one payload counts for the next
	for _, id := range ids {
		one, err := a.replay(ctx, id, parsers)
		if err != nil {
			return out, err
		}
		out.Payloads = append(out.Payloads, one)
		out.Stored, out.Duplicates, out.Rejected = out.Stored+one.Stored, out.Duplicates+one.Duplicates, out.Rejected+one.Rejected
		if one.Problem != "" {
			out.Left++
		}
		_, err = a.journal.Record(audit.Entry{
			Actor: audit.Actor{Kind: audit.Person, Name: cmp.Or(w.Actor, "unknown")}, Action: "spool.replay", Object: id,
			Details: map[string]string{"stored": strconv.Itoa(one.Stored), "duplicates": strconv.Itoa(one.Duplicates), "rejected": strconv.Itoa(one.Rejected), "stays": strconv.FormatBool(one.Problem != "")},
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// replay reads one again, under the name and number that it had. The error is of the
// store; what is wrong with the payload is in the outcome, and it stays.
func (a *App) replay(ctx context.Context, id string, parsers map[string]*ingest.Live) (api.AsideOutcome, error) {
	out := api.AsideOutcome{ID: id}
	one, raw, err := a.readAside(id)
	if err != nil {
		return out, err
	}
	stays := func(reason string) (api.AsideOutcome, error) {
		out.Problem = reason
		return out, a.noteAside(id, reason)
	}
	name, digits := id[:max(0, strings.LastIndexByte(id, '-'))], id[strings.LastIndexByte(id, '-')+1:]
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || name == "" {
		return stays("its name tells no spool and number")
	}
	p, err := unpackPayload(raw)
	if err != nil {
		return stays(plainText(err))
	}
	parse := parsers[name]
	if parse == nil {
		parse = a.reader.Live(name)
		if err := recall(parse, filepath.Join(a.cfg.Dir, spoolName)); err != nil { //nolint:contextcheck // what was learnt is no part of the request
			a.cfg.Log.Warn("what senders told before cannot be read: flows wait for their templates", "component", "ingest", "err", err)
		}
		parsers[name] = parse
	}
	var sum ingest.Summary
	err = a.taking(ctx, &sum, false, func(sink func(*event.Event) error) (ingest.Report, error) { return parse.Payload(ctx, p, seq, sink) })
	out.Stored, out.Duplicates, out.Rejected = sum.Stored, sum.Duplicates, sum.Rejected
	switch {
	case errors.Is(err, errPanic):
		delete(parsers, name) // what it has read so far may be half of something
		return stays(whyBroken(err))
	case err != nil:
		return out, err
	case sum.Read == sum.Rejected: // also where no record was found: what is stored nowhere is not deleted
		return stays("no parser can read it")
	}
	return out, a.forgetAside(id, one.Source)
}

// noteAside writes down why a payload stays set aside.
func (a *App) noteAside(id, reason string) error {
	raw, err := json.Marshal(whyAside{At: a.cfg.Now().UTC(), Reason: reason})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "noting why a payload is set aside")
	}
	return flow.ReplaceFile(filepath.Join(a.cfg.Dir, spoolName, asideName, id+".json"), raw)
}

// forgetAside deletes one, the payload first: a note without one is nothing.
func (a *App) forgetAside(id, source string) error {
	path := filepath.Join(a.cfg.Dir, spoolName, asideName, id)
	if err := os.Remove(path + asideEnd); err != nil {
		return fault.Wrap(fault.Unavailable, err, "deleting the payload %s", id)
	}
	if err := os.Remove(path + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, err, "deleting the note of the payload %s", id)
	}
	if l := a.live.Load(); l != nil {
		l.mu.Lock()
		if c := l.counts[source]; c != nil && c.aside > 0 {
			c.aside--
		}
		l.mu.Unlock()
	}
	return nil
}

// DropAside implements [api.Spool].
func (a *App) DropAside(ctx context.Context, w api.AsideWish) (api.AsideDropped, error) {
	a.aside.Lock()
	defer a.aside.Unlock()
	var out api.AsideDropped
	if strings.TrimSpace(w.Why) == "" {
		return out, fault.New(fault.Invalid, "dropping payloads needs a reason").WithHint("they are gone for good; say why")
	}
	ids, err := a.wished(ctx, w)
	if err != nil {
		return out, err
	}
	if len(ids) != w.Count {
		return out, fault.New(fault.Conflict, "%d payloads would be dropped, %d were agreed to", len(ids), w.Count).WithHint("look at the list again")
	}
	for _, id := range ids {
		one, _, err := a.readAside(id)
		if err != nil {
			return out, err
		}
		_, err = a.journal.Record(audit.Entry{
			Actor: audit.Actor{Kind: audit.Person, Name: cmp.Or(w.Actor, "unknown")}, Action: "spool.drop", Object: id,
			Details: map[string]string{"why": w.Why, "source": one.Source, "bytes": fmt.Sprint(one.Size)},
		})
		if err != nil {
			return out, err
		}
		if err := a.forgetAside(id, one.Source); err != nil {
			return out, err
		}
		out.Payloads++
		out.Bytes += one.Size
	}
	return out, nil
}

func plainText(err error) string {
	text, _ := fault.Public(err)
	return text
}
