package intel_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/intel"
)

var now = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

// build makes a set of "value" or "value|confidence".
func build(t testing.TB, allow string, values ...string) *intel.Set {
	t.Helper()
	b := intel.NewBuilder()
	for _, v := range values {
		kind, value, err := intel.Parse(v)
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if err := b.Add(intel.Indicator{Type: kind, Value: value, Source: "test", Confidence: 60}); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
	}
	a := intel.NewAllowBuilder()
	for v := range strings.FieldsSeq(allow) {
		kind, value, err := intel.Parse(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Add(intel.Indicator{Type: kind, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build().WithAllow(a.Build())
}

func TestParse(t *testing.T) {
	tests := []struct {
		text  string
		kind  intel.Type
		value string
		err   error
	}{
		{"203.0.113.9", intel.IP, "203.0.113.9", nil},
		{" 203.0.113[.]9 ", intel.IP, "203.0.113.9", nil},
		{"::ffff:203.0.113.9", intel.IP, "203.0.113.9", nil},
		{"2001:DB8::1", intel.IP, "2001:db8::1", nil},
		{"203.0.113.9/24", intel.Subnet, "203.0.113.0/24", nil},
		{"203.0.113.9:443", intel.Endpoint, "203.0.113.9:443", nil},
		{"[2001:db8::1]:443", intel.Endpoint, "[2001:db8::1]:443", nil},
		{"203.0.113.9:0", intel.Endpoint, "", intel.ErrType},
		{"Evil[.]Example.COM.", intel.Domain, "evil.example.com", nil},
		{"*.evil.example", intel.Domain, "evil.example", nil},
		{"evil(dot)example", intel.Domain, "evil.example", nil},
		{"hxxps://Evil[.]example:443/A%7eb/%2f?q=1#frag", intel.URL, "evil.example/A~b/%2F?q=1", nil},
		{"hxxp[:]//evil.example", intel.URL, "evil.example/", nil},
		{"http://user:pw@203.0.113.9:8080/x", intel.URL, "203.0.113.9:8080/x", nil},
		{"http://[2001:db8::1]/x", intel.URL, "[2001:db8::1]/x", nil},
		{"evil.example/bins/x.sh", intel.URL, "evil.example/bins/x.sh", nil},
		{"evil.example:8080", intel.URL, "evil.example:8080/", nil},
		{"/bins/mirai.arm", intel.Path, "/bins/mirai.arm", nil},
		{"/a", intel.Path, "", intel.ErrShortPath},
		{"D41D8CD98F00B204E9800998ECF8427E", intel.MD5, "d41d8cd98f00b204e9800998ecf8427e", nil},
		{"t13d1516h2_8daaf6152771_e5627efa2ab1", intel.JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1", nil},
		{"Bad@Evil.example", intel.Email, "bad@evil.example", nil},
		{"bad[at]evil[.]example", intel.Email, "bad@evil.example", nil},
		{"b\u00fccher.example", intel.Domain, "", intel.ErrASCII},
		{"localhost", intel.None, "", intel.ErrNothing},
		{"", intel.None, "", intel.ErrEmpty},
		{"1.2.3.4.5", intel.Domain, "", intel.ErrNothing},
		{"a..b.com", intel.Domain, "", intel.ErrNothing},
		{strings.Repeat("a", 3000), intel.None, "", intel.ErrLong},
	}
	for _, tt := range tests {
		kind, value, err := intel.Parse(tt.text)
		if value != tt.value || !errors.Is(err, tt.err) || err == nil && kind != tt.kind {
			t.Errorf("%.60q: %v %q %v, want %v %q %v", tt.text, kind, value, err, tt.kind, tt.value, tt.err)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := map[string]error{
		"10.1.2.3": intel.ErrPrivate, "127.0.0.1": intel.ErrPrivate, "192.168.0.0/16": intel.ErrPrivate, "fe80::1": intel.ErrPrivate,
		"224.0.0.1": intel.ErrPrivate, "100.64.0.1": intel.ErrPrivate, "10.0.0.1:80": intel.ErrPrivate, "0.0.0.0/0": intel.ErrWide, "8.0.0.0/7": intel.ErrWide,
		"2000::/3": intel.ErrWide, "co.uk": intel.ErrSuffix, "github.io": intel.ErrSuffix, "8.8.8.8": nil, "evil.co.uk": nil, "evil.github.io": nil,
	}
	for text, want := range tests {
		kind, value, err := intel.Parse(text)
		if err == nil {
			err = intel.NewBuilder().Add(intel.Indicator{Type: kind, Value: value})
		}
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

func TestLookUp(t *testing.T) {
	s := build(t, "good.evil.example 198.51.100.7 203.0.113.64/26",
		"203.0.113.0/24", "203.0.113.128/25", "203.0.113.9", "198.51.100.7", "198.51.100.8:23", "2001:db8::5", "2001:db8:1::/48",
		"evil.example", "a.b.c.d.deep.example", "http://site.example/", "http://host.example/x?q=1", "http://host.example/y", "http://host.example:8080/z", "/bins/mirai.arm",
		"d41d8cd98f00b204e9800998ecf8427e", "bad@evil.example")
	tests := []struct{ asked, want string }{
		{"203.0.113.9", "ip 203.0.113.9"},
		{"203.0.113.10", "subnet 203.0.113.0/24"},
		{"203.0.113.200", "subnet 203.0.113.128/25"},
		{"203.0.113.70", "subnet 203.0.113.0/24 allowed by 203.0.113.64/26"},
		{"203.0.114.0", ""},
		{"203.0.112.255", ""},
		{"198.51.100.7", "ip 198.51.100.7 allowed by 198.51.100.7"},
		{"198.51.100.8", ""},
		{"198.51.100.8:23", "ip:port 198.51.100.8:23"},
		{"198.51.100.8:24", ""},
		{"2001:db8::5", "ip 2001:db8::5"},
		{"2001:db8:1:2::3", "subnet 2001:db8:1::/48"},
		{"2001:db8:2::", ""},
		{"evil.example", "domain evil.example"},
		{"x.y.evil.example", "domain evil.example"},
		{"notevil.example", ""},
		{"evil.example.com", ""},
		{"good.evil.example", "domain evil.example allowed by good.evil.example"},
		{"www.good.evil.example", "domain evil.example allowed by good.evil.example"},
		{"b.c.d.deep.example", ""},
		{"q.a.b.c.d.deep.example", "domain a.b.c.d.deep.example"},
		{"http://site.example/any/thing", "url site.example/"},
		{"http://host.example/x", ""},
		{"https://host.example/x?q=1", "url host.example/x?q=1"},
		{"http://host.example/y?anything", "url host.example/y"},
		{"http://host.example:8080/z", "url host.example:8080/z"},
		{"http://host.example/z", ""},
		{"http://198.51.100.99/bins/mirai.arm?1", "path /bins/mirai.arm"},
		{"D41D8CD98F00B204E9800998ECF8427E", "md5 d41d8cd98f00b204e9800998ecf8427e"},
		{"BAD@evil.example", "email bad@evil.example"},
	}
	for _, tt := range tests {
		hits, err := s.Find(tt.asked, now)
		if err != nil {
			t.Errorf("%s: %v", tt.asked, err)
		}
		got := ""
		if len(hits) > 0 {
			got = hits[0].Type.String() + " " + hits[0].Value
			if hits[0].Allowed != "" {
				got += " allowed by " + hits[0].Allowed
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.asked, got, tt.want)
		}
	}
	if hit, ok := s.URL("Host.EXAMPLE:80", 8080, "/y", now); !ok || hit.Value != "host.example/y" {
		t.Errorf("the port of the Host header does not count: %+v", hit)
	}
	if hit, ok := s.URL("host.example", 8080, "/z", now); !ok || hit.Value != "host.example:8080/z" {
		t.Errorf("the port of the connection does not count: %+v", hit)
	}
}

// TestExpiry: what had ended when the event happened does not match; of
// several sources the surest in force counts.
func TestExpiry(t *testing.T) {
	b := intel.NewBuilder()
	add := func(source string, confidence int, until time.Time) {
		if err := b.Add(intel.Indicator{Type: intel.Domain, Value: "evil.example", Source: source, Confidence: confidence, First: now.AddDate(0, -1, 0), Until: until}); err != nil {
			t.Fatal(err)
		}
	}
	add("sure", 90, now.Add(time.Hour))
	add("unsure", 30, time.Time{})
	add("sure", 90, now.Add(time.Hour)) // twice the same
	s := b.Build()
	hit, ok := s.Domain("evil.example", now)
	want := intel.Hit{Indicator: intel.Indicator{
		Type: intel.Domain, Value: "evil.example", Source: "sure", Confidence: 90,
		First: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), // the hour after
	}, Others: []string{"unsure"}}
	if diff := cmp.Diff(want, hit); diff != "" || !ok {
		t.Error(diff)
	}
	if hit, ok := s.Domain("evil.example", now.Add(3*time.Hour)); !ok || hit.Source != "unsure" {
		t.Errorf("after the end: %+v", hit)
	}
}

// TestAgainstBruteForce: whatever is in it, a set says of an address what
// looking at every indicator says.
func TestAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint32().Draw(t, "base")
		near := func(v uint32) netip.Addr {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], v)
			return netip.AddrFrom4(b)
		}
		var prefixes []netip.Prefix
		ips := map[netip.Addr]bool{}
		b := intel.NewBuilder()
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			a := near(base + rapid.Uint32Range(0, 1<<18).Draw(t, "a"))
			bits := rapid.IntRange(8, 33).Draw(t, "bits")
			in := intel.Indicator{Type: intel.IP, Value: a.String()}
			p := netip.PrefixFrom(a, min(bits, 32)).Masked()
			if bits < 33 {
				in = intel.Indicator{Type: intel.Subnet, Value: p.String()}
			}
			if b.Add(in) != nil {
				continue
			}
			if bits < 33 {
				prefixes = append(prefixes, p)
			} else {
				ips[a] = true
			}
		}
		s := b.Build()
		for range 60 {
			a := near(base + rapid.Uint32Range(0, 1<<18).Draw(t, "asked"))
			if len(prefixes) > 0 && rapid.Bool().Draw(t, "edge") { // first, last, one before, one after
				p := prefixes[rapid.IntRange(0, len(prefixes)-1).Draw(t, "of")]
				first := binary.BigEndian.Uint32(p.Addr().AsSlice())
				a = near(first + []uint32{0, ^uint32(0), 1<<(32-p.Bits()) - 1, 1 << (32 - p.Bits())}[rapid.IntRange(0, 3).Draw(t, "which")])
			}
			want := ""
			narrowest := -1
			for _, p := range prefixes {
				if p.Contains(a) && p.Bits() > narrowest && !intel.IsLocal(a) {
					want, narrowest = "subnet "+p.String(), p.Bits()
				}
			}
			if ips[a] {
				want = "ip " + a.String()
			}
			got := ""
			if hit, ok := s.IP(a, now); ok {
				got = hit.Type.String() + " " + hit.Value
			}
			if got != want {
				t.Fatalf("%s: %q, want %q; prefixes %v", a, got, want, prefixes)
			}
		}
	})
}

// TestManyHashed: what was added is found, nothing else is.
func TestManyHashed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 7, 63, 1000, 60_000} {
		b := intel.NewBuilder()
		for i := range n {
			if err := b.Add(intel.Indicator{Type: intel.Domain, Value: fmt.Sprintf("n%d.example", i), Source: "s"}); err != nil {
				t.Fatal(err)
			}
			if err := b.Add(intel.Indicator{Type: intel.IP, Value: netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}).String(), Source: "s"}); err != nil {
				t.Fatal(err)
			}
		}
		s := b.Build()
		for range 2000 {
			i := rng.IntN(2 * n)
			_, gotName := s.Domain(fmt.Sprintf("www.n%d.example", i), now)
			_, gotIP := s.IP(netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}), now)
			if gotName != (i < n) || gotIP != (i < n) {
				t.Fatalf("of %d, number %d: name %v, address %v", n, i, gotName, gotIP)
			}
		}
	}
}

