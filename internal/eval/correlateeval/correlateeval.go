// Package correlateeval measures how findings become incidents: on recorded
// alerts whose incidents are known, on recorded alerts that should fold, and on
// made-up worst cases.
//
// It must not know an answer of a data set: all it gives to package correlate
// are findings, in the form in which detection raises them.
package correlateeval

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"vedette/internal/correlate"
	"vedette/internal/event"
)

// Report is all that is measured. Parts whose data is not there say why.
type Report struct {
	Excytin   []Joining `json:"excytin,omitempty"`
	Hub       []Joining `json:"hub"`
	EVE       *Folding  `json:"suricata_eve,omitempty"`
	Worst     []Worst   `json:"worst"`
	Skipped   []string  `json:"skipped,omitempty"`
	HalfLife  string    `json:"half_life"`
	Technique int       `json:"techniques"`
}

// Run measures everything. dir is the folder of public test data; millions
// scales the made-up flood (1: a million findings).
func Run(dir string, techniques *correlate.Techniques, millions float64) (Report, error) {
	r := Report{HalfLife: correlate.DefaultHalfLife.String(), Technique: techniques.Len()}
	if alerts, err := Excytin(dir); err != nil {
		r.Skipped = append(r.Skipped, err.Error())
	} else {
		r.Excytin = JoinAll(alerts, techniques)
	}
	if found, err := EVE(dir); err != nil {
		r.Skipped = append(r.Skipped, err.Error())
	} else {
		f := Fold(found, techniques)
		r.EVE = &f
	}
	r.Hub = AroundHub(techniques)
	r.Worst = WorstCases(techniques, millions)
	return r, nil
}

// Labelled is a finding whose incident is known.
type Labelled struct {
	Finding  event.Finding
	Incident string
	Hosts    []string // that it names, for the plain rule that we compare with
}

// Joining is how well incidents were found again.
type Joining struct {
	Set       string   `json:"set"`    // which incidents were mixed
	Tuned     bool     `json:"tuned"`  // constants were chosen looking at it
	Method    string   `json:"method"` // ours, or what it is compared with
	Findings  int      `json:"findings"`
	True      int      `json:"true_incidents"`
	Found     int      `json:"found_incidents"`
	Precision float64  `json:"pair_precision"`
	Recall    float64  `json:"pair_recall"`
	F1        float64  `json:"pair_f1"`
	BPrec     float64  `json:"b3_precision"`
	BRecall   float64  `json:"b3_recall"`
	BF1       float64  `json:"b3_f1"`
	Titles    []string `json:"titles,omitempty"`
}

// mixes are the incidents that are mixed.
var mixes = []struct {
	name  string
	tuned bool
	of    []string
}{
	{"34+38", true, []string{"34", "38"}},
	{"5 alone (held out)", false, []string{"5"}},
	{"5+34+38, all mixed", false, []string{"5", "34", "38"}},
}

// JoinAll runs the mixes: the two incidents that constants were chosen on, the
// one held back, and all.
func JoinAll(alerts []Labelled, t *correlate.Techniques) []Joining {
	var out []Joining
	for _, mix := range mixes {
		var some []Labelled
		for _, a := range alerts {
			if slices.Contains(mix.of, a.Incident) {
				some = append(some, a)
			}
		}
		slices.SortStableFunc(some, func(a, b Labelled) int { return a.Finding.Time.Compare(b.Finding.Time) })
		out = append(out, joinings(mix.name, mix.tuned, some, t)...)
	}
	return out
}

// joinings compares ours with plain rules on one set.
func joinings(set string, tuned bool, some []Labelled, t *correlate.Techniques) []Joining {
	ours, titles := byUs(some, t)
	var out []Joining
	for _, m := range []struct {
		method string
		found  []string
	}{
		{"vedette", ours},
		{"same host within 24 h", byHost(some)},
		{"any shared entity within 24 h", byEntity(some)},
		{"each alone", alone(some)},
		{"all in one", make([]string, len(some))},
	} {
		j := Compare(some, m.found)
		j.Set, j.Tuned, j.Method = set, tuned, m.method
		if m.method == "vedette" {
			j.Titles = titles[:min(len(titles), 5)]
		}
		out = append(out, j)
	}
	return out
}

// AroundHub is the opposite of one big incident: 300 devices, each attacked by a
// source of its own, that all have findings towards one server. Made up, and
// constants were chosen looking at it.
func AroundHub(t *correlate.Techniques) []Joining {
	var some []Labelled
	for i := range 1500 {
		f := hub(i)
		f.UID, f.Count, f.Family, f.First = "hub"+strconv.Itoa(i), 1, event.FamilySigma, f.Time
		l := Labelled{Finding: f, Incident: strconv.Itoa(i % 300), Hosts: []string{f.Src.UID, f.Dst.UID}}
		l.Hosts = slices.DeleteFunc(l.Hosts, func(h string) bool { return h == "" })
		some = append(some, l)
	}
	return joinings("300 devices that share a server (made up)", true, some, t)
}

