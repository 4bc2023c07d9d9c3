package intel

import (
	"net/netip"
	"strings"
	"time"
)

// allowsIP returns the entry of the allow-list over an address.
func (s *Set) allowsIP(a netip.Addr) string {
	if s.allow == nil {
		return ""
	}
	refs, where := s.allow.ip(a.Unmap(), time.Time{})
	switch {
	case len(refs) == 0:
		return ""
	case where.IsValid():
		return where.String()
	}
	return a.Unmap().String()
}

func (s *Set) allowsExact(t Type, key []byte, text string) string {
	if s.allow == nil || s.allow.find(t, key) == nil {
		return ""
	}
	return text
}

// allowsURL asks for the URL itself, then for its host.
func (s *Set) allowsURL(url string) string {
	if s.allow == nil {
		return ""
	}
	if s.allow.find(URL, []byte(url)) != nil {
		return url
	}
	host, _, _ := strings.Cut(url, "/")
	if site := host + "/"; s.allow.find(URL, []byte(site)) != nil {
		return site
	}
	host, _ = splitPort(host)
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return s.allowsIP(a)
	}
	return s.allow.covers([]byte(host))
}

// covers returns the entry of an allow-list that is a lower-case name or one
// above it.
func (s *Set) covers(name []byte) string {
	refs, from := s.suffix(name, time.Time{})
	if refs == nil {
		return ""
	}
	return string(name[from:])
}
