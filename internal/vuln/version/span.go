package version

import "strings"

// Span is a stretch of versions. An empty end is open.
type Span struct {
	Low     string `json:"low,omitempty"`
	High    string `json:"high,omitempty"`
	LowOut  bool   `json:"low_out,omitempty"`  // Low itself is outside
	HighOut bool   `json:"high_out,omitempty"` // High itself is outside
}

// Set is a set of versions of one product, as an advisory describes it.
type Set struct {
	Scheme string   `json:"scheme,omitempty"`
	All    bool     `json:"all,omitempty"`
	Spans  []Span   `json:"spans,omitempty"`
	Exact  []string `json:"exact,omitempty"`
	Except []string `json:"except,omitempty"`
	// Unread is what the description says besides, in words that are not
	// understood: a condition such as "with Ethernet interface". What lies inside
	// is then not sure.
	Unread string `json:"unread,omitempty"`
	// Unsaid: the advisory names no version, which is not the same as all.
	Unsaid bool `json:"unsaid,omitempty"`
}

// Place says where a version lies.
type Place uint8

// The places. NotSure is the zero value.
const (
	NotSure  Place = iota
	Inside         // in the set
	Above          // after the last span
	Below          // before the first span
	Between        // between two spans
	Unlisted       // the set lists single versions and this is none of them
)

// Locate tells where a version lies; why says what an unsure answer hangs on.
func (s *Set) Locate(v string) (at Place, why string) {
	v = strings.TrimSpace(v)
	switch {
	case s.Unsaid:
		return NotSure, "the source names no version"
	case s.All && s.Unread != "":
		return NotSure, "only under a condition: " + s.Unread
	case s.All && len(s.Except) == 0:
		return Inside, ""
	case v == "":
		return NotSure, "the version of the device is not known"
	}
	at, why = s.find(v)
	if at == Inside && s.Unread != "" {
		return NotSure, "only under a condition: " + s.Unread
	}
	return at, why
}

func (s *Set) find(v string) (Place, string) {
	for _, e := range s.Except {
		if Compare(s.Scheme, v, e) == Equal {
			return Unlisted, ""
		}
	}
	if s.All {
		return Inside, ""
	}
	for _, e := range s.Exact {
		if Compare(s.Scheme, v, e) == Equal {
			return Inside, ""
		}
	}
	above, below, why := false, false, ""
	for _, sp := range s.Spans {
		switch at, reason := sp.locate(s.Scheme, v); at {
		case Inside:
			return Inside, ""
		case Above:
			above = true
		case Below:
			below = true
		default:
			why = reason
		}
	}
	switch {
	case why != "":
		return NotSure, why
	case above && below:
		return Between, ""
	case above:
		return Above, ""
	case below:
		return Below, ""
	}
	return Unlisted, ""
}

// locate tells where a version lies beside one span. Where one end is not
// comparable, the other may still tell.
func (sp Span) locate(scheme, v string) (Place, string) {
	unsure := ""
	if sp.High != "" {
		switch o := beside(scheme, v, sp.High); {
		case o == Greater || o == Equal && sp.HighOut:
			return Above, ""
		case o == Unknown:
			unsure = sp.High
		}
	}
	if sp.Low != "" {
		switch o := beside(scheme, v, sp.Low); {
		case o == Less || o == Equal && sp.LowOut:
			return Below, ""
		case o == Unknown:
			unsure = sp.Low
		}
	}
	if unsure != "" {
		return NotSure, "the order of " + quoted(v) + " and " + quoted(unsure) + " is not sure"
	}
	return Inside, ""
}

// beside orders a device's version and a bound. A device may write a version of
// semver's scheme in a way that is none.
func beside(scheme, v, bound string) Order {
	o := Compare(scheme, v, bound)
	if o == Unknown && scheme == Semver {
		o = Compare(Generic, v, bound)
	}
	return o
}

func quoted(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return `"` + s + `"`
}

// String words the set.
func (s *Set) String() string {
	if len(s.Spans) == 1 && !s.Unsaid && !s.All && len(s.Exact) == 0 && s.Unread == "" {
		return s.Spans[0].String()
	}
	var parts []string
	switch {
	case s.Unsaid:
		return "no version named"
	case s.All:
		parts = append(parts, "all versions")
	}
	for _, sp := range s.Spans {
		parts = append(parts, sp.String())
	}
	parts = append(parts, s.Exact...)
	text := strings.Join(parts, " or ")
	if s.Unread != "" {
		text += " (" + s.Unread + ")"
	}
	return text
}

// String words the span.
func (sp Span) String() string {
	low, high := ">= ", "<= "
	if sp.LowOut {
		low = "> "
	}
	if sp.HighOut {
		high = "< "
	}
	switch {
	case sp.Low == "" && sp.High == "":
		return ""
	case sp.High == "":
		return low + sp.Low
	case sp.Low == "":
		return high + sp.High
	}
	return low + sp.Low + " " + high + sp.High
}
