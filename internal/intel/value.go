package intel

import (
	"net/netip"
	"strings"
)

// maxValue bounds one indicator's text. Longer URLs are not indicators that
// anything could match.
const maxValue = 2048

// maxMailbox is the longest e-mail address (RFC 5321).
const maxMailbox = 320

// Problem is why a text is no indicator: a fixed sentence, so that problems
// can be counted.
type Problem string

// Error returns the sentence.
func (p Problem) Error() string { return string(p) }

// The reasons why a text is refused.
const (
	ErrEmpty     Problem = "no value"
	ErrLong      Problem = "longer than 2048 bytes"
	ErrNothing   Problem = "neither an address, a domain, a URL, a hash nor an e-mail address"
	ErrPrivate   Problem = "a private, local or reserved range"
	ErrWide      Problem = "a subnet wider than /8 (IPv6: /16)"
	ErrSuffix    Problem = "a public suffix, such as com, co.uk or github.io: it would match everyone below it"
	ErrASCII     Problem = "a name that is not ASCII; write it as xn--"
	ErrShortPath Problem = "a path too short to mean anything"
	ErrBrackets  Problem = "brackets within brackets: what they hide is not sure"
	ErrType      Problem = "the value does not have the form of its type"
)

// refanger turns the ways in which people make indicators harmless back.
var refanger = strings.NewReplacer(
	"[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[.", ".", ".]", ".",
	"[:]", ":", "[://]", "://", "[/]", "/", "[@]", "@", "(at)", "@", "[at]", "@",
)

// Refang undoes hxxp, [.] and the like.
func Refang(text string) string {
	if strings.ContainsAny(text, "[({") && !isBracketed(text) {
		text = refanger.Replace(text)
	}
	if scheme, rest, ok := cutScheme(text); ok {
		switch strings.ToLower(scheme) {
		case "hxxp", "hxtp", "htxp", "h**p", "meow":
			return "http://" + rest
		case "hxxps", "hxtps", "htxps", "h**ps":
			return "https://" + rest
		case "fxp", "fxtp":
			return "ftp://" + rest
		}
	}
	return text
}

// cutScheme takes http:// and the like off; not every :// is one.
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, "://")
	if !ok || scheme == "" || len(scheme) > 12 {
		return "", text, false
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && scheme[i] != '+' && scheme[i] != '-' && scheme[i] != '*') {
			return "", text, false
		}
	}
	return scheme, rest, true
}

// isBracketed tells an IPv6 address in brackets, [2001:db8::1]:80, from a
// text that was made harmless.
func isBracketed(text string) bool {
	end := strings.IndexByte(text, ']')
	if text[0] != '[' || end < 0 {
		return false
	}
	_, err := netip.ParseAddr(text[1:end])
	return err == nil
}

// Parse reads a value whose type is not known and returns its type and normal
// form. The error is a [Problem].
func Parse(text string) (Type, string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return None, "", ErrEmpty
	case len(text) > maxValue:
		return None, "", ErrLong
	}
	text = Refang(text)
	t := guess(text)
	if t == None {
		return None, "", ErrNothing
	}
	value, err := settled(t, text)
	return t, value, err
}

// ParseAs reads a value of a type that its feed states. IP, Endpoint and
// Subnet may become each other, as may URL and Path.
func ParseAs(t Type, text string) (Type, string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return None, "", ErrEmpty
	case len(text) > maxValue:
		return None, "", ErrLong
	}
	text = Refang(text)
	switch t {
	case IP, Subnet, Endpoint:
		if t = guess(text); t != IP && t != Subnet && t != Endpoint {
			return None, "", ErrType
		}
	case URL, Path:
		t = URL
		if text[0] == '/' {
			t = Path
		}
	case Domain:
		if g := guess(text); g == IP || g == URL { // feeds mix them up
			t = g
		}
	default:
	}
	value, err := settled(t, text)
	if err != nil {
		return None, "", err
	}
	return t, value, nil
}

// settled returns the normal form, which read again must be itself: brackets in
// brackets, as in evil[[.], would have one value when a feed is read and
// another when it is asked for.
func settled(t Type, text string) (string, error) {
	value, err := normal(t, text)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(value, "[({") {
		if again, err := normal(t, Refang(value)); err != nil || again != value {
			return "", ErrBrackets
		}
	}
	return value, nil
}

