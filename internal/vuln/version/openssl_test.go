package version

import "testing"

// The releases of a branch in their order, and what has no place among them.
func TestOpenSSL(t *testing.T) {
	for _, branch := range [][]string{
		{"0.9.8", "0.9.8a", "0.9.8y", "0.9.8z", "0.9.8za", "0.9.8zh", "1.0.0", "1.0.0t", "1.0.1", "1.0.1u", "1.0.2", "1.0.2k", "1.0.2y", "1.0.2za", "1.0.2zb", "1.0.2zk", "1.0.2zl", "1.1.0", "1.1.0l", "1.1.1", "v1.1.1a", "1.1.1o", "1.1.1w", "1.1.1Y", "1.1.1za", "1.1.1zb", "3.0", "3.0.1", "3.0.14", "3.2.0"},
	} {
		for i, a := range branch {
			for j, b := range branch {
				if got, want := Compare(OpenSSL, a, b), order(i, j); got != want {
					t.Errorf("%s beside %s: %v, want %v", a, b, got, want)
				}
			}
		}
	}
	for _, c := range []struct {
		a, b string
		want Order
	}{
		{"1.1.1o", "1.1.1ab", Unknown},
		{"1.1.1zaa", "1.1.1zb", Unknown},
		{"1.1.1za-dev", "1.1.1zb", Unknown},
		{"1.1.1k-fips", "1.1.1za", Unknown},
		{"3.0.1za", "3.0.1b", Unknown},
		{"3.0.0-beta1", "3.0.0", Less},
		{"3.0", "3.0.0", Equal},
		{"", "1.1.1", Unknown},
		{"za", "a", Unknown},
	} {
		if got := Compare(OpenSSL, c.a, c.b); got != c.want {
			t.Errorf("%q beside %q: %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if got := Compare(Generic, "1.1.1o", "1.1.1za"); got != Unknown {
		t.Errorf("what may be of another product: %v", got)
	}
}

// What an advisory says in words is a range for OpenSSL, and stays what was read before.
func TestSetOfOpenSSL(t *testing.T) {
	s := Parse("Fixed in OpenSSL 1.0.2zc-dev (Affected 1.0.2-1.0.2zb)")
	for v, want := range map[string]Place{"1.0.1u": Below, "1.0.2": Inside, "1.0.2y": Inside, "1.0.2zb": Inside, "1.0.2zc": Above} {
		if got, why := s.OfOpenSSL().Locate(v); got != want {
			t.Errorf("%s: %v (%s), want %v", v, got, why, want)
		}
	}
	before := len(s.Spans)
	again := Set{Exact: []string{"3.0.7-27", "1.1.1w", "1.1.1b-1.1.1a"}, Spans: []Span{{High: "1.0.1"}}}
	if out := again.OfOpenSSL(); len(out.Exact) != 3 || len(out.Spans) != 1 || len(s.Spans) != before || len(again.Exact) != 3 {
		t.Errorf("%+v of %+v", out, again)
	}
}

// FuzzOpenSSL: the order turns with its sides, and contradicts no order that is sure
// without knowing the product.
func FuzzOpenSSL(f *testing.F) {
	for _, pair := range [][2]string{{"1.1.1o", "1.1.1za"}, {"1.0.2", "v1.0.2A"}, {"3.0.1", "1.1.1w"}, {"0.9.8zh", "0.9.8"}, {"1.1.1k-fips", "1.1.1"}, {"9a", "9"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Compare(OpenSSL, a, b)
		if turned := Compare(OpenSSL, b, a); turned != got.turned() {
			t.Errorf("%q beside %q is %v, and turned %v", a, b, got, turned)
		}
		if plain := Compare(Generic, a, b); plain != Unknown && plain != got {
			t.Errorf("%q beside %q is %v, and %v for any product", a, b, got, plain)
		}
	})
}