// byUs adds the findings and returns where each is in the end.
func byUs(some []Labelled, t *correlate.Techniques) (found, titles []string) {
	c := correlate.New(correlate.Config{Techniques: t}, time.Now)
	for _, a := range some {
		found = append(found, c.Add(a.Finding))
	}
	for i := range found {
		in, _ := c.Get(found[i])
		found[i] = in.UID
	}
	for _, in := range c.Incidents() {
		titles = append(titles, in.Level+": "+in.Title)
	}
	return found, titles
}

func alone(some []Labelled) []string {
	out := make([]string, len(some))
	for i := range some {
		out[i] = some[i].Finding.UID
	}
	return out
}

// byHost joins findings that name the same host within a day: the plain rule
// that many products use.
func byHost(some []Labelled) []string {
	return within(some, func(a, b Labelled) bool {
		return slices.ContainsFunc(a.Hosts, func(h string) bool { return slices.Contains(b.Hosts, h) })
	})
}

// byEntity joins findings that share anything at all within a day.
func byEntity(some []Labelled) []string {
	return within(some, func(a, b Labelled) bool {
		return slices.ContainsFunc(a.Hosts, func(h string) bool { return slices.Contains(b.Hosts, h) }) ||
			slices.ContainsFunc(a.Finding.Entities, func(o event.Observable) bool { return slices.Contains(b.Finding.Entities, o) })
	})
}

// within joins what is alike within a day, and what that is alike to.
func within(some []Labelled, alike func(a, b Labelled) bool) []string {
	group := make([]int, len(some))
	for i := range group {
		group[i] = i
	}
	for i := range some {
		for j := range i {
			near := some[i].Finding.Time.Sub(some[j].Finding.Time).Abs() <= 24*time.Hour
			if near && group[i] != group[j] && alike(some[i], some[j]) {
				from, to := group[i], group[j]
				for k := range group {
					if group[k] == from {
						group[k] = to
					}
				}
			}
		}
	}
	out := make([]string, len(some))
	for i := range some {
		out[i] = some[group[i]].Finding.UID
	}
	return out
}

// Compare scores groups against the true incidents: over pairs of findings, and
// B-cubed (over findings).
func Compare(some []Labelled, found []string) Joining {
	j := Joining{Findings: len(some)}
	truth, groups := map[string]int{}, map[string]int{}
	both := map[[2]string]int{}
	for i := range some {
		truth[some[i].Incident]++
		groups[found[i]]++
		both[[2]string{some[i].Incident, found[i]}]++
	}
	j.True, j.Found = len(truth), len(groups)
	pairs := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
	var right, inTruth, inGroups float64
	for _, n := range both {
		right += pairs(n)
	}
	for _, n := range truth {
		inTruth += pairs(n)
	}
	for _, n := range groups {
		inGroups += pairs(n)
	}
	j.Precision, j.Recall = share(right, inGroups), share(right, inTruth)
	for i := range some {
		n := float64(both[[2]string{some[i].Incident, found[i]}])
		j.BPrec += n / float64(groups[found[i]])
		j.BRecall += n / float64(truth[some[i].Incident])
	}
	j.BPrec, j.BRecall = j.BPrec/float64(len(some)), j.BRecall/float64(len(some))
	j.F1, j.BF1 = f1(j.Precision, j.Recall), f1(j.BPrec, j.BRecall)
	return j
}

// share is 1 when there is nothing to be right or wrong about.
func share(of, all float64) float64 {
	if all == 0 {
		return 1
	}
	return of / all
}

func f1(p, r float64) float64 {
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

// Folding is what alerts become.
type Folding struct {
	Alerts    int            `json:"alerts"`
	Rules     int            `json:"rules"`
	Sources   int            `json:"sources"`
	Targets   int            `json:"targets"`
	Incidents int            `json:"incidents"`
	Reduction float64        `json:"reduction"` // alerts for each incident
	Largest   []Folded       `json:"largest"`
	ByLevel   map[string]int `json:"by_level"`
}

// Folded is one incident.
type Folded struct {
	Title    string `json:"title"`
	Level    string `json:"level"`
	Findings int64  `json:"findings"`
}

// Fold adds findings in the order given and tells what became of them.
func Fold(found []event.Finding, t *correlate.Techniques) Folding {
	c := correlate.New(correlate.Config{Techniques: t}, time.Now)
	rules, sources, targets := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range found {
		c.Add(f)
		rules[f.Rule], sources[f.Src.IP], targets[f.Dst.IP] = true, true, true
	}
	all := c.Incidents()
	out := Folding{Alerts: len(found), Rules: len(rules), Sources: len(sources), Targets: len(targets), Incidents: len(all), ByLevel: map[string]int{}}
	out.Reduction = float64(len(found)) / float64(max(len(all), 1))
	slices.SortStableFunc(all, func(a, b correlate.Incident) int { return cmp.Compare(b.Findings.Count, a.Findings.Count) })
	for i, in := range all {
		out.ByLevel[in.Level]++
		if i < 10 {
			out.Largest = append(out.Largest, Folded{in.Title, in.Level, in.Findings.Count})
		}
	}
	return out
}