func guess(text string) Type {
	if text[0] == '/' {
		return Path
	}
	if _, _, ok := cutScheme(text); ok {
		return URL
	}
	if t := guessAddress(text); t != None {
		return t
	}
	switch {
	case isHex(text):
		switch len(text) {
		case 32:
			return MD5
		case 40:
			return SHA1
		case 64:
			return SHA256
		}
	case isJA4(text):
		return JA4
	case strings.IndexByte(text, '@') > 0 && strings.IndexByte(text, '/') < 0:
		return Email
	}
	host, rest := text, ""
	if cut := strings.IndexAny(text, ":/?"); cut > 0 {
		host, rest = text[:cut], text[cut:]
	}
	if strings.IndexByte(host, '.') < 0 {
		return None
	}
	if rest != "" {
		return URL
	}
	return Domain
}

func guessAddress(text string) Type {
	if c := text[0]; c != '[' && c != ':' && (c < '0' || c > '9') && !isHexDigit(c) {
		return None
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return IP
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return Subnet
	}
	if _, err := netip.ParseAddrPort(text); err == nil {
		return Endpoint
	}
	return None
}

func normal(t Type, text string) (string, error) {
	switch t {
	case IP:
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return "", ErrType
		}
		return addr.Unmap().WithZone("").String(), nil
	case Subnet:
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return "", ErrType
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked().String(), nil
	case Endpoint:
		ap, err := netip.ParseAddrPort(text)
		if err != nil || ap.Port() == 0 {
			return "", ErrType
		}
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()).String(), nil
	case Domain:
		return normalDomain(text)
	case URL:
		return normalURL(text)
	case Path:
		return normalPath(text)
	case MD5, SHA1, SHA256, JA3:
		if !isHex(text) || len(text) != hashLength(t) {
			return "", ErrType
		}
		return strings.ToLower(text), nil
	case JA4:
		if !isJA4(text) {
			return "", ErrType
		}
		return strings.ToLower(text), nil
	case Email:
		return normalEmail(text)
	default:
		return "", ErrType
	}
}

func hashLength(t Type) int {
	switch t {
	case SHA1:
		return 40
	case SHA256:
		return 64
	default:
		return 32
	}
}

func normalDomain(text string) (string, error) {
	text = strings.TrimPrefix(text, "*.")
	text = strings.Trim(text, ".")
	for i := range len(text) {
		if text[i] >= 0x80 {
			return "", ErrASCII
		}
	}
	text = strings.ToLower(text)
	if !isDomain(text) {
		return "", ErrNothing
	}
	return text, nil
}

// isDomain tells a name in lower case with at least two labels whose last is
// no number.
func isDomain(text string) bool {
	if len(text) > maxName {
		return false
	}
	labels, start, letter := 0, 0, false
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '.' {
			c := text[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
			letter = letter || c >= 'a' && c <= 'z'
			continue
		}
		if i == start || i-start > 63 {
			return false
		}
		if i < len(text) {
			letter = false
		}
		labels++
		start = i + 1
	}
	return labels >= 2 && letter
}

func normalEmail(text string) (string, error) {
	text = strings.Trim(text, "<>")
	at := strings.LastIndexByte(text, '@')
	if at <= 0 || len(text) > maxMailbox {
		return "", ErrType
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || c == ',' || c == ';' {
			return "", ErrType
		}
	}
	domain, err := normalDomain(text[at+1:])
	if err != nil {
		return "", ErrType
	}
	return strings.ToLower(text[:at]) + "@" + domain, nil
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isHex(text string) bool {
	for i := range len(text) {
		if !isHexDigit(text[i]) {
			return false
		}
	}
	return text != ""
}

// isJA4 tells the form t13d1516h2_8daaf6152771_e5627efa2ab1: protocol, version
// (two), whether a name was asked for, two counts of two digits, first and last
// letter of the first ALPN value, two digests
// (https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md).
func isJA4(text string) bool {
	if len(text) != 36 || text[10] != '_' || text[23] != '_' || !isHex(text[11:23]) || !isHex(text[24:]) {
		return false
	}
	if strings.IndexByte("tqdTQD", text[0]) < 0 || strings.IndexByte("diDI", text[3]) < 0 {
		return false
	}
	for i := range 10 {
		c := text[i]
		digit := c >= '0' && c <= '9'
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !digit && (!letter || i >= 4 && i < 8) {
			return false
		}
	}
	return true
}
