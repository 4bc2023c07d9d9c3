// Package budget bounds what models may cost in a day: calls, tokens, time and
// money, for a person, for each person or for all, at one endpoint or at all.
//
// It owns the book of what was spent. What a call may cost at most is taken
// from the budgets before anything is sent and put right afterwards, so that
// calls at the same time cannot pass one together, and a crash leaves more
// written down than was spent, never less. It must not believe an endpoint's
// counts beyond what the size of the call allows.
package budget

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/store"
)

// Each as the person of a limit makes it one for every person.
const Each = "each"

// Limit is a budget of a day. A figure of 0 is no bound.
type Limit struct {
	Name, Person, Endpoint string // no person: all together; no endpoint: all of them
	Calls, Tokens          int
	Time                   time.Duration // of waiting for answers
	Money                  float64
	Currency               string // of Money
}

// Spend is what a call costs.
type Spend struct {
	Person, Endpoint    string
	TokensIn, TokensOut int
	OutBytes            int // of the answer that came, if known
	Time                time.Duration
	Money               float64
	Currency            string
}

// Sum is what was spent.
type Sum struct {
	Calls  int64 `json:"calls"`
	Tokens int64 `json:"tokens"`
	Millis int64 `json:"ms"`
	Micros int64 `json:"micros"` // millionths of the currency
}

func (s Sum) add(o Sum, sign int64) Sum {
	return Sum{s.Calls + sign*o.Calls, s.Tokens + sign*o.Tokens, s.Millis + sign*o.Millis, s.Micros + sign*o.Micros}
}

// Records keeps the book; it is a part of [store.Records].
type Records interface {
	Get(ctx context.Context, kind, id string) (store.Record, error)
	Update(ctx context.Context, changes ...store.Change) error
}

const (
	kind     = "model-budget" // of the records; the id is the day
	maxLines = 10_000         // persons and endpoints, a day
)

// Book is the book of what was spent. It is safe for concurrent use; one
// process keeps it.
type Book struct {
	records Records
	limits  []Limit
	now     func() time.Time
	log     *slog.Logger

	mu   sync.Mutex
	days map[string]*day // today, and those that still have a hold
}

// New opens the book. now says which day it is, in the site's time.
func New(records Records, limits []Limit, now func() time.Time, log *slog.Logger) *Book {
	return &Book{records: records, limits: slices.Clone(limits), now: now, log: log, days: map[string]*day{}}
}

// Reserve takes what a call may cost at most from every budget that fits it, or
// fails with a [*model.Error] of kind Spent that says which one is used up.
// settle must be called once, with what the call did cost; a call that cost no
// token and no time was not made.
func (b *Book) Reserve(ctx context.Context, most Spend) (settle func(Spend), err error) {
	held, err := b.sum(most)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id, d, err := b.today(ctx)
	if err != nil {
		return nil, err
	}
	at := line{most.Person, most.Endpoint, most.Currency}
	if _, known := d.lines[at]; !known && len(d.lines) >= maxLines {
		return nil, b.used(most, "the number of persons and endpoints")
	}
	for _, l := range b.limits {
		if !l.fits(at) {
			continue
		}
		if what := l.over(d.of(l, most.Person).add(held, 1)); what != "" {
			return nil, b.used(most, what+" of the budget "+cmp.Or(l.Name, "without a name"))
		}
	}
	if err := b.write(ctx, id, d, at, held); err != nil {
		return nil, err
	}
	d.holds++
	var once sync.Once
	return func(s Spend) {
		once.Do(func() { b.settle(ctx, id, at, held, actual(most, s)) })
	}, nil
}

// sum is a spend as it is written down; it refuses one that cannot be told.
func (b *Book) sum(s Spend) (Sum, error) {
	if s.TokensIn < 0 || s.TokensOut < 0 || s.Time < 0 || !(s.Money >= 0 && s.Money < 1e9) {
		return Sum{}, fault.New(fault.Invalid, "the cost of a call to endpoint %s cannot be told", s.Endpoint).WithHint("set its price to what a million tokens cost")
	}
	for _, l := range b.limits {
		if l.Money > 0 && s.Money > 0 && l.Currency != s.Currency && l.fits(line{s.Person, s.Endpoint, s.Currency}) {
			return Sum{}, fault.New(fault.Invalid, "the price of endpoint %s is in %q and the budget %s in %q", s.Endpoint, s.Currency, l.Name, l.Currency).WithHint("write both in one currency")
		}
	}
	return Sum{1, int64(s.TokensIn) + int64(s.TokensOut), s.Time.Milliseconds(), int64(math.Ceil(s.Money * 1e6))}, nil
}

// actual is what a call cost. most was estimated from its bytes, three to a
// token; a token is a byte at least and hardly ever sixteen. Counts beyond that
// are not taken: a lie must neither be free nor use up the budget.
func actual(most, s Spend) Sum {
	if s.TokensIn == 0 && s.TokensOut == 0 && s.Time == 0 {
		return Sum{}
	}
	in := min(max(s.TokensIn, most.TokensIn/6), 3*most.TokensIn+64)
	out := min(max(s.TokensOut, s.OutBytes/16), max(most.TokensOut, s.OutBytes+64))
	money := s.Money
	if told := s.TokensIn + s.TokensOut; told > 0 {
		money *= float64(in+out) / float64(told)
	}
	if !(money >= 0) { // not a number
		money = most.Money
	}
	money = min(money, 3*most.Money)
	return Sum{1, int64(in) + int64(out), max(0, s.Time.Milliseconds()), int64(math.Ceil(money * 1e6))}
}

