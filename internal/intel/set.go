package intel

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Set is the compiled form of all feeds in force: what an event is looked up
// in. It never changes; a new one takes its place at once. It is safe for
// concurrent use, and a look-up that finds nothing allocates nothing. Times
// are when the event happened: what had ended by then does not match.
type Set struct {
	kinds  uint32 // which types there are
	labels int    // of the deepest domain
	lens6  []uint8
	hash   hasher
	filter filter
	exact  exact
	v4     addresses
	nets   subnets

	records []record
	words   []string
	vouched map[uint32]time.Time // when sources were last taken in
	counts  [numTypes]int
	allow   *Set
}

// Hit is an indicator that was met.
type Hit struct {
	Indicator
	Others  []string `json:"others,omitempty"`  // more sources that name it, at most four
	Stated  int      `json:"stated,omitempty"`  // confidence that the source gave, when it counts less by now
	Allowed string   `json:"allowed,omitempty"` // the entry of the allow-list that covers it; "" if none does
}

const maxOthers = 4

// Empty returns a set without indicators.
func Empty() *Set { return NewBuilder().Build() }

// WithAllow returns a set with the same indicators and another allow-list,
// which wins over them; nil is none.
func (s *Set) WithAllow(allow *Set) *Set {
	c := *s
	c.allow = allow
	return &c
}

func (s *Set) holds(t Type) bool { return s.kinds&(1<<t) != 0 }

// Holds reports whether the set has an indicator of the type.
func (s *Set) Holds(t Type) bool { return s.holds(t) }

// IP looks up an address: itself, then the subnets around it.
func (s *Set) IP(a netip.Addr, at time.Time) (Hit, bool) {
	refs, where := s.ip(a.Unmap(), at)
	if len(refs) == 0 {
		return Hit{}, false
	}
	if where.IsValid() {
		return s.hit(Subnet, where.String(), refs, at, s.allowsIP(a))
	}
	return s.hit(IP, a.Unmap().WithZone("").String(), refs, at, s.allowsIP(a))
}

// ip returns the records of an address, or those of a subnet with its prefix.
func (s *Set) ip(a netip.Addr, at time.Time) ([]uint32, netip.Prefix) {
	if a.Is4() {
		v := asUint32(a)
		if s.holds(IP) && s.filter.has(mix4(v)) {
			if refs := s.v4.find(v); s.inForce(refs, at) {
				return refs, netip.Prefix{}
			}
		}
		for n := s.nets.find(v); n >= 0; n = s.nets.prefixes[n].wider {
			if p := &s.nets.prefixes[n]; s.inForce([]uint32{p.ref}, at) && (p.local || !IsLocal(a)) {
				return []uint32{p.ref}, p.netip()
			}
		}
		return nil, netip.Prefix{}
	}
	if !a.Is6() {
		return nil, netip.Prefix{}
	}
	a = a.WithZone("")
	if s.holds(IP) {
		key := a.As16()
		if refs := s.find(IP, key[:]); s.inForce(refs, at) {
			return refs, netip.Prefix{}
		}
	}
	for _, bits := range slices.Backward(s.lens6) {
		p := netip.PrefixFrom(a, int(bits)).Masked()
		key := subnetKey(p)
		if refs := s.find(Subnet, key[:]); s.inForce(refs, at) {
			return refs, p
		}
	}
	return nil, netip.Prefix{}
}

// Endpoint looks up an address with a port, alone.
func (s *Set) Endpoint(a netip.Addr, port int64, at time.Time) (Hit, bool) {
	if !s.holds(Endpoint) || !a.IsValid() || port <= 0 || port > 65535 {
		return Hit{}, false
	}
	ap := netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(port))
	key := endpointKey(ap)
	refs := s.find(Endpoint, key[:])
	if !s.inForce(refs, at) {
		return Hit{}, false
	}
	allowed := s.allowsIP(a)
	if allowed == "" {
		allowed = s.allowsExact(Endpoint, key[:], ap.String())
	}
	return s.hit(Endpoint, ap.String(), refs, at, allowed)
}

