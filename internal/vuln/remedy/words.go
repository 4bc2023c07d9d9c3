package remedy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/vuln/reach"
)

// word says what to do in a sentence.
func (d *doing) word(devices, ids int) string {
	these, those := count(devices, "subject"), count(ids, "vulnerability", "vulnerabilities")
	switch d.kind {
	case Update:
		return fmt.Sprintf("update %s on %s to %s: fixes %s", d.product, these, d.to, those)
	case Component:
		return fmt.Sprintf("ask for firmware with %s %s or later for %s: fixes %s", d.product, d.to, these, those)
	case Advised:
		return fmt.Sprintf("no fixed version is named for %s; the advisory says for %s: %s", d.product, those, d.text)
	case Control:
		return fmt.Sprintf("nothing is offered against %s of %s: let only what %s need reach them", those, d.product, these)
	}
	return fmt.Sprintf("find out which version of %s runs on %s: that settles %s", d.product, these, those)
}

func count(n int, words ...string) string {
	if n == 1 {
		return "1 " + words[0]
	}
	if len(words) > 1 {
		return strconv.Itoa(n) + " " + words[1]
	}
	return strconv.Itoa(n) + " " + words[0] + "s"
}

// maxBreaks bounds what is told of one control.
const maxBreaks = 20

// breaks tells what was seen that a control would stop or has to let through:
// what comes from outside is stopped, what comes from other zones has to be
// allowed by name.
func breaks(all func(yield func(reach.Flow))) []string {
	type from struct {
		zone string
		port int64
	}
	sums := map[from]reach.Flow{}
	all(func(f reach.Flow) {
		if f.Zone == "" {
			return
		}
		at := from{f.Zone, f.Port}
		sum := sums[at]
		sum.Zone, sum.Port = f.Zone, f.Port
		sum.Count += f.Count
		sum.Peers += f.Peers
		if f.Last.After(sum.Last) {
			sum.Last = f.Last
		}
		sums[at] = sum
	})
	list := make([]reach.Flow, 0, len(sums))
	for _, f := range sums {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b reach.Flow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Zone, b.Zone), cmp.Compare(a.Port, b.Port))
	})
	var out []string
	for i := range list[:min(len(list), maxBreaks)] {
		word := "has to stay allowed: "
		if list[i].Zone == reach.Internet {
			word = "would be stopped: "
		}
		out = append(out, word+list[i].String())
	}
	if len(out) == 0 {
		out = append(out, "nothing was seen that reaches them from other zones or from outside")
	}
	return out
}
