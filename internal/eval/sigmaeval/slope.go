package sigmaeval

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/event"
)

// SlopePoint is what an event costs with so many rules, in nanoseconds of
// processor time.
type SlopePoint struct {
	Rules int `json:"rules"` // 0: finding out that there are none for the event
	// Made is how many of the rules are variations of others, see vary.
	Made int `json:"made"`
	// Repeats is with the recording shown again and again, so that most values
	// were met before; FirstPass is with nothing known and the recording shown
	// once, in its order; NoRepeats is as if no value ever came twice.
	Repeats   float64 `json:"ns_per_event"`
	FirstPass float64 `json:"ns_per_event_first_pass"`
	NoRepeats float64 `json:"ns_per_event_if_no_value_repeats"`
	Matcher   int     `json:"matcher_bytes"`
}

// copies is how many variations of each rule there are in the largest set.
const copies = 9

// sets compiles no rules, about 314, 1 000 and 3 141, and ten times as many.
func sets(loaded *rulefile.Loaded) ([]*sigma.Set, []int, error) {
	var out []*sigma.Set
	for _, parts := range []int{0, 1, 3, 10} {
		set, _, err := compile(loaded, func(d *sigma.Document) bool { return mainRules(d) && tenthOf(d.ID) < parts })
		if err != nil {
			return nil, nil, err
		}
		out = append(out, set)
	}
	more := *loaded
	for i := range loaded.Docs {
		if d := &loaded.Docs[i]; mainRules(d) && d.Kind == rule.Detection {
			for n := range copies {
				more.Docs = append(more.Docs, vary(d, n+1))
			}
		}
	}
	set, _, err := compile(&more, mainRules)
	if err != nil {
		return nil, nil, err
	}
	return append(out, set), []int{0, 0, 0, 0, set.Len() - out[3].Len()}, nil
}

// slope measures all sets in turns on the same events.
func (rep *SpeedReport) slope(all []*sigma.Set, made []int, events []*event.Event, opts SpeedOptions) {
	w := &walk{events: events}
	repeats, first, none := make([][]float64, len(all)), make([][]float64, len(all)), make([][]float64, len(all))
	for range opts.Runs {
		for i, set := range all {
			var sc sigma.Scratch
			repeats[i] = append(repeats[i], 1e9/w.rate(opts.Time, func(e *event.Event) { set.Match(e, &sc, ignore) }))
			none[i] = append(none[i], 1e9/w.rate(opts.Time, func(e *event.Event) {
				sc.Forget()
				set.Match(e, &sc, ignore)
			}))
			first[i] = append(first[i], firstPass(set, events))
		}
	}
	var steps []float64
	for run, most := range repeats[len(all)-1] {
		steps = append(steps, most/repeats[len(all)-2][run])
	}
	rep.Steps = median(steps)
	for i, set := range all {
		rep.Slope = append(rep.Slope, SlopePoint{
			Rules: set.Len(), Made: made[i], Matcher: set.Size(),
			Repeats: median(repeats[i]), FirstPass: median(first[i]), NoRepeats: median(none[i]),
		})
	}
}

// firstPass shows events once, in their order, to a set that met none before.
func firstPass(set *sigma.Set, events []*event.Event) float64 {
	if len(events) == 0 {
		return 0
	}
	var sc sigma.Scratch
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	started := clock()
	for _, e := range events {
		set.Match(e, &sc, ignore)
	}
	return float64(clock()-started) / float64(len(events))
}

// vary makes a rule of the same kind that looks for other texts: in each text
// that is long enough one to three letters are others. Numbers, short texts,
// regular expressions and addresses stay, so that a variation is looked at
// about as often as its original and hardly ever holds.
func vary(d *sigma.Document, n int) sigma.Document {
	out := *d
	out.ID = fmt.Sprintf("%s-%d", d.ID, n)
	out.Name = ""
	out.Expr = varied(d.Expr, n)
	return out
}

func varied(x *rule.Expr, n int) *rule.Expr {
	out := *x
	out.Kids = make([]*rule.Expr, len(x.Kids))
	for i, kid := range x.Kids {
		out.Kids[i] = varied(kid, n)
	}
	if x.Test != nil && x.Test.Op == rule.Matches {
		test := *x.Test
		test.Text = slices.Clone(test.Text)
		for i := range test.Text {
			if test.Text[i].Kind == rule.Literal {
				test.Text[i].Lit = otherText(test.Text[i].Lit, n)
			}
		}
		out.Test = &test
	}
	return &out
}

// shortest is the shortest text that is varied.
const shortest = 6

func otherText(s string, n int) string {
	if len(s) < shortest {
		return s
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, s, n)
	seed := h.Sum64()
	b := []byte(s)
	for range 1 + len(s)/16 {
		at, letter := int(seed%uint64(len(b))), "etaoinsrhldcumpk"[seed>>32%16] //nolint:gosec // G115: less than a length
		seed = seed*0x9e3779b97f4a7c15 + 1
		for range b { // the next letter from there on
			if c := b[at]; 'a' <= c|0x20 && c|0x20 <= 'z' {
				if c|0x20 == letter {
					letter = 'q'
				}
				b[at] = letter
				break
			}
			at = (at + 1) % len(b)
		}
	}
	return string(b)
}
