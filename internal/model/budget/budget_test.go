package budget

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/store"
	"vedette/internal/store/sqlite"
)

// kept is a Records in memory that can fail.
type kept struct {
	mu   sync.Mutex
	docs map[string][]byte
	fail bool
}

func (k *kept) Get(_ context.Context, kind, id string) (store.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw, ok := k.docs[kind+id]
	if !ok {
		return store.Record{}, store.NoRecord(kind, id)
	}
	return store.Record{JSON: raw}, nil
}

func (k *kept) Update(_ context.Context, changes ...store.Change) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail {
		return fault.New(fault.Unavailable, "the disk is full")
	}
	for _, c := range changes {
		k.docs[c.Kind+c.ID] = c.JSON
	}
	return nil
}

func fresh() *kept { return &kept{docs: map[string][]byte{}} }

func at(text string) func() time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return t }
}

const noon = "2026-11-27T12:00:00Z"

func call(person string, tokens int) Call {
	return Call{Endpoint: "e", Person: person, InBytes: 300, MaxTokens: tokens, Time: time.Second, Price: model.Price{In: 3, Out: 15, Currency: "EUR"}}
}

func spent(err error) bool {
	e, ok := errors.AsType[*model.Error](err)
	return ok && e.Kind == model.Spent && e.Fault().Kind == fault.Limited
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
		fits   int // calls of 100 + 100 tokens, a second, 1800 millionths
	}{
		{"none", Limits{}, 20},
		{"calls", Limits{Person: Limit{Calls: 3}}, 3},
		{"tokens", Limits{Person: Limit{Tokens: 850}}, 4},
		{"time", Limits{All: Limit{Time: 2500 * time.Millisecond}}, 2},
		{"money", Limits{All: Limit{Money: 0.0091}, Currency: "EUR"}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := New(fresh(), tt.limits, at(noon))
			for n := range 20 {
				_, err := b.Reserve(t.Context(), call("ann", 100))
				if fits := n < tt.fits; fits != (err == nil) || !fits && !spent(err) {
					t.Fatalf("call %d: %v", n+1, err)
				}
			}
		})
	}
}

// One person's budget is not another's, and tomorrow is another day.
func TestPersonsAndDays(t *testing.T) {
	now := at(noon)
	b := New(fresh(), Limits{Person: Limit{Calls: 1}, All: Limit{Calls: 2}}, func() time.Time { return now() })
	hold, err := b.Reserve(t.Context(), call("ann", 10))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reserve(t.Context(), call("ann", 10)); !spent(err) {
		t.Error(err)
	}
	if _, err := b.Reserve(t.Context(), call("bob", 10)); err != nil {
		t.Error(err)
	}
	if _, err := b.Reserve(t.Context(), call("eve", 10)); !spent(err) {
		t.Error(err)
	}
	now = at("2026-11-28T00:00:01Z")
	if _, err := b.Reserve(t.Context(), call("ann", 10)); err != nil {
		t.Error(err)
	}
	// It is settled on the day that it was taken from.
	if _, err := hold.Settle(t.Context(), Used{Unsent: true}); err != nil {
		t.Error(err)
	}
	if s, _ := b.State(t.Context(), "ann"); s.Person.Calls != 1 || s.Day != "2026-11-28" {
		t.Errorf("%+v", s)
	}
	now = at(noon)
	if s, _ := b.State(t.Context(), "ann"); s.Person != (Sum{}) || s.All.Calls != 1 {
		t.Errorf("%+v", s)
	}
	if _, err := hold.Settle(t.Context(), Used{}); err == nil {
		t.Error("a hold was settled twice")
	}
}

