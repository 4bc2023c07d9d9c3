package version

import (
	"strings"
)

// compareSemver orders versions by semantic versioning 2.0; Unknown when one is
// none. A leading v and missing parts are taken as tools write them.
func compareSemver(a, b string) Order {
	x, px, ok := semverParts(a)
	y, py, ok2 := semverParts(b)
	if !ok || !ok2 {
		return Unknown
	}
	for i := range max(len(x), len(y)) {
		if o := number(at(x, i), at(y, i)); o != Equal {
			return o
		}
	}
	switch {
	case px == py:
		return Equal
	case px == "":
		return Greater
	case py == "":
		return Less
	}
	return semverPre(strings.Split(px, "."), strings.Split(py, "."))
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "0"
}

func semverParts(s string) (main []string, pre string, ok bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "v"), "V")
	s, _, _ = strings.Cut(s, "+")
	s, pre, _ = strings.Cut(s, "-")
	main = strings.Split(s, ".")
	for _, p := range main {
		if p == "" || !allDigits(p) {
			return nil, "", false
		}
	}
	return main, pre, len(main) <= 6
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func semverPre(x, y []string) Order {
	for i := range min(len(x), len(y)) {
		p, q := x[i], y[i]
		if p == q {
			continue
		}
		dp, dq := allDigits(p), allDigits(q)
		switch {
		case dp && dq:
			if o := number(p, q); o != Equal {
				return o
			}
		case dp:
			return Less
		case dq:
			return Greater
		default:
			return order(p, q)
		}
	}
	return order(len(x), len(y))
}

// compareDeb orders by the rules of Debian: epoch, upstream, revision.
func compareDeb(a, b string) Order {
	ea, ua, ra := debParts(a)
	eb, ub, rb := debParts(b)
	if !allDigits(ea) || !allDigits(eb) {
		return Unknown
	}
	if o := number(ea, eb); o != Equal {
		return o
	}
	if o := debText(ua, ub); o != Equal {
		return o
	}
	return debText(ra, rb)
}

func debParts(s string) (epoch, upstream, revision string) {
	epoch, upstream, ok := strings.Cut(s, ":")
	if !ok {
		epoch, upstream = "0", s
	}
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream, revision = upstream[:i], upstream[i+1:]
	}
	return epoch, upstream, revision
}

// debWeight: a tilde sorts before the end, letters before all other signs.
func debWeight(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case isLetter(s[i]):
		return int(s[i])
	}
	return int(s[i]) + 256
}

func debText(a, b string) Order {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && !isDigit(a[i]) || j < len(b) && !isDigit(b[j]) {
			if o := order(debWeight(a, i), debWeight(b, j)); o != Equal {
				return o
			}
			i, j = i+1, j+1
		}
		i, j = min(i, len(a)), min(j, len(b))
		si, sj := i, j
		for i < len(a) && isDigit(a[i]) {
			i++
		}
		for j < len(b) && isDigit(b[j]) {
			j++
		}
		if o := number(a[si:i], b[sj:j]); o != Equal {
			return o
		}
	}
	return Equal
}

// compareRPM orders by the rules of RPM: epoch, version, release.
func compareRPM(a, b string) Order {
	ea, va, ra := debParts(a)
	eb, vb, rb := debParts(b)
	if !allDigits(ea) || !allDigits(eb) {
		return Unknown
	}
	if o := number(ea, eb); o != Equal {
		return o
	}
	if o := rpmText(va, vb); o != Equal {
		return o
	}
	if ra == "" || rb == "" { // a range often names no release
		return Equal
	}
	return rpmText(ra, rb)
}

func rpmSkip(s string) string {
	for s != "" && !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

func rpmSegment(s string, digits bool) int {
	n := 0
	for n < len(s) && (digits && isDigit(s[n]) || !digits && isLetter(s[n])) {
		n++
	}
	return n
}

func rpmText(a, b string) Order {
	for {
		a, b = rpmSkip(a), rpmSkip(b)
		if o, done := rpmSigns(a, b); done {
			return o
		}
		if a != "" && (a[0] == '~' || a[0] == '^') { // both have it
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			return order(len(a), len(b))
		}
		digits := isDigit(a[0])
		n, m := rpmSegment(a, digits), rpmSegment(b, digits)
		if m == 0 { // a number is later than letters
			if digits {
				return Greater
			}
			return Less
		}
		o := order(a[:n], b[:m])
		if digits {
			o = number(a[:n], b[:m])
		}
		if o != Equal {
			return o
		}
		a, b = a[n:], b[m:]
	}
}

// rpmSigns orders by ~ (before the end) and ^ (after it).
func rpmSigns(a, b string) (Order, bool) {
	has := func(s string, c byte) bool { return s != "" && s[0] == c }
	switch {
	case has(a, '~') != has(b, '~'):
		if has(a, '~') {
			return Less, true
		}
		return Greater, true
	case has(a, '^') && !has(b, '^'):
		if b == "" {
			return Greater, true
		}
		return Less, true
	case has(b, '^') && !has(a, '^'):
		if a == "" {
			return Less, true
		}
		return Greater, true
	}
	return Equal, a == "" && b == ""
}
