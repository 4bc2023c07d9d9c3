// Package budget bounds what models may cost: calls, tokens, time and money, a
// day, for each person and for all together.
//
// It owns the book of what was spent. What a call may cost at most is taken
// from the budget before anything is sent and put right afterwards, so that
// calls at the same time cannot pass it together, and a crash leaves more
// written down than was spent, never less. It must not believe an endpoint's
// counts beyond what the bytes allow.
package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/store"
)

// Limit is what may be spent on one day. A zero is no limit.
type Limit struct {
	Calls  int
	Tokens int
	Time   time.Duration // of waiting for answers
	Money  float64       // in Limits.Currency
}

// Limits are the budgets of a day.
type Limits struct {
	Person   Limit
	All      Limit
	Currency string // of Money
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

// Money is the sum in the currency.
func (s Sum) Money() float64 { return float64(s.Micros) / 1e6 }

// Time is the time that was waited.
func (s Sum) Time() time.Duration { return time.Duration(s.Millis) * time.Millisecond }

// Records keeps the book; it is a part of [store.Records].
type Records interface {
	Get(ctx context.Context, kind, id string) (store.Record, error)
	Update(ctx context.Context, changes ...store.Change) error
}

const (
	kind       = "model-budget" // of the records; the id is the day
	maxPersons = 10_000         // a day
)

// Book is the book of what was spent. It is safe for concurrent use; one
// process keeps it.
type Book struct {
	records Records
	limits  Limits
	now     func() time.Time

	mu   sync.Mutex
	days map[string]*day // today, and those that still have a hold
}

// day is what was spent on a day, what is held included.
type day struct {
	All     Sum            `json:"all"`
	Persons map[string]Sum `json:"persons"`
	holds   int
}

// New opens the book. now says which day it is, in the site's time.
func New(records Records, limits Limits, now func() time.Time) *Book {
	return &Book{records: records, limits: limits, now: now, days: map[string]*day{}}
}

// Call is what is known of a call before it is made.
type Call struct {
	Endpoint  string
	Person    string
	InBytes   int // of the request
	MaxTokens int // of the answer
	Time      time.Duration
	Price     model.Price
}

// tokensOf are the tokens that n bytes have usually, at least and at most. A
// token is about four bytes of English and three of JSON; a byte is at most one.
func tokensOf(n int) (usual, least, most int) { return (n + 2) / 3, n / 16, n + 64 }

// Estimate is what a call costs at most: what it takes from a budget before it
// is made. It is for showing too.
func (c Call) Estimate() Sum {
	in, _, _ := tokensOf(c.InBytes)
	return c.sum(in, c.MaxTokens, c.Time)
}

func (c Call) sum(in, out int, took time.Duration) Sum {
	return Sum{1, int64(in) + int64(out), took.Milliseconds(), int64(math.Ceil(float64(in)*c.Price.In + float64(out)*c.Price.Out))}
}

// Used is what is known of a call after it was made.
type Used struct {
	Told     model.Usage // what the endpoint counted; zero if it did not
	OutBytes int         // of the answer that came
	Time     time.Duration
	Unsent   bool // nothing left: it costs nothing
}

// actual is what a call cost. Counts that the bytes do not allow are not taken:
// a lie must neither be free nor use up the budget.
func (c Call) actual(u Used) Sum {
	usualIn, leastIn, mostIn := tokensOf(c.InBytes)
	usualOut, leastOut, mostOut := tokensOf(u.OutBytes)
	mostOut = max(mostOut, c.MaxTokens) // what it thought is counted and not seen
	in, out := usualIn, usualOut
	if u.Told.In > 0 {
		in = min(max(u.Told.In, leastIn), mostIn)
	}
	if u.Told.Out > 0 {
		out = min(max(u.Told.Out, leastOut), mostOut)
	}
	return c.sum(in, out, u.Time)
}

// Hold is what was taken from the budgets for one call. It must be settled.
type Hold struct {
	book *Book
	call Call
	id   string // of the day
	held Sum
	done bool // under book.mu
}

// State is where the budgets of a person stand.
type State struct {
	Day      string `json:"day"`
	Currency string `json:"currency,omitempty"`
	Person   Sum    `json:"person"`
	All      Sum    `json:"all"`
	Limits   Limits `json:"limits"`
}

// Reserve takes what a call may cost at most from the budgets, or fails with a
// [*model.Error] of kind Spent that says which budget is used up.
func (b *Book) Reserve(ctx context.Context, c Call) (*Hold, error) {
	if err := b.check(c); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	id, d, err := b.today(ctx)
	if err != nil {
		return nil, err
	}
	if _, known := d.Persons[c.Person]; !known && len(d.Persons) >= maxPersons {
		return nil, b.spent(c, "the number of persons")
	}
	held := c.Estimate()
	if what := over(d.Persons[c.Person].add(held, 1), b.limits.Person); what != "" {
		return nil, b.spent(c, what+" of "+c.Person)
	}
	if what := over(d.All.add(held, 1), b.limits.All); what != "" {
		return nil, b.spent(c, what+" of all")
	}
	if err := b.book(ctx, id, d, c.Person, held, 1); err != nil {
		return nil, err
	}
	d.holds++
	return &Hold{book: b, call: c, id: id, held: held}, nil
}

// check refuses a call whose cost cannot be told.
func (b *Book) check(c Call) error {
	p := c.Price
	if c.InBytes < 0 || c.MaxTokens < 0 || c.Time < 0 || !(p.In >= 0 && p.In < 1e6 && p.Out >= 0 && p.Out < 1e6) {
		return fault.New(fault.Invalid, "the cost of a call to endpoint %s cannot be told", c.Endpoint).WithHint("set its price to what a million tokens cost")
	}
	bounded := b.limits.Person.Money > 0 || b.limits.All.Money > 0
	if bounded && (p.In > 0 || p.Out > 0) && p.Currency != b.limits.Currency {
		return fault.New(fault.Invalid, "the price of endpoint %s is in %q and the budget in %q", c.Endpoint, p.Currency, b.limits.Currency).WithHint("write both in one currency")
	}
	return nil
}

// over says which limit a sum passes.
func over(s Sum, l Limit) string {
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

func (b *Book) spent(c Call, what string) error {
	return &model.Error{Kind: model.Spent, Endpoint: c.Endpoint, Cause: fmt.Errorf("%s for %s would be passed", what, b.now().Format(time.DateOnly))}
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
	d := &day{}
	record, err := b.records.Get(ctx, kind, id)
	switch {
	case err == nil:
		if err := json.Unmarshal(record.JSON, d); err != nil {
			return "", nil, fault.Wrap(fault.Internal, err, "reading what models cost on %s", id)
		}
	case fault.KindOf(err) != fault.NotFound:
		return "", nil, fault.Wrap(fault.KindOf(err), err, "reading what models cost on %s", id)
	}
	if d.Persons == nil {
		d.Persons = map[string]Sum{}
	}
	b.days[id] = d
	return id, d, nil
}

// book adds a sum and writes the day down; when it cannot be written nothing is
// added. The caller holds the lock.
func (b *Book) book(ctx context.Context, id string, d *day, person string, s Sum, sign int64) error {
	before, known := d.Persons[person]
	all := d.All
	d.Persons[person], d.All = before.add(s, sign), all.add(s, sign)
	raw, err := json.Marshal(d)
	if err == nil {
		err = b.records.Update(ctx, store.Change{Kind: kind, ID: id, Version: store.AnyVersion, JSON: raw})
	}
	if err == nil {
		return nil
	}
	d.All = all
	if d.Persons[person] = before; !known {
		delete(d.Persons, person)
	}
	return fault.Wrap(fault.KindOf(err), err, "writing down what models cost on %s", id)
}

var errSettled = errors.New("a hold was settled twice")

// Settle puts right what was held by what the call really cost, and says what
// that was. It must be called once, also when the call failed. If it cannot be
// written down, what was held stays spent.
func (h *Hold) Settle(ctx context.Context, u Used) (Sum, error) {
	b := h.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.done {
		return Sum{}, fault.Wrap(fault.Internal, errSettled, "settling a call to endpoint %s", h.call.Endpoint)
	}
	h.done = true
	d := b.days[h.id]
	d.holds--
	cost := h.call.actual(u)
	if u.Unsent {
		cost = Sum{}
	}
	return cost, b.book(context.WithoutCancel(ctx), h.id, d, h.call.Person, cost.add(h.held, -1), 1)
}

// State tells where the budgets of a person stand today, what is held for
// running calls included.
func (b *Book) State(ctx context.Context, person string) (State, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, d, err := b.today(ctx)
	if err != nil {
		return State{}, err
	}
	return State{Day: id, Currency: b.limits.Currency, Person: d.Persons[person], All: d.All, Limits: b.limits}, nil
}