// TestManySourcesOfOne: a value that thousands name is found, and sorted.
func TestManySourcesOfOne(t *testing.T) {
	b := intel.NewBuilder()
	for i := range 5000 {
		if err := b.Add(intel.Indicator{Type: intel.Domain, Value: "evil.example", Source: fmt.Sprint("s", i), Confidence: i%100 + 1}); err != nil {
			t.Fatal(err)
		}
	}
	hit, ok := b.Build().Domain("evil.example", now)
	if !ok || hit.Confidence != 100 || len(hit.Others) != 4 {
		t.Errorf("%+v", hit)
	}
}

func TestMissesAllocateNothing(t *testing.T) {
	s := build(t, "", "203.0.113.0/24", "203.0.113.9", "198.51.100.8:23", "evil.example", "http://host.example/x?q=1", "/bins/mirai.arm", "d41d8cd98f00b204e9800998ecf8427e", "bad@evil.example", "2001:db8:1::/48")
	a, six := netip.MustParseAddr("198.51.100.200"), netip.MustParseAddr("2001:db8::9")
	got := testing.AllocsPerRun(100, func() {
		s.IP(a, now)
		s.IP(six, now)
		s.Endpoint(a, 443, now)
		s.Domain("a.long.Name.of.some.cloud.example.org", now)
		s.URL("host.example.org", 8080, "/some/path?with=query", now)
		s.Path("/some/path?with=query", now)
		s.Hash("D41D8CD98F00B204E9800998ECF8427F", now)
		s.Text(intel.Email, "someone@example.org", now)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// FuzzParse: a normal form is the normal form of itself, and is found in a set
// that holds it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"hxxp://evil[.]example/a%2fb?c#d", "203.0.113.9/24", "[2001:db8::1]:80", "a@b.example", "/bins/x.sh", "*.x.example", "http://a.example:080/%%%41", "t13d1516h2_8daaf6152771_e5627efa2ab1", "t00\xb3000000_000000000000_000000000000", "t13d+516h2_8daaf6152771_e5627efa2ab1", "100.0.100.0/1#", "http://203.0.113.9:80", "hx.p8//evil[[.]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, value, err := intel.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[intel.Problem](err); !ok {
				t.Fatalf("%q: an error of another kind: %v", text, err)
			}
			return
		}
		kind2, value2, err := intel.ParseAs(kind, value)
		if err != nil || kind2 != kind || value2 != value {
			t.Fatalf("%q: %v %q, again %v %q %v", text, kind, value, kind2, value2, err)
		}
		if strings.ContainsAny(value, "\t\n\r\x00") {
			t.Fatalf("%q: %q would break a line", text, value)
		}
		b := intel.NewBuilder()
		if b.Add(intel.Indicator{Type: kind, Value: value}) != nil {
			return
		}
		hits, err := b.Build().Find(value, now)
		if err != nil || len(hits) == 0 {
			t.Fatalf("%q as %v %q is not found: %v", text, kind, value, err)
		}
	})
}
