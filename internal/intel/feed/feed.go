// Package feed reads what sources of indicators publish: plain lists, CSV,
// STIX 2 bundles, and MISP events. Which of them a text is, is told by its
// content. Values that people made harmless (hxxp, [.]) are turned back.
//
// A line or object that is no indicator never stops a feed: it is counted with
// its reason. A file that breaks off or is damaged as a whole is an error, so
// that half a feed never takes the place of a whole one. It must not fetch.
package feed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/intel"
)

// The kinds of feeds.
const (
	List = "list"
	CSV  = "csv"
	STIX = "stix"
	MISP = "misp"
)

// Options say what a feed does not.
type Options struct {
	Source     string    // name of the feed
	Confidence int       // where the feed gives none
	Until      time.Time // end of those that have none; zero: none
	Kind       string    // "" to tell by the content
}

// defaultConfidence is for feeds that say nothing, and people who do not either.
const defaultConfidence = 50

// Reason counts what was refused for one reason.
type Reason struct {
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
	Example string `json:"example,omitempty"` // the first, shortened; untrusted
	Line    int    `json:"line,omitempty"`    // of the first, in lists and CSV
}

// Report tells what was in a feed.
type Report struct {
	Kind    string   `json:"kind"`
	Read    int      `json:"read"`  // lines or objects that could be indicators
	Taken   int      `json:"taken"` // indicators
	Refused int      `json:"refused"`
	Opaque  int      `json:"opaque,omitempty"` // understood to be something else, such as a YARA pattern or a report
	Reasons []Reason `json:"reasons,omitempty"`
}

// Limits of one document. They are far above what real feeds have.
const (
	maxLine   = 1 << 20
	maxObject = 64 << 20
	maxNames  = 1 << 20 // objects of a bundle that others may refer to
)

// reader reads one document.
type reader struct {
	ctx    context.Context
	opts   Options
	report Report
	where  map[string]int // reason: its place in the report
	line   int
	emit   func(intel.Indicator) error
}

// Read reads one document, gzip undone, and hands each indicator to emit. An
// error of emit that is an [intel.Problem] is counted like one of the feed;
// another ends the reading.
func Read(ctx context.Context, in io.Reader, opts Options, emit func(intel.Indicator) error) (Report, error) {
	if opts.Confidence <= 0 || opts.Confidence > 100 {
		opts.Confidence = defaultConfidence
	}
	r := &reader{ctx: ctx, opts: opts, where: map[string]int{}, emit: emit}
	buf, err := unzipped(bufio.NewReaderSize(in, 1<<16))
	if err != nil {
		return r.report, err
	}
	kind := opts.Kind
	head, err := buf.Peek(1 << 15)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return r.report, broken(err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = buf.Discard(3)
		head = head[3:]
	}
	if kind == "" {
		kind = detect(head)
	}
	r.report.Kind = kind
	switch kind {
	case List:
		err = r.list(buf)
	case CSV:
		err = r.csv(buf)
	case STIX, MISP:
		err = r.json(buf)
	default:
		err = fault.New(fault.Invalid, "there is no kind of feed %q", kind).WithHint("the kinds are list, csv, stix and misp")
	}
	slices.SortFunc(r.report.Reasons, func(a, b Reason) int { return b.Count - a.Count })
	return r.report, err
}

func unzipped(in *bufio.Reader) (*bufio.Reader, error) {
	for range 2 { // a second layer happens, a third is a bomb
		magic, _ := in.Peek(2)
		if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			return in, nil
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, broken(err)
		}
		in = bufio.NewReaderSize(z, 1<<16)
	}
	return in, nil
}

func broken(err error) error {
	return fault.Wrap(fault.Invalid, err, "the feed is damaged or breaks off").WithHint("get it again; the feed that was there before stays")
}

// detect tells the kind of a feed by how it begins.
func detect(head []byte) string {
	text := bytes.TrimLeft(head, " \t\r\n")
	if len(text) > 0 && (text[0] == '{' || text[0] == '[' && jsonArray(text)) {
		if bytes.Contains(text, []byte(`"Event"`)) || bytes.Contains(text, []byte(`"Attribute"`)) {
			return MISP
		}
		return STIX
	}
	if looksLikeCSV(text) {
		return CSV
	}
	return List
}

// jsonArray tells [ { from [2001:db8::1] and [Section].
func jsonArray(text []byte) bool {
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
}

// take hands on one value. t is None when the feed does not say the type.
func (r *reader) take(t intel.Type, text string, in intel.Indicator) error {
	r.report.Read++
	var err error
	if t == intel.None {
		in.Type, in.Value, err = intel.Parse(text)
	} else {
		in.Type, in.Value, err = intel.ParseAs(t, text)
	}
	if err != nil {
		r.refuse(err.Error(), text)
		return nil
	}
	return r.give(in, text)
}

// give completes an indicator and hands it on.
func (r *reader) give(in intel.Indicator, text string) error {
	in.Source = r.opts.Source
	if in.Confidence <= 0 || in.Confidence > 100 {
		in.Confidence = r.opts.Confidence
	}
	if in.Until.IsZero() {
		in.Until = r.opts.Until
	}
	in.Family = short(in.Family, 80)
	err := r.emit(in)
	if p, ok := errors.AsType[intel.Problem](err); ok {
		r.refuse(p.Error(), text)
		return nil
	}
	if err != nil {
		return err
	}
	r.report.Taken++
	return nil
}

func (r *reader) refuse(reason, example string) {
	r.report.Refused++
	r.note(reason, example)
}

// other counts what is no indicator by its nature.
func (r *reader) other(reason, example string) {
	r.report.Opaque++
	r.note(reason, example)
}

// maxReasons bounds the reasons that are told apart.
const maxReasons = 64

func (r *reader) note(reason, example string) {
	at, ok := r.where[reason]
	if !ok && len(r.report.Reasons) >= maxReasons {
		at, ok = r.where[""], true
	}
	if !ok {
		at = len(r.report.Reasons)
		if at == maxReasons-1 {
			reason = "other reasons"
			r.where[""] = at
		}
		r.where[reason] = at
		r.report.Reasons = append(r.report.Reasons, Reason{Reason: reason, Example: short(example, 60), Line: r.line})
	}
	r.report.Reasons[at].Count++
}

// short cuts a text and makes it printable.
func short(text string, limit int) string {
	clean := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\ufffd' {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	if len(clean) > limit {
		clean = strings.ToValidUTF8(clean[:limit], "")
	}
	return strings.TrimSpace(clean)
}

// eachLine calls f with each line, without its end. A line that is longer than
// maxLine is counted and passed over.
func (r *reader) eachLine(in *bufio.Reader, f func(line string) error) error {
	var line []byte
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			long = true
		} else {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return broken(err)
		}
		end := err != nil
		if len(line) > 0 || long || !end {
			if err := r.oneLine(line, long, f); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
		line, long = line[:0], false
	}
}

func (r *reader) oneLine(line []byte, long bool, f func(string) error) error {
	r.line++
	if r.line%4096 == 0 {
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	if long {
		r.report.Read++
		r.refuse("a line longer than 1 MiB", string(line[:min(len(line), 60)]))
		return nil
	}
	return f(string(bytes.TrimRight(line, "\r\n")))
}
