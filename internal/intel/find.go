package intel

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Find looks up a value as a person writes it; the error is a [Problem].
func (s *Set) Find(text string, at time.Time) ([]Hit, error) {
	t, value, err := Parse(text)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	add := func(h Hit, ok bool) {
		if ok {
			hits = append(hits, h)
		}
	}
	switch t {
	case IP:
		a := netip.MustParseAddr(value)
		add(s.IP(a, at))
		if a.Is6() {
			value = "[" + value + "]"
		}
		add(s.URL(value, 0, "", at))
	case Endpoint:
		ap := netip.MustParseAddrPort(value)
		add(s.Endpoint(ap.Addr(), int64(ap.Port()), at))
		add(s.IP(ap.Addr(), at))
		s.asURL(text, at, add)
	case Subnet:
		add(s.IP(netip.MustParsePrefix(value).Addr(), at))
		s.asURL(text, at, add)
	case Domain:
		add(s.Domain(value, at))
		add(s.URL(value, 0, "", at))
	case URL:
		s.findURL(value, at, add)
	case MD5:
		add(s.Text(MD5, value, at))
		add(s.Text(JA3, value, at)) // they look alike
	case Path:
		add(s.Path(value, at))
	default:
		add(s.Text(t, value, at))
	}
	return hits, nil
}

// asURL looks a text up that is a subnet or an endpoint and, the scheme left
// out, may as well be a URL: 203.0.113.7/24 or 203.0.113.7:80.
func (s *Set) asURL(text string, at time.Time, add func(Hit, bool)) {
	if _, value, err := ParseAs(URL, text); err == nil {
		host, path := cutHost(value)
		add(s.URL(host, 0, path, at))
	}
}

func (s *Set) findURL(value string, at time.Time, add func(Hit, bool)) {
	host, path := cutHost(value)
	add(s.URL(host, 0, path, at))
	add(s.Path(path, at))
	name, _ := splitPort(host)
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		add(s.IP(a, at))
	} else {
		add(s.Domain(name, at))
	}
}

func cutHost(value string) (host, path string) {
	if cut := strings.IndexByte(value, '/'); cut >= 0 {
		return value[:cut], value[cut:]
	}
	return value, ""
}

// Mark tells how the feeds in force mark an indicator, a value in its normal form;
// Unmarked when none has it.
func (s *Set) Mark(t Type, value string, at time.Time) TLP {
	hits, err := s.Find(value, at)
	if err != nil {
		return Unmarked
	}
	mark := Unmarked
	for _, h := range hits {
		if h.Type == t {
			mark = max(mark, h.TLP)
		}
	}
	return mark
}

// Use is what a source says that a technique is used by.
type Use struct {
	Source   string `json:"source"`
	Family   string `json:"family,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Actor    string `json:"actor,omitempty"`
}

// maxUses bounds what is told of one technique.
const maxUses = 200

// Uses tells what stands behind indicators that are joined with a technique, by its
// id, or one below it.
func (s *Set) Uses(id string) []Use {
	var out []Use
	seen := map[Use]bool{}
	for i := range s.records {
		r := &s.records[i]
		text := s.words[r.family]
		if !strings.Contains(text, id) {
			continue
		}
		var in Indicator
		in.Unpack(text)
		named := slices.ContainsFunc(strings.Split(in.Techniques, ", "), func(t string) bool { return t == id || strings.HasPrefix(t, id+".") })
		u := Use{s.words[r.source], in.Family, in.Campaign, in.Actor}
		if named && !seen[u] && len(out) < maxUses {
			seen[u] = true
			out = append(out, u)
		}
	}
	return out
}
