// Package reach says how far a device can be reached: from outside, from other
// zones, or not at all, by what was seen and by what the site's rules allow. Each
// answer has its reasons.
//
// It must not query or decide; who asks hands over flows and ways. That nothing
// was seen proves nothing, so "small" needs a rule that forbids the rest.
package reach

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The exposures, after the system exposure of SSVC. [Unknown] is when nothing
// tells.
const (
	Open       = "open"       // from the internet
	Controlled = "controlled" // from other zones
	Small      = "small"      // from its own zone alone
	Unknown    = ""
)

// Internet stands for what is outside as a zone, and Any for every zone.
const (
	Internet = "internet"
	Any      = "*"
)

// Flow is who was seen addressing a device.
type Flow struct {
	Zone  string // of who began it; [Internet] for outside
	Port  int64  // that was addressed; 0: not told
	Peers int64  // how many addresses did
	Count int64
	Last  time.Time
}

// Way is a conduit: what the rules of the site allow between zones.
type Way struct {
	Name     string
	From, To []string
	BothWays bool
	Deny     bool
}

// Rules are those of a site.
type Rules struct {
	Ways        []Way
	DefaultDeny bool // what no way allows is forbidden
}

// Equal tells whether the rules say the same, in the same order.
func (r *Rules) Equal(o *Rules) bool {
	return r.DefaultDeny == o.DefaultDeny && slices.EqualFunc(r.Ways, o.Ways, func(a, b Way) bool {
		return a.Name == b.Name && slices.Equal(a.From, b.From) && slices.Equal(a.To, b.To) && a.BothWays == b.BothWays && a.Deny == b.Deny
	})
}

// Device is what was asked about.
type Device struct {
	Zone  string
	Flows []Flow // all that were seen
	// Seen: flows of the device's network were recorded at all; without, that none
	// was seen from elsewhere says nothing.
	Seen bool
}

// Answer is how far a device can be reached, and why.
type Answer struct {
	Exposure string
	Why      []string
}

// maxWhy bounds the reasons.
const maxWhy = 6

// Judge says how far a device can be reached.
func Judge(d *Device, rules *Rules) Answer {
	var out, in []string
	flows := slices.Clone(d.Flows)
	slices.SortStableFunc(flows, func(a, b Flow) int { return b.Last.Compare(a.Last) })
	for i := range flows {
		f := &flows[i]
		switch {
		case f.Zone == Internet:
			out = append(out, f.String())
		case f.Zone != "" && !strings.EqualFold(f.Zone, d.Zone):
			in = append(in, f.String())
		}
	}
	for i := range rules.Ways {
		w := &rules.Ways[i]
		switch from := w.into(d.Zone); {
		case from == Internet || from == Any:
			out = append(out, "the conduit "+w.Name+" lets the internet into its zone")
		case from != "":
			in = append(in, "the conduit "+w.Name+" leads from "+from+" into its zone")
		}
	}
	switch {
	case len(out) > 0:
		return answer(Open, out)
	case len(in) > 0:
		return answer(Controlled, in)
	case rules.DefaultDeny && d.Zone != "" && d.Seen:
		return answer(Small, []string{"no conduit leads into its zone, what is not allowed is forbidden, and nothing was seen from elsewhere"})
	}
	return Answer{Unknown, []string{"exposure not known: nothing tells from where it is reached"}}
}

func answer(exposure string, why []string) Answer {
	if len(why) > maxWhy {
		why = append(why[:maxWhy:maxWhy], fmt.Sprintf("and %d more", len(why)-maxWhy))
	}
	for i := range why {
		why[i] = "exposure " + exposure + ": " + why[i]
	}
	return Answer{exposure, why}
}

// into returns from where a way leads into a zone from another one, or "".
func (w *Way) into(zone string) string {
	if w.Deny || zone == "" {
		return ""
	}
	lead := func(from, to []string) string {
		if !slices.ContainsFunc(to, func(z string) bool { return z == Any || strings.EqualFold(z, zone) }) {
			return ""
		}
		best := ""
		for _, z := range from {
			switch {
			case z == Internet || z == Any:
				return z
			case !strings.EqualFold(z, zone):
				best = z
			}
		}
		return best
	}
	if from := lead(w.From, w.To); from != "" || !w.BothWays {
		return from
	}
	return lead(w.To, w.From)
}

// String words a flow.
func (f *Flow) String() string {
	from := "zone " + f.Zone
	if f.Zone == Internet {
		from = "outside"
	}
	text := fmt.Sprintf("seen from %s: %d times by %d addresses", from, f.Count, f.Peers)
	if f.Port > 0 {
		text += fmt.Sprintf(" to port %d", f.Port)
	}
	return text + ", last " + f.Last.UTC().Format("2006-01-02 15:04")
}
