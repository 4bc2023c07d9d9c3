package eval

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// Product is what is scored: an empty product that takes in sources and
// answers questions.
type Product interface {
	Take(ctx context.Context, in io.Reader, name string, modified time.Time) error
	Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error)
	Close() error
}

// Result is one graded question.
type Result struct {
	Question Question
	Answer   *copilot.Answer
	Verdict  Verdict
	QueryOK  bool // the plan's first query is the expected one, or none was
}

// Run asks the questions, each over a fresh product that has taken in its data
// set. shared is the folder of public test data; a data set whose files are
// not there is a NotFound fault.
func Run(ctx context.Context, shared string, sets []Dataset, questions []Question, open func() (Product, error)) ([]Result, error) {
	var out []Result
	for _, set := range sets {
		mine := slices.DeleteFunc(slices.Clone(questions), func(q Question) bool { return q.Dataset != set.Name })
		if len(mine) == 0 {
			continue
		}
		results, err := runSet(ctx, shared, set, mine, open)
		if err != nil {
			return out, err
		}
		out = append(out, results...)
	}
	return out, nil
}

func runSet(ctx context.Context, shared string, set Dataset, questions []Question, open func() (Product, error)) ([]Result, error) {
	p, err := open()
	if err != nil {
		return nil, err
	}
	defer p.Close() //nolint:errcheck // a scratch directory
	modified := time.Time{}
	if set.Year > 0 {
		modified = time.Date(set.Year, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	for _, f := range set.Files {
		err := each(shared, f, func(name string, in io.Reader) error { return p.Take(ctx, in, name, modified) })
		if err != nil {
			return nil, err
		}
	}
	var out []Result
	for _, q := range questions {
		ans, err := p.Ask(ctx, copilot.Request{Question: q.Text, Now: set.Now})
		if err != nil {
			text, _ := fault.Public(err)
			ans = &copilot.Answer{Question: q.Text, Status: copilot.StatusRefused, Answer: []copilot.Sentence{{Text: text + ": " + err.Error()}}}
		}
		res := Result{Question: q, Answer: ans, Verdict: Grade(q.Expect, ans), QueryOK: q.Query == ""}
		if len(ans.Plan) > 0 && q.Query != "" {
			res.QueryOK = aboutRecords(ans.Plan[0].Query.String()) == q.Query
		}
		out = append(out, res)
	}
	return out, nil
}

// each opens the files that a data set names: plain paths, or members of a zip
// after "!" (globs).
func each(shared, spec string, f func(name string, in io.Reader) error) error {
	archive, pattern, zipped := strings.Cut(spec, "!")
	full := filepath.Join(shared, filepath.FromSlash(archive))
	if !zipped {
		in, err := os.Open(full) //nolint:gosec // G304: a path of the question set
		if err != nil {
			return fault.Wrap(fault.NotFound, err, "opening %s", full)
		}
		defer in.Close() //nolint:errcheck // only read
		return f(path.Base(archive), in)
	}
	z, err := zip.OpenReader(full)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "opening %s", full)
	}
	defer z.Close() //nolint:errcheck // only read
	for _, member := range z.File {
		if ok, _ := path.Match(pattern, member.Name); !ok {
			continue
		}
		in, err := member.Open()
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "opening %s in %s", member.Name, full)
		}
		err = f(member.Name, in)
		_ = in.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// ownLeftOut is what a plan says where findings of ours are stored: whether
// there are any depends on the rules in force, which no question is about.
const ownLeftOut = "not metadata.product=" + event.FindingProduct + " "

// aboutRecords is a query without that condition.
func aboutRecords(query string) string { return strings.Replace(query, ownLeftOut, "", 1) }
