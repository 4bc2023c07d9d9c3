package library

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

// A feed's file is two gzip members: the description as one line of JSON, then
// a line for each indicator: type, value, confidence, first, until (seconds
// since 1970 or nothing), sharing mark, and family with what stands behind it
// ([intel.Indicator.Packed]), with tabs between. Gzip's
// checksums tell a damaged file.

// bodyEnd is of the indicators before their description is known. A kill may
// leave such a file; the next import of the feed replaces it.
const bodyEnd = ".body.new"

// maxIndicators bounds one feed.
const maxIndicators = 50_000_000

// keep reads the documents into the feed's file.
func (l *Library) keep(ctx context.Context, req Request, docs func(func(feed.Document, error) bool)) (Report, error) {
	if err := os.MkdirAll(l.cfg.Dir, 0o700); err != nil {
		return Report{}, fault.Wrap(fault.Unavailable, err, "making %s", l.cfg.Dir)
	}
	rep := Report{Feed: Feed{Name: req.Name, Imported: l.cfg.Now().UTC().Truncate(time.Second), By: req.By, Private: req.Private, Grade: req.Grade, Types: map[string]int{}}}
	body := l.path(req.Name) + bodyEnd
	defer os.Remove(body) //nolint:errcheck // gone, or replaced by the next import
	if err := l.writeBody(ctx, body, req, docs, &rep); err != nil {
		return rep, err
	}
	if rep.Indicators == 0 {
		return rep, fault.New(fault.Invalid, "there is no indicator in the feed %s", req.Name).WithHint("%s", whyNone(rep))
	}
	_, err := os.Stat(l.path(req.Name))
	rep.Replaced = err == nil
	if err := l.writeFeed(body, rep.Feed); err != nil {
		return rep, fault.Wrap(fault.Unavailable, err, "keeping the feed %s", req.Name).WithHint("check the free space of the data directory's disk")
	}
	return rep, nil
}

func whyNone(rep Report) string {
	if len(rep.Reasons) > 0 {
		return "most often: " + rep.Reasons[0].Reason
	}
	return "it is empty; the feed that was there before stays"
}

func (l *Library) writeBody(ctx context.Context, path string, req Request, docs func(func(feed.Document, error) bool), rep *Report) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // G304: in the data directory
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping the feed %s", req.Name)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	out := bufio.NewWriterSize(z, 1<<16)
	opts := feed.Options{Source: req.Name, Confidence: req.Confidence, Kind: req.Kind}
	if req.Expires > 0 {
		opts.Until = rep.Imported.Add(req.Expires)
	}
	var line []byte
	emit := func(in intel.Indicator) error {
		if err := intel.Refuse(in.Type, in.Value, req.Private); err != nil {
			return err
		}
		if rep.Indicators++; rep.Indicators > maxIndicators {
			return fault.New(fault.Limited, "the feed %s has more than %d indicators", req.Name, maxIndicators)
		}
		rep.Types[in.Type.String()]++
		line = appendLine(line[:0], &in)
		_, err := out.Write(line)
		return err
	}
	err = readAll(ctx, docs, opts, rep, emit)
	err = errors.Join(err, out.Flush(), z.Close(), f.Close())
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok && ctx.Err() == nil {
		err = fault.Wrap(fault.Unavailable, err, "keeping the feed %s", req.Name)
	}
	return err
}

func readAll(ctx context.Context, docs func(func(feed.Document, error) bool), opts feed.Options, rep *Report, emit func(intel.Indicator) error) error {
	var failed error
	docs(func(d feed.Document, err error) bool {
		if err != nil {
			failed = err
			return false
		}
		one, err := feed.Read(ctx, d, opts, emit)
		rep.add(one)
		if err != nil {
			failed = fault.Wrap(fault.KindOf(err), err, "reading %s", d.Name)
			return false
		}
		return true
	})
	return failed
}

func (r *Report) add(one feed.Report) {
	r.Read += one.Read
	r.Refused += one.Refused
	r.Opaque += one.Opaque
	if one.Kind != "" && !slices.Contains(r.Kinds, one.Kind) {
		r.Kinds = append(r.Kinds, one.Kind)
	}
	for _, why := range one.Reasons {
		at := slices.IndexFunc(r.Reasons, func(x feed.Reason) bool { return x.Reason == why.Reason })
		if at >= 0 {
			r.Reasons[at].Count += why.Count
		} else if len(r.Reasons) < 64 {
			r.Reasons = append(r.Reasons, why)
		}
	}
	slices.SortStableFunc(r.Reasons, func(a, b feed.Reason) int { return b.Count - a.Count })
}

