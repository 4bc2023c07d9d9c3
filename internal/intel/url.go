package intel

import (
	"net/netip"
	"strings"
)

const maxName = 253

// minPath is the length from which a path alone may be an indicator.
const minPath = 4

// The normal form of a URL has no scheme, user, fragment or default port; its
// host is in lower case, an escape of a plain character is undone and others
// are in upper case: "evil.example:8080/a%20b?q=1". A host without a path gets
// "/", and then stands for all of the site.

func normalURL(text string) (string, error) {
	scheme := ""
	if s, rest, ok := cutScheme(text); ok {
		scheme, text = strings.ToLower(s), rest
	}
	end := strings.IndexAny(text, "/?#")
	authority, path := text, "/"
	if end >= 0 {
		authority, path = text[:end], text[end:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	host, err := normalAuthority(authority, scheme)
	if err != nil {
		return "", err
	}
	var buf [256]byte
	out := append(buf[:0], host...)
	out = appendPath(out, path)
	return string(out), nil
}

// normalAuthority returns the host with its port unless that is a usual one: an
// event does not always tell the scheme.
func normalAuthority(authority, scheme string) (string, error) {
	host, port := splitPort(authority)
	if port == "80" || port == "443" || port == "21" && scheme == "ftp" {
		port = ""
	}
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		addr = addr.Unmap().WithZone("")
		if host = addr.String(); addr.Is6() {
			host = "[" + host + "]"
		}
	} else if host, err = normalDomain(host); err != nil {
		return "", ErrType
	}
	if port != "" {
		host += ":" + port
	}
	return host, nil
}

func splitPort(authority string) (host, port string) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.IndexByte(authority[colon:], ']') >= 0 {
		return authority, ""
	}
	digits := authority[colon+1:]
	if len(digits) > 5 {
		return authority, ""
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return authority, ""
		}
	}
	return authority[:colon], strings.TrimLeft(digits, "0")
}

func normalPath(text string) (string, error) {
	var buf [256]byte
	out := appendPath(buf[:0], text)
	if len(out) < minPath {
		return "", ErrShortPath
	}
	return string(out), nil
}

// appendPath appends a path with its query in normal form, without fragment.
func appendPath(out []byte, path string) []byte {
	if path == "" || path[0] != '/' {
		out = append(out, '/')
	}
	for len(path) > 0 {
		n := 0
		for n < len(path) && !special[path[n]] {
			n++
		}
		out = append(out, path[:n]...)
		if n == len(path) || path[n] == '#' {
			return out
		}
		c := path[n]
		path = path[n+1:]
		if c == '%' {
			if len(path) < 2 || !isHexDigit(path[0]) || !isHexDigit(path[1]) {
				out = append(out, c)
				continue
			}
			c = unhex(path[0])<<4 | unhex(path[1])
			path = path[2:]
			if isPlain(c) {
				out = append(out, c)
				continue
			}
		}
		out = appendEscape(out, c)
	}
	return out
}

// special are the bytes of a path that do not stay as they are.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || c >= 0x7f || c == '%' || c == '#'
	}
	return t
}()

func appendEscape(out []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(out, '%', digits[c>>4], digits[c&15])
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// isPlain tells the characters whose escapes mean nothing (RFC 3986, 2.3).
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
