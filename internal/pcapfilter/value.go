package pcapfilter

import (
	"math/bits"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// value reads what stands behind words.
func (p *parser) value(w words) (rule, error) {
	text := p.peek()
	if text == "" || text == ")" {
		return nil, fault.New(fault.Invalid, "a value is missing at the end of %q", strings.Join(p.words[:p.at], " "))
	}
	p.at++
	switch {
	case w.what == "port":
		n, err := number(text, 65535, "number of a port")
		return ports(n, n, w.way, portProtos(w.proto)...), err
	case w.what == "portrange":
		return portrange(w, text)
	case w.what == "proto":
		return protocol(w.proto, text)
	case w.proto == "ether":
		mac, err := net.ParseMAC(text)
		if err != nil || len(mac) != 6 {
			return nil, fault.New(fault.Invalid, "%q is no Ethernet address", text).WithHint("write it like 00:1b:1b:00:00:01")
		}
		return hardware(mac, w.way), nil
	case w.what == "net":
		return p.network(w, text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return nil, noAddress(text)
	}
	return w.in(netip.PrefixFrom(a, a.BitLen()))
}

func noAddress(text string) error {
	f := fault.New(fault.Invalid, "%q is not expected: it is no word of a filter and no address where one may stand", text)
	if mac, err := net.ParseMAC(text); err == nil && len(mac) == 6 {
		return f.WithHint("write ether host %s", text)
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return f.WithHint("write host %s", text)
	}
	if strings.Contains(text, "/") {
		return f.WithHint("write net %s, with src or dst before it if one is meant", text)
	}
	return f.WithHint("names are not asked for, so write addresses and numbers; %s", listed)
}

// in is the rule of a network, in what the words name.
func (w words) in(n netip.Prefix) (rule, error) {
	kinds := []uint32{typeIP, typeARP, typeRARP, typeIP6}
	if w.proto != "" {
		kinds = []uint32{map[string]uint32{"ip": typeIP, "arp": typeARP, "rarp": typeRARP, "ip6": typeIP6}[w.proto]}
		if n.Addr().Is6() != (w.proto == "ip6") {
			return nil, fault.New(fault.Invalid, "%s is no address of %s", n.Addr(), w.proto)
		}
	}
	return address(n, w.way, kinds...), nil
}

// network reads 10.0.0.0/8, 10.0.0.0 mask 255.0.0.0, and 10 or 10.0 for short.
func (p *parser) network(w words, text string) (rule, error) {
	if p.peek() == "mask" {
		p.at++
		mask := p.peek()
		p.at = min(p.at+1, len(p.words))
		return masks(w, text, mask)
	}
	if n := strings.Count(text, "."); n < 3 && !strings.Contains(text, ":") && !strings.Contains(text, "/") {
		text += strings.Repeat(".0", 3-n) + "/" + strconv.Itoa(8*(n+1))
	}
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return nil, fault.New(fault.Invalid, "%q is no network", text).WithHint("write it like 10.0.0.0/8 or fd00::/8")
		}
		return w.in(netip.PrefixFrom(a, a.BitLen()))
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is no network", text).WithHint("write it like 10.0.0.0/8 or fd00::/8")
	}
	if n != n.Masked() {
		return nil, fault.New(fault.Invalid, "%s has bits beyond its length", text).WithHint("write %s", n.Masked())
	}
	return w.in(n)
}

func masks(w words, text, mask string) (rule, error) {
	a, err := netip.ParseAddr(text)
	m, err2 := netip.ParseAddr(mask)
	if err != nil || err2 != nil || !a.Is4() || !m.Is4() {
		return nil, fault.New(fault.Invalid, "%q mask %q is no network", text, mask).WithHint("write it like 10.0.0.0/8")
	}
	b := m.As4()
	var n uint32
	for _, x := range b {
		n = n<<8 | uint32(x)
	}
	length := bits.LeadingZeros32(^n)
	p := netip.PrefixFrom(a, length)
	if maskOf(length) != n || p != p.Masked() {
		return nil, fault.New(fault.Invalid, "%s mask %s is no network with a length", text, mask).WithHint("write it like 10.0.0.0/8")
	}
	return w.in(p)
}

func portProtos(word string) []uint32 {
	if n, _, _ := numberOf(word); n != 0 {
		return []uint32{n}
	}
	return []uint32{6, 17, 132}
}

func portrange(w words, text string) (rule, error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is no range of ports", text).WithHint("write it like 20000-20100")
	}
	low, err := number(from, 65535, "number of a port")
	if err != nil {
		return nil, err
	}
	high, err := number(to, 65535, "number of a port")
	return ports(min(low, high), max(low, high), w.way, portProtos(w.proto)...), err
}

// protocol is one by its number: of Ethernet, or of IP.
func protocol(of, text string) (rule, error) {
	if of != "ether" {
		n, err := number(text, 255, "number of a protocol of IP")
		return carried(n, of != "ip6", of != "ip"), err
	}
	n, err := number(text, 65535, "type of Ethernet")
	if err == nil && n < 0x600 {
		err = fault.New(fault.Invalid, "%s is a length, no type of Ethernet", text).WithHint("types begin at 0x600, such as 0x8892 for PROFINET")
	}
	return func(v view) cond { return v.kind(n) }, err
}

// number reads one as C writes it.
func number(text string, most uint64, what string) (uint32, error) {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil || n > most || strings.Contains(text, "_") {
		return 0, fault.New(fault.Invalid, "%q is no %s from 0 to %d", text, what, most).WithHint("names are not looked up, so write the number")
	}
	return uint32(n), nil
}

func hasWord(list, word string) bool { return strings.Contains(list, " "+word+" ") }