// writeFeed puts the description before the indicators and names the file.
func (l *Library) writeFeed(body string, about Feed) error {
	head, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return flow.Replace(l.path(about.Name), func(out io.Writer) error {
		z := gzip.NewWriter(out)
		_, err := z.Write(append(head, '\n'))
		if err = errors.Join(err, z.Close()); err != nil {
			return err
		}
		return appendFile(out, body)
	})
}

func appendFile(to io.Writer, path string) error {
	in, err := os.Open(path) //nolint:gosec // G304: in the data directory
	if err != nil {
		return err
	}
	_, err = io.Copy(to, in)
	return errors.Join(err, in.Close())
}

// read puts a kept feed into the builder. One that is damaged is taken back
// from the set by being an error: what was read of it until then stays, and is
// true.
func (l *Library) read(ctx context.Context, name string, b *intel.Builder) (Feed, error) {
	var about Feed
	f, err := os.Open(l.path(name))
	if err != nil {
		return about, err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<18))
	if err != nil {
		return about, err
	}
	in := bufio.NewReaderSize(z, 1<<16)
	head, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(head, &about)
	}
	if err != nil {
		return about, errors.Join(errFormat, err)
	}
	if info, err := f.Stat(); err == nil {
		about.Bytes = info.Size()
	}
	sums := feedSums{marks: map[string]int{}, now: l.cfg.Now()}
	grade, _ := intel.GoodReliability(about.Grade) // it was checked when it was taken in
	b.Vouched(name, about.Imported)
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 && n == about.Indicators {
			sums.tell(&about)
			return about, nil
		}
		if errors.Is(err, io.EOF) {
			return about, io.ErrUnexpectedEOF
		}
		if err != nil {
			return about, err
		}
		one, err := parseLine(string(line[:len(line)-1]))
		if err != nil {
			return about, err
		}
		one.Source, one.Confidence = name, grade.Weigh(one.Confidence)
		sums.add(&one)
		if about.Private {
			_ = b.AddPrivate(one) // as below
		} else {
			_ = b.Add(one) // it was checked when it was taken in; a later rule may refuse it
		}
		if n%65536 == 0 && ctx.Err() != nil {
			return about, ctx.Err()
		}
	}
}

// feedSums gathers what tells how good a feed is.
type feedSums struct {
	now         time.Time
	marks       map[string]int
	total, told int
	ended       int
	newest      time.Time
}

func (s *feedSums) add(one *intel.Indicator) {
	if one.TLP != intel.Unmarked {
		s.marks[one.TLP.String()]++
	}
	if one.Confidence > 0 {
		s.total += one.Confidence
		s.told++
	}
	if !one.Until.IsZero() && one.Until.Before(s.now) {
		s.ended++
	}
	if one.First.After(s.newest) {
		s.newest = one.First
	}
}

func (s *feedSums) tell(f *Feed) {
	f.Marks, f.Ended, f.Newest = s.marks, s.ended, s.newest
	if s.told > 0 {
		f.Confidence = s.total / s.told
	}
}

func appendLine(to []byte, in *intel.Indicator) []byte {
	to = append(to, in.Type.String()...)
	to = append(append(to, '\t'), in.Value...)
	to = strconv.AppendInt(append(to, '\t'), int64(in.Confidence), 10)
	to = appendTime(append(to, '\t'), in.First)
	to = appendTime(append(to, '\t'), in.Until)
	to = append(append(to, '\t'), in.TLP.String()...)
	to = append(append(to, '\t'), in.Packed()...)
	return append(to, '\n')
}

func appendTime(to []byte, t time.Time) []byte {
	if t.IsZero() {
		return to
	}
	return strconv.AppendInt(to, t.Unix(), 10)
}

func parseLine(line string) (intel.Indicator, error) {
	var fields [7]string
	for i := range fields {
		var ok bool
		if fields[i], line, ok = strings.Cut(line, "\t"); ok != (i < len(fields)-1) {
			return intel.Indicator{}, errFormat
		}
	}
	in := intel.Indicator{Type: intel.ParseType(fields[0]), Value: fields[1]}
	in.Unpack(fields[6])
	in.TLP, _ = intel.ParseTLP(fields[5])
	confidence, err := strconv.Atoi(fields[2])
	first, err1 := parseTime(fields[3])
	until, err2 := parseTime(fields[4])
	if in.Type == intel.None || errors.Join(err, err1, err2) != nil {
		return in, errFormat
	}
	in.Confidence, in.First, in.Until = confidence, first, until
	return in, nil
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(n, 0).UTC(), err
}