// Domain looks up a name and the names above it: an indicator matches itself
// and all below it. The longest that is listed counts.
func (s *Set) Domain(name string, at time.Time) (Hit, bool) {
	if !s.holds(Domain) {
		return Hit{}, false
	}
	var buf [maxName + 1]byte
	n := lower(buf[:], name)
	refs, from := s.suffix(buf[:n], at)
	if refs == nil {
		return Hit{}, false
	}
	allowed := ""
	if s.allow != nil {
		allowed = s.allow.covers(buf[:n])
	}
	return s.hit(Domain, string(buf[from:n]), refs, at, allowed)
}

// suffix finds the longest listed suffix of a lower-case name, by whole
// labels, and where it begins.
func (s *Set) suffix(name []byte, at time.Time) ([]uint32, int) {
	if two := lastTwo(name); two < 0 || !s.filter.has(s.hash.first(Domain, name[two:])) {
		return nil, 0 // nothing below these two labels is listed, see Builder.mark
	}
	labels, from := 1, 0
	for _, c := range name {
		if c == '.' {
			labels++
		}
	}
	for ; labels >= 2; labels-- {
		if labels <= s.labels {
			if refs := s.find(Domain, name[from:]); refs != nil && s.inForce(refs, at) {
				return refs, from
			}
		}
		for name[from] != '.' {
			from++
		}
		from++
	}
	return nil, 0
}

// URL looks up what was asked of a host: the address with its query, without
// it, and the whole site. host may carry a port; port is used when it does not.
func (s *Set) URL(host string, port int64, path string, at time.Time) (Hit, bool) {
	if !s.holds(URL) || host == "" || len(host) > maxName+8 || len(path) > maxValue {
		return Hit{}, false
	}
	if len(host)+3*len(path)+8 <= shortURL { // so that little has to be cleared for most
		var buf [shortURL]byte
		return s.url(buf[:], host, port, path, at)
	}
	var buf [longURL]byte
	return s.url(buf[:], host, port, path, at)
}

const (
	shortURL = 512
	longURL  = maxName + 16 + 3*maxValue
)

func (s *Set) url(buf []byte, host string, port int64, path string, at time.Time) (Hit, bool) {
	site := fixPort(buf, lower(buf[:maxName+8], host), port)
	buf[site] = '/'
	whole := buf[:site+1] // "/" stands for the whole site
	if !s.filter.has(s.hash.first(URL, whole)) {
		return Hit{}, false // nothing of this site is listed, see Builder.mark
	}
	out := appendPath(buf[:site], path)
	found := out
	refs := s.inForceOf(s.find(URL, found), at)
	if refs == nil {
		if cut := bytes.IndexByte(out, '?'); cut > 0 {
			found = out[:cut]
			refs = s.inForceOf(s.find(URL, found), at)
		}
	}
	if refs == nil {
		found = whole
		refs = s.inForceOf(s.find(URL, found), at)
	}
	if refs == nil {
		return Hit{}, false
	}
	return s.hit(URL, string(found), refs, at, s.allowsURL(string(found)))
}

// Path looks up a URL's path, without its query, on whatever host.
func (s *Set) Path(path string, at time.Time) (Hit, bool) {
	if !s.holds(Path) || path == "" || len(path) > maxValue {
		return Hit{}, false
	}
	if cut := strings.IndexByte(path, '?'); cut >= 0 {
		if hit, ok := s.path(path, at); ok {
			return hit, true
		}
		path = path[:cut]
	}
	return s.path(path, at)
}

func (s *Set) path(path string, at time.Time) (Hit, bool) {
	if 3*len(path)+1 <= shortURL {
		var buf [shortURL]byte
		return s.pathIn(buf[:0], path, at)
	}
	var buf [longURL]byte
	return s.pathIn(buf[:0], path, at)
}

