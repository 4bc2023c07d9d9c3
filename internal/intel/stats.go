package intel

// Stats tells what a set holds and what it takes.
type Stats struct {
	Indicators int            `json:"indicators"`
	Types      map[string]int `json:"types"`
	Records    int            `json:"records"` // different sides: source, family, confidence, dates
	Bytes      int            `json:"bytes"`   // of the look-up structures
	Filter     int            `json:"filter_bytes"`
	Allowed    int            `json:"allowed"` // entries of the allow-list
}

// Stats counts the set.
func (s *Set) Stats() Stats {
	out := Stats{Types: map[string]int{}, Records: len(s.records), Filter: 8 * len(s.filter.words)}
	for t, n := range s.counts {
		if n > 0 {
			out.Types[Type(t).String()] = n
			out.Indicators += n
		}
	}
	out.Bytes = out.Filter + s.exact.bytes() + s.v4.bytes() + s.nets.bytes() + recordBytes*cap(s.records)
	for _, w := range s.words {
		out.Bytes += len(w) + 16
	}
	if s.allow != nil {
		out.Allowed = s.allow.Stats().Indicators
	}
	return out
}
