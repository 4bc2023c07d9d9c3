package version

import (
	"slices"
	"strings"
)

// compareOpenSSL orders releases of OpenSSL. Before 3.0 a letter counts those of a
// branch: 1.0.2, 1.0.2a to 1.0.2z, then 1.0.2za, 1.0.2zb. The project's release strategy
// has the letters (https://openssl-library.org/policies/releasestrat), and its advisories
// what comes after z: that of CVE-2021-4160 has 1.0.2 to 1.0.2zb as affected and 1.0.2zc
// as fixed. Anything else, such as 1.1.1k-fips, is ordered as any version.
func compareOpenSSL(a, b string) Order {
	x, p, ok := releaseOfOpenSSL(a)
	y, q, ok2 := releaseOfOpenSSL(b)
	if !ok || !ok2 {
		return compareGeneric(a, b)
	}
	for i := range max(len(x), len(y)) {
		if o := number(at(x, i), at(y, i)); o != Equal {
			return o
		}
	}
	return order(p, q)
}

// OfOpenSSL is a set of versions that are OpenSSL's: in its order, in which what was read
// as the name of one version, because its ends had none, may be a range.
func (s *Set) OfOpenSSL() *Set {
	out := *s
	out.Scheme, out.Exact, out.Spans = OpenSSL, nil, slices.Clone(s.Spans)
	for _, e := range s.Exact {
		low, high, ok := strings.Cut(e, "-")
		_, _, from := releaseOfOpenSSL(low)
		_, _, to := releaseOfOpenSSL(high)
		if ok && from && to && strings.Count(low, ".") == strings.Count(high, ".") && compareOpenSSL(low, high) == Less {
			out.Spans = append(out.Spans, Span{Low: low, High: high})
		} else {
			out.Exact = append(out.Exact, e)
		}
	}
	return &out
}

// releaseOfOpenSSL reads the numbers of a release and which of its letters it is: 0 without
// one, 27 for za.
func releaseOfOpenSSL(s string) (numbers []string, patch int, ok bool) {
	s = strings.TrimPrefix(strings.ToLower(s), "v")
	end := len(s)
	for end > 0 && isLetter(s[end-1]) {
		end--
	}
	letters := s[end:]
	numbers = strings.Split(s[:end], ".")
	for _, n := range numbers {
		if !allDigits(n) {
			return nil, 0, false
		}
	}
	switch {
	case letters == "":
		return numbers, 0, len(numbers) <= 3
	case len(numbers) != 3 || number(numbers[0], "3") != Less:
		return nil, 0, false
	case len(letters) == 1:
		return numbers, int(letters[0]-'a') + 1, true
	case len(letters) == 2 && letters[0] == 'z':
		return numbers, 26 + int(letters[1]-'a') + 1, true
	}
	return nil, 0, false
}
