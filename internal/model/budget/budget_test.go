package budget

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

func call(person string, tokens int) Spend {
	return Spend{Person: person, Endpoint: "e", TokensIn: 100, TokensOut: tokens, Time: time.Second, Money: 0.0003 + 0.000015*float64(tokens), Currency: "EUR"}
}

func book(k Records, now func() time.Time, limits ...Limit) *Book {
	return New(k, limits, now, slog.New(slog.DiscardHandler))
}

func spent(err error) bool {
	e, ok := errors.AsType[*model.Error](err)
	return ok && e.Kind == model.Spent && e.Fault().Kind == fault.Limited
}

// used is what the first budget that fits a person counts.
func used(t interface{ Fatal(...any) }, b *Book, person string) Sum {
	list, err := b.Standings(context.Background(), person)
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return list[0].Used
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits []Limit
		fits   int // calls of 100 + 100 tokens, a second, 1800 millionths
	}{
		{"none", nil, 20},
		{"calls", []Limit{{Person: Each, Calls: 3}}, 3},
		{"tokens", []Limit{{Person: "ann", Tokens: 850}}, 4},
		{"time", []Limit{{Time: 2500 * time.Millisecond}}, 2},
		{"money", []Limit{{Money: 0.0091, Currency: "EUR"}}, 5},
		{"the-least", []Limit{{Calls: 9}, {Endpoint: "e", Calls: 2}, {Endpoint: "other", Calls: 1}, {Person: "bob", Calls: 1}}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := book(fresh(), at(noon), tt.limits...)
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
	b := book(fresh(), func() time.Time { return now() }, Limit{Person: Each, Calls: 1}, Limit{Calls: 2})
	settle, err := b.Reserve(t.Context(), call("ann", 10))
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
	// It is settled on the day that it was taken from, and once.
	settle(Spend{})
	settle(Spend{})
	if got := used(t, b, "ann"); got.Calls != 1 {
		t.Errorf("%+v", got)
	}
	now = at(noon)
	if got := used(t, b, "ann"); got != (Sum{}) {
		t.Errorf("%+v", got)
	}
	if got := used(t, b, "bob"); got.Calls != 1 {
		t.Errorf("%+v", got)
	}
}

// What an endpoint counts is believed as far as the size of the call allows it.
func TestLies(t *testing.T) {
	const rate = 1e-6
	for _, tt := range []struct {
		name        string
		in, out, by int
		want        int64
	}{
		{"told", 90, 40, 120, 130},
		{"too-few", 1, 1, 1600, 100/6 + 100},
		{"too-many", 1 << 30, 1 << 30, 120, 364 + 200},
		{"thought", 90, 199, 10, 90 + 199},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := book(fresh(), at(noon), Limit{Currency: "EUR"})
			most := call("ann", 200)
			most.Money = rate * 300
			settle, err := b.Reserve(t.Context(), most)
			if err != nil {
				t.Fatal(err)
			}
			settle(Spend{TokensIn: tt.in, TokensOut: tt.out, OutBytes: tt.by, Time: time.Second, Money: rate * float64(tt.in+tt.out)})
			got := used(t, b, "ann")
			if got.Tokens != tt.want || got.Calls != 1 || got.Millis != 1000 || got.Micros < tt.want || got.Micros > tt.want+1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	b := book(fresh(), at(noon), Limit{Name: "all", Money: 1, Currency: "EUR"})
	for _, change := range []func(s *Spend){
		func(s *Spend) { s.Money = -1 }, func(s *Spend) { s.Money = math.NaN() }, func(s *Spend) { s.Money = math.Inf(1) },
		func(s *Spend) { s.Currency = "USD" }, func(s *Spend) { s.TokensIn = -1 }, func(s *Spend) { s.Time = -1 },
	} {
		s := call("ann", 1)
		change(&s)
		if _, err := b.Reserve(t.Context(), s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
	s := call("ann", 1)
	s.Money, s.Currency = 0, ""
	if _, err := b.Reserve(t.Context(), s); err != nil {
		t.Errorf("what costs nothing: %v", err)
	}
}

// What cannot be written down is not spent, and not sent.
func TestDisk(t *testing.T) {
	k := fresh()
	b := book(k, at(noon), Limit{Calls: 5})
	k.fail = true
	if _, err := b.Reserve(t.Context(), call("ann", 10)); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	k.fail = false
	settle, err := b.Reserve(t.Context(), call("ann", 10))
	if err != nil {
		t.Fatal(err)
	}
	k.fail = true
	settle(Spend{})
	if got := used(t, b, "ann"); got.Calls != 1 {
		t.Errorf("%+v", got)
	}
	k.docs[kind+"2026-11-27"] = []byte("{")
	if _, err := book(k, at(noon)).Reserve(t.Context(), call("ann", 1)); err == nil {
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
	limit := Limit{Calls: 7}
	b := book(records, at(noon), limit)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var holds []func(Spend)
	for range 20 {
		wg.Go(func() {
			settle, err := b.Reserve(context.Background(), call("ann", 10))
			if err != nil && !spent(err) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				holds = append(holds, settle)
			}
		})
	}
	wg.Wait()
	if len(holds) != 7 {
		t.Fatalf("%d calls passed a budget of 7", len(holds))
	}
	holds[0](Spend{})
	one, two := used(t, b, "ann"), used(t, book(records, at(noon), limit), "ann")
	if one != two || one.Calls != 6 {
		t.Errorf("%+v, opened again %+v", one, two)
	}
}

// Whatever is reserved and settled, a budget that was kept is not passed by a
// new call, and that of all is the sum of the persons.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := book(fresh(), at(noon), Limit{Person: Each, Tokens: 5000, Calls: 20}, Limit{Tokens: 9000})
		people := []string{"ann", "bob", "eve"}
		var holds []func(Spend)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(holds) > 0 && rapid.Bool().Draw(t, "settle") {
				holds[0](Spend{
					TokensIn: rapid.IntRange(0, 1<<30).Draw(t, "in"), TokensOut: rapid.IntRange(0, 1<<30).Draw(t, "out"), OutBytes: rapid.IntRange(0, 3000).Draw(t, "bytes"),
					Time: time.Duration(rapid.IntRange(0, 2).Draw(t, "time")), Money: rapid.Float64().Draw(t, "money"),
				})
				holds = holds[1:]
			} else {
				s := call(rapid.SampledFrom(people).Draw(t, "person"), rapid.IntRange(0, 2000).Draw(t, "tokens"))
				settle, err := b.Reserve(context.Background(), s)
				if err != nil && !spent(err) {
					t.Fatal(err)
				}
				if err == nil {
					holds = append(holds, settle)
					list, _ := b.Standings(context.Background(), s.Person)
					if list[0].Used.Tokens > 5000 || list[0].Used.Calls > 20 || list[1].Used.Tokens > 9000 {
						t.Fatalf("%+v", list)
					}
				}
			}
			var sum, all Sum
			for _, p := range people {
				list, err := b.Standings(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				sum, all = sum.add(list[0].Used, 1), list[1].Used
			}
			if sum != all || all.Tokens < 0 || all.Calls < 0 {
				t.Fatalf("persons %+v, all %+v", sum, all)
			}
		}
	})
}
