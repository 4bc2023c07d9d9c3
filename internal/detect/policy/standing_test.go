package policy

import (
	"net/netip"
	"strings"
	"testing"
)

// Where the store looks for the internet, the unzoned and the rest is where detection
// takes them to be: at the edges of all nets too.
func TestNetsAreThePlacesOfDetection(t *testing.T) {
	var all []netip.Addr
	for _, text := range []string{"9.9.9.9", "100.64.0.1", "198.51.100.7", "2001:db8::1", "0.0.0.1", "255.255.255.254", "172.32.0.0", "fec0::1", "::2"} {
		all = append(all, netip.MustParseAddr(text))
	}
	for _, place := range []string{Unzoned, Nowhere} {
		for _, p := range Nets(place) {
			last := p.Addr().AsSlice()
			for bit := p.Bits(); bit < p.Addr().BitLen(); bit++ {
				last[bit/8] |= 1 << (7 - bit%8)
			}
			end, _ := netip.AddrFromSlice(last)
			for _, a := range []netip.Addr{p.Addr(), p.Addr().Prev(), p.Addr().Next(), end, end.Prev(), end.Next()} {
				if a.IsValid() {
					all = append(all, a)
				}
			}
		}
	}
	in := func(place string, a netip.Addr) bool {
		for _, p := range Nets(place) {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	for _, a := range all {
		want := Internet
		switch {
		case in(Unzoned, a):
			want = Unzoned
		case in(Nowhere, a):
			want = ""
		}
		if got := zoneOf("", a.String()); got != want {
			t.Errorf("%s is in %q for detection, and looked for in %q", a, got, want)
		}
	}
}

func TestStanding(t *testing.T) {
	cfg, problems := ParseConfig([]byte(`
default: deny
isolated: [guests]
conduits:
  - {name: out, from: Cell, to: internet}
  - {name: never, from: cell, to: unzoned, deny: true}
  - {name: either, from: office, to: cell, direction: both, allow: [{ports: 502}]}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		from, to string
		want     Standing
		by       string
	}{
		{"cell", Internet, Covered, "out"},
		{Internet, "cell", Nothing, ""},
		{"cell", Unzoned, Denied, "never"},
		{Unzoned, "cell", Nothing, ""},
		{"cell", "office", Covered, "either"},
		{"office", "cell", Covered, "either"},
		{"guests", "guests", Isolated, ""},
		{"cell", "cell", Within, ""},
		{"cell", Nowhere, Open, ""},
	} {
		got, by := cfg.Standing(c.from, c.to)
		name := ""
		if len(by) > 0 {
			name = by[0].Name
		}
		if got != c.want || name != c.by {
			t.Errorf("%s to %s: %s by %q, not %s by %q", c.from, c.to, got, name, c.want, c.by)
		}
	}
	cfg.DefaultDeny = false
	if got, _ := cfg.Standing(Internet, "cell"); got != Open {
		t.Errorf("without a default of deny: %s", got)
	}
}

// Of a policy's conduits those are left that touch a zone, without the other zones that
// stand beside it; all that it says of that zone stays as it was.
func TestTouching(t *testing.T) {
	cfg, problems := ParseConfig([]byte(`
default: deny
isolated: [guests, cell]
conduits:
  - {name: mine, from: [Cell, vault], to: [office]}
  - {name: back, from: office, to: [cell, vault]}
  - {name: other, from: vault, to: office}
  - {name: any, from: "*", to: internet}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cut := cfg.Touching([]string{"cell"})
	var text []string
	for _, c := range cut.Conduits {
		text = append(text, c.Name+" "+strings.Join(c.From, ",")+" "+strings.Join(c.To, ","))
	}
	if got := strings.Join(text, "; "); got != "mine Cell office; back office cell; any * internet" || len(cut.Isolated) != 1 {
		t.Errorf("%s; isolated %v", got, cut.Isolated)
	}
	for _, other := range []string{"office", "vault", Internet, Unzoned, "cell"} {
		for _, way := range [][2]string{{"cell", other}, {other, "cell"}} {
			whole, _ := cfg.Standing(way[0], way[1])
			if got, _ := cut.Standing(way[0], way[1]); got != whole {
				t.Errorf("%v: %s, not %s", way, got, whole)
			}
		}
	}
	if len(cfg.Conduits[0].From) != 2 {
		t.Error("the policy itself was changed")
	}
}