// What an endpoint counts is believed as far as the bytes allow it.
func TestLies(t *testing.T) {
	for _, tt := range []struct {
		name string
		used Used
		want int64
	}{
		{"told", Used{Told: model.Usage{In: 90, Out: 40}, OutBytes: 120}, 130},
		{"not-told", Used{OutBytes: 120}, 100 + 40},
		{"too-few", Used{Told: model.Usage{In: 1, Out: 1}, OutBytes: 1600}, 300/16 + 100},
		{"too-many", Used{Told: model.Usage{In: 1 << 30, Out: 1 << 30}, OutBytes: 120}, 364 + 200},
		{"thought", Used{Told: model.Usage{In: 90, Out: 199}, OutBytes: 10}, 90 + 199},
		{"unsent", Used{Unsent: true, Told: model.Usage{In: 5}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := New(fresh(), Limits{}, at(noon))
			hold, err := b.Reserve(t.Context(), call("ann", 200))
			if err != nil {
				t.Fatal(err)
			}
			cost, err := hold.Settle(t.Context(), tt.used)
			if err != nil || cost.Tokens != tt.want {
				t.Errorf("%+v, %v", cost, err)
			}
			if s, _ := b.State(t.Context(), "ann"); s.Person != cost || s.All != cost {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	b := New(fresh(), Limits{All: Limit{Money: 1}, Currency: "EUR"}, at(noon))
	for _, p := range []model.Price{{In: -1}, {In: math.NaN()}, {Out: math.Inf(1)}, {In: 1e9}, {In: 1, Currency: "USD"}} {
		c := call("ann", 1)
		c.Price = p
		if _, err := b.Reserve(t.Context(), c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
	c := call("ann", 1)
	c.Price = model.Price{}
	if _, err := b.Reserve(t.Context(), c); err != nil {
		t.Errorf("what costs nothing: %v", err)
	}
}

// What cannot be written down is not spent, and not sent.
func TestDisk(t *testing.T) {
	k := fresh()
	b := New(k, Limits{Person: Limit{Calls: 5}}, at(noon))
	k.fail = true
	if _, err := b.Reserve(t.Context(), call("ann", 10)); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	k.fail = false
	hold, err := b.Reserve(t.Context(), call("ann", 10))
	if err != nil {
		t.Fatal(err)
	}
	k.fail = true
	if _, err := hold.Settle(t.Context(), Used{Unsent: true}); err == nil {
		t.Error("it was settled without being written down")
	}
	if s, _ := b.State(t.Context(), "ann"); s.Person.Calls != 1 {
		t.Errorf("%+v", s)
	}
	k.docs[kind+"2026-11-27"] = []byte("{")
	if _, err := New(k, Limits{}, at(noon)).Reserve(t.Context(), call("ann", 1)); err == nil {
		t.Error("a broken book was taken for an empty one")
	}
}

// Calls at the same time do not pass a budget together, and a book that is
// opened again says the same.
func TestTogether(t *testing.T) {
	records, err := sqlite.Open(filepath.Join(t.TempDir(), "r.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	limits := Limits{All: Limit{Calls: 7}}
	b := New(records, limits, at(noon))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var holds []*Hold
	for range 20 {
		wg.Go(func() {
			hold, err := b.Reserve(context.Background(), call("ann", 10))
			if err != nil && !spent(err) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				holds = append(holds, hold)
			}
		})
	}
	wg.Wait()
	if len(holds) != 7 {
		t.Errorf("%d calls passed a budget of 7", len(holds))
	}
	if _, err := holds[0].Settle(t.Context(), Used{Unsent: true}); err != nil {
		t.Error(err)
	}
	one, _ := b.State(t.Context(), "ann")
	two, err := New(records, limits, at(noon)).State(t.Context(), "ann")
	if diff := cmp.Diff(one, two); diff != "" || err != nil || one.All.Calls != 6 {
		t.Errorf("%v, %+v\n%s", err, one, diff)
	}
}

// Whatever is reserved and settled, no budget is passed by what is held, and
// all is the sum of the persons.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Person: Limit{Tokens: 5000, Calls: 20}, All: Limit{Tokens: 9000}}
		b := New(fresh(), limits, at(noon))
		people := []string{"ann", "bob", "eve"}
		var holds []*Hold
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(holds) > 0 && rapid.Bool().Draw(t, "settle") {
				u := Used{Told: model.Usage{In: rapid.IntRange(0, 1<<30).Draw(t, "in"), Out: rapid.IntRange(0, 1<<30).Draw(t, "out")}, OutBytes: rapid.IntRange(0, 3000).Draw(t, "bytes"), Unsent: rapid.Bool().Draw(t, "unsent")}
				if _, err := holds[0].Settle(context.Background(), u); err != nil {
					t.Fatal(err)
				}
				holds = holds[1:]
			} else {
				c := call(rapid.SampledFrom(people).Draw(t, "person"), rapid.IntRange(0, 2000).Draw(t, "tokens"))
				before, _ := b.State(context.Background(), c.Person)
				hold, err := b.Reserve(context.Background(), c)
				if err != nil && !spent(err) {
					t.Fatal(err)
				}
				if err == nil {
					holds = append(holds, hold)
					if s, _ := b.State(context.Background(), c.Person); s.Person.Tokens > 5000 || s.All.Tokens > 9000 || s.Person.Calls > 20 || s.All.Tokens < before.All.Tokens {
						t.Fatalf("%+v", s)
					}
				}
			}
			var sum Sum
			var all Sum
			for _, p := range people {
				s, _ := b.State(context.Background(), p)
				sum, all = sum.add(s.Person, 1), s.All
			}
			if sum != all || all.Tokens < 0 || all.Micros < 0 {
				t.Fatalf("persons %+v, all %+v", sum, all)
			}
		}
	})
}