func (s *Set) pathIn(buf []byte, path string, at time.Time) (Hit, bool) {
	out := appendPath(buf, path)
	refs := s.find(Path, out)
	if !s.inForce(refs, at) {
		return Hit{}, false
	}
	return s.hit(Path, string(out), refs, at, s.allowsExact(Path, out, string(out)))
}

// Hash looks up an MD5, SHA-1 or SHA-256 in hexadecimal.
func (s *Set) Hash(text string, at time.Time) (Hit, bool) {
	switch len(text) {
	case 32:
		return s.Text(MD5, text, at)
	case 40:
		return s.Text(SHA1, text, at)
	case 64:
		return s.Text(SHA256, text, at)
	}
	return Hit{}, false
}

// Text looks up a value of a type that is compared whole: a hash, a
// fingerprint, an e-mail address.
func (s *Set) Text(t Type, text string, at time.Time) (Hit, bool) {
	if !s.holds(t) || text == "" {
		return Hit{}, false
	}
	var buf [maxName + 70]byte
	n := lower(buf[:], text)
	refs := s.find(t, buf[:n])
	if !s.inForce(refs, at) {
		return Hit{}, false
	}
	return s.hit(t, string(buf[:n]), refs, at, s.allowsExact(t, buf[:n], text))
}

func (s *Set) find(t Type, key []byte) []uint32 {
	first := s.hash.first(t, key)
	if !s.filter.has(first) {
		return nil
	}
	return s.exact.find(first, s.hash.second(t, key))
}

// fill puts all keys into the filter.
func (s *Set) fill(b *Builder) {
	for _, chunk := range b.marks.chunks {
		for _, h := range chunk {
			s.filter.add(h)
		}
	}
	for _, chunk := range b.hashed.chunks {
		for i := range chunk {
			s.filter.add(chunk[i].first)
		}
	}
	for _, chunk := range b.v4.chunks {
		for _, v := range chunk {
			s.filter.add(mix4(uint32(v >> 32)))
		}
	}
}

// inForce reports whether one of the records had not ended at that time.
func (s *Set) inForce(refs []uint32, at time.Time) bool {
	for _, r := range refs {
		if s.records[r].holds(at) {
			return true
		}
	}
	return false
}

func (s *Set) inForceOf(refs []uint32, at time.Time) []uint32 {
	if s.inForce(refs, at) {
		return refs
	}
	return nil
}

// holds reports whether the record had not ended; at no time it always holds.
func (r *record) holds(at time.Time) bool {
	return r.until == 0 || at.IsZero() || int64(r.until) > int64(at.Sub(epoch)/time.Hour)
}

// hit makes a Hit of the surest record in force.
func (s *Set) hit(t Type, value string, refs []uint32, at time.Time, allowed string) (Hit, bool) {
	best := -1
	for i, ref := range refs {
		if r := &s.records[ref]; r.holds(at) && (best < 0 || r.confidence > s.records[refs[best]].confidence) {
			best = i
		}
	}
	if best < 0 {
		return Hit{}, false
	}
	h := Hit{Indicator: s.indicator(t, value, refs[best]), Allowed: allowed}
	s.age(&h, s.records[refs[best]].source, at)
	for _, ref := range refs {
		if name := s.words[s.records[ref].source]; name != h.Source && s.records[ref].holds(at) && len(h.Others) < maxOthers && !slices.Contains(h.Others, name) {
			h.Others = append(h.Others, name)
		}
	}
	return h, true
}

func (s *Set) indicator(t Type, value string, ref uint32) Indicator {
	r := s.records[ref]
	in := Indicator{Type: t, Value: value, Source: s.words[r.source], Confidence: int(r.confidence), TLP: r.tlp}
	in.Unpack(s.words[r.family])
	if r.first > 0 {
		in.First = epoch.Add(time.Duration(r.first) * 24 * time.Hour)
	}
	if r.until > 0 {
		in.Until = epoch.Add(time.Duration(r.until) * time.Hour)
	}
	return in
}
