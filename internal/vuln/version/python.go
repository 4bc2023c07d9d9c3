package version

import (
	"regexp"
	"strings"
)

var pep440 = regexp.MustCompile(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?(?:(?:[-_.]?(post|rev|r)[-_.]?(\d*))|-(\d+))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+[a-z0-9._-]*)?$`)

// comparePyPI orders by PEP 440, local versions aside.
func comparePyPI(a, b string) Order {
	x := pep440.FindStringSubmatch(strings.ToLower(a))
	y := pep440.FindStringSubmatch(strings.ToLower(b))
	if x == nil || y == nil {
		return Unknown
	}
	if o := number(x[1], y[1]); o != Equal {
		return o
	}
	m, n := strings.Split(x[2], "."), strings.Split(y[2], ".")
	for i := range max(len(m), len(n)) {
		if o := number(at(m, i), at(n, i)); o != Equal {
			return o
		}
	}
	kx, ky := pepKey(x), pepKey(y)
	for i := range kx {
		if o := order(kx[i].rank, ky[i].rank); o != Equal {
			return o
		}
		if o := number(kx[i].n, ky[i].n); o != Equal {
			return o
		}
	}
	return Equal
}

type pepPart struct {
	rank int
	n    string
}

// pepKey gives pre, post and dev parts their places: 1.0.dev < 1.0a < 1.0 <
// 1.0.post, and 1.0a1.dev < 1.0a1.
func pepKey(m []string) [3]pepPart {
	var key [3]pepPart
	pre, post, dev := m[3], m[5] != "" || m[7] != "", m[8] != ""
	switch {
	case pre != "":
		key[0] = pepPart{map[byte]int{'a': 1, 'b': 2, 'c': 3, 'r': 3, 'p': 3}[pre[0]], m[4]}
	case dev && !post:
		key[0] = pepPart{0, ""}
	default:
		key[0] = pepPart{4, ""}
	}
	if post {
		key[1] = pepPart{1, m[6] + m[7]}
	}
	key[2] = pepPart{1, ""}
	if dev {
		key[2] = pepPart{0, m[9]}
	}
	return key
}

var mavenRank = map[string]int{"alpha": 1, "a": 1, "beta": 2, "b": 2, "milestone": 3, "m": 3, "rc": 4, "cr": 4, "snapshot": 5, "": 6, "ga": 6, "final": 6, "release": 6, "sp": 7}

// compareMaven orders by the rules of Maven: known qualifiers by rank, others
// after them by their letters.
func compareMaven(a, b string) Order {
	x, y := scanMaven(a), scanMaven(b)
	for i := range max(len(x), len(y)) {
		p, q := pad(x, i), pad(y, i)
		if p.number && q.number {
			if o := number(p.text, q.text); o != Equal {
				return o
			}
			continue
		}
		p, q = zeroIsNone(p), zeroIsNone(q)
		switch {
		case p.number && !q.number:
			return Greater
		case q.number && !p.number:
			return Less
		}
		rp, okp := mavenRank[p.text]
		rq, okq := mavenRank[q.text]
		switch {
		case okp && okq:
			if o := order(rp, rq); o != Equal {
				return o
			}
		case okp != okq:
			if okp {
				return Less
			}
			return Greater
		case p.text != q.text:
			return order(p.text, q.text)
		}
	}
	return Equal
}

// pad is what is missing: nothing, which is a zero beside a number.
func pad(t []token, i int) token {
	if i < len(t) {
		return t[i]
	}
	return token{text: "", number: false}
}

func zeroIsNone(t token) token {
	if t.number && strings.Trim(t.text, "0") == "" {
		return token{}
	}
	return t
}

func scanMaven(s string) []token {
	s = strings.ToLower(s)
	var out []token
	for i := 0; i < len(s); {
		j := i + 1
		switch {
		case isDigit(s[i]):
			for j < len(s) && isDigit(s[j]) {
				j++
			}
			out = append(out, token{text: s[i:j], number: true})
		case isLetter(s[i]):
			for j < len(s) && isLetter(s[j]) {
				j++
			}
			out = append(out, token{text: s[i:j]})
		}
		i = j
	}
	for len(out) > 0 {
		last := out[len(out)-1]
		if last.number && strings.Trim(last.text, "0") != "" || !last.number && mavenRank[last.text] != 6 {
			break
		}
		out = out[:len(out)-1]
	}
	return out
}