// settle puts right what was held by what the call cost. If that cannot be
// written down, what was held stays spent.
func (b *Book) settle(ctx context.Context, id string, at line, held, cost Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.days[id]
	d.holds--
	if err := b.write(context.WithoutCancel(ctx), id, d, at, cost.add(held, -1)); err != nil {
		b.log.Warn("what a model cost could not be written down; what was held for it counts", "component", "model", "endpoint", at.Endpoint, "err", err)
	}
}

// used is the error of a budget that a call would pass.
func (b *Book) used(s Spend, what string) error {
	return &model.Error{Kind: model.Spent, Endpoint: s.Endpoint, Cause: fmt.Errorf("%s for %s would be passed", what, b.now().Format(time.DateOnly))}
}

// Standing is where a budget stands today, what is held for running calls
// included.
type Standing struct {
	Limit Limit `json:"limit"`
	Used  Sum   `json:"used"`
}

// Standings tells where the budgets stand that fit a person.
func (b *Book) Standings(ctx context.Context, person string) ([]Standing, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, d, err := b.today(ctx)
	if err != nil {
		return nil, err
	}
	var out []Standing
	for _, l := range b.limits {
		if l.Person == "" || l.Person == Each || l.Person == person {
			out = append(out, Standing{l, d.of(l, person)})
		}
	}
	return out, nil
}

// fits reports whether a limit is for calls of a line.
func (l Limit) fits(at line) bool {
	return (l.Person == "" || l.Person == Each || l.Person == at.Person) && (l.Endpoint == "" || l.Endpoint == at.Endpoint)
}

// over says which figure a sum passes.
func (l Limit) over(s Sum) string {
	switch {
	case l.Calls > 0 && s.Calls > int64(l.Calls):
		return "the calls"
	case l.Tokens > 0 && s.Tokens > int64(l.Tokens):
		return "the tokens"
	case l.Time > 0 && s.Millis > l.Time.Milliseconds():
		return "the time"
	case l.Money > 0 && float64(s.Micros) > l.Money*1e6:
		return "the money"
	}
	return ""
}

// line is for whom, where and in what currency something was spent.
type line struct {
	Person   string `json:"person"`
	Endpoint string `json:"endpoint"`
	Currency string `json:"currency,omitempty"`
}

// day is what was spent on a day, what is held included.
type day struct {
	lines map[line]Sum
	holds int
}

// of is what a limit counts, for a person if it is of each.
func (d *day) of(l Limit, person string) Sum {
	var all Sum
	for at, s := range d.lines {
		if l.fits(at) && (l.Person != Each || at.Person == person) {
			if at.Currency != l.Currency {
				s.Micros = 0
			}
			all = all.add(s, 1)
		}
	}
	return all
}

// written is a line as it is stored.
type written struct {
	line
	Sum
}

// today is the book of this day. The caller holds the lock.
func (b *Book) today(ctx context.Context) (string, *day, error) {
	id := b.now().Format(time.DateOnly)
	for other, d := range b.days {
		if other != id && d.holds == 0 {
			delete(b.days, other)
		}
	}
	if d := b.days[id]; d != nil {
		return id, d, nil
	}
	d := &day{lines: map[line]Sum{}}
	record, err := b.records.Get(ctx, kind, id)
	var list []written
	if err == nil {
		err = json.Unmarshal(record.JSON, &list)
	} else if fault.KindOf(err) == fault.NotFound {
		err = nil
	}
	if err != nil {
		return "", nil, fault.Wrap(fault.KindOf(err), err, "reading what models cost on %s", id)
	}
	for _, w := range list {
		d.lines[w.line] = w.Sum
	}
	b.days[id] = d
	return id, d, nil
}

// write adds to a line and writes the day down; when it cannot be written
// nothing is added. The caller holds the lock.
func (b *Book) write(ctx context.Context, id string, d *day, at line, s Sum) error {
	before, known := d.lines[at]
	d.lines[at] = before.add(s, 1)
	list := make([]written, 0, len(d.lines))
	for l, sum := range d.lines {
		list = append(list, written{l, sum})
	}
	slices.SortFunc(list, func(x, y written) int {
		return cmp.Or(cmp.Compare(x.Person, y.Person), cmp.Compare(x.Endpoint, y.Endpoint), cmp.Compare(x.Currency, y.Currency))
	})
	raw, err := json.Marshal(list)
	if err == nil {
		err = b.records.Update(ctx, store.Change{Kind: kind, ID: id, Version: store.AnyVersion, JSON: raw})
	}
	if err == nil {
		return nil
	}
	if d.lines[at] = before; !known {
		delete(d.lines, at)
	}
	return fault.Wrap(fault.KindOf(err), err, "writing down what models cost on %s", id)
}
