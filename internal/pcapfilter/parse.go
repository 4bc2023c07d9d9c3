package pcapfilter

import (
	"vedette/internal/fault"
)

// parser reads the words of a filter. As in tcpdump, and and or bind alike from left
// to right, and a value without words before it has those of the one before.
type parser struct {
	words []string
	at    int
	depth int
	last  *words
}

// words are what stands before a value.
type words struct {
	proto string // ether, ip, tcp and so on; empty: all that fit
	way   way
	sided bool   // the way is said
	what  string // host, net, port, portrange, proto; empty: host
}

func (p *parser) peek() string {
	if p.at < len(p.words) {
		return p.words[p.at]
	}
	return ""
}

func (p *parser) take(list ...string) string {
	for _, w := range list {
		if p.peek() == w {
			p.at++
			return w
		}
	}
	return ""
}

func (p *parser) whole() (rule, error) {
	if len(p.words) == 0 {
		return nil, fault.New(fault.Invalid, "an empty filter").WithHint("leave it out to take all packets")
	}
	r, err := p.expr()
	if err == nil && p.at < len(p.words) {
		err = fault.New(fault.Invalid, "%q is not expected after %q", p.peek(), p.words[p.at-1]).WithHint("join parts with and, or; %s", listed)
	}
	return r, err
}

func (p *parser) expr() (rule, error) {
	left, err := p.term()
	for err == nil {
		join := p.take("and", "or")
		if join == "" {
			return left, nil
		}
		var right rule
		if right, err = p.term(); err == nil {
			left = joined(join, left, right)
		}
	}
	return nil, err
}

func joined(by string, a, b rule) rule {
	if by == "and" {
		return func(v view) cond { return allOf(a(v), b(v)) }
	}
	return func(v view) cond { return anyOf(a(v), b(v)) }
}

func (p *parser) term() (rule, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fault.New(fault.Invalid, "a filter with more than %d levels of parentheses and not", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.take("not", "!") != "" {
		r, err := p.term()
		if err != nil {
			return nil, err
		}
		return func(v view) cond { return cond{op: not, of: []cond{r(v)}} }, nil
	}
	if p.take("(") != "" {
		return p.closed()
	}
	return p.primitive()
}

// closed reads what is in parentheses.
func (p *parser) closed() (rule, error) {
	r, err := p.expr()
	if err == nil && p.take(")") == "" {
		err = fault.New(fault.Invalid, "a parenthesis is not closed")
	}
	return r, err
}

// primitive reads words and a value, a value, or a word that stands alone.
func (p *parser) primitive() (rule, error) {
	first := p.peek()
	if first == "" {
		return nil, fault.New(fault.Invalid, "the filter ends where more is expected").WithHint(listed)
	}
	if p.take("vlan") != "" {
		return p.vlan()
	}
	if p.take("broadcast", "multicast") != "" {
		return ends(first), nil
	}
	begun := p.at
	w, err := p.before()
	if err != nil {
		return nil, err
	}
	if p.at == begun {
		if p.last == nil {
			return nil, noAddress(first)
		}
		return p.value(*p.last)
	}
	if w.proto == "ether" && !w.sided && w.what == "" {
		if g := p.take("broadcast", "multicast"); g != "" {
			return ends(g), nil
		}
		return nil, fault.New(fault.Invalid, "%q behind %s: host, src, dst, proto, broadcast or multicast is expected", p.peek(), first).WithHint("such as ether host 00:1b:1b:00:00:01")
	}
	if !w.sided && w.what == "" {
		return alone(w.proto), nil
	}
	p.last = &w
	if p.take("(") != "" {
		return p.closed()
	}
	return p.value(w)
}

// before reads the words before a value.
func (p *parser) before() (words, error) {
	w := words{proto: p.take("ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp")}
	if w.proto == "link" {
		w.proto = "ether"
	}
	if side := p.take("src", "dst"); side != "" {
		w.sided = true
		w.way = map[string]way{"src": source, "dst": target}[side]
		other := map[string]string{"src": "dst", "dst": "src"}[side]
		if p.at+1 < len(p.words) && p.words[p.at+1] == other {
			if join := p.take("or", "and"); join != "" {
				p.at++
				w.way = map[string]way{"or": either, "and": both}[join]
			}
		}
	}
	w.what = p.take("host", "net", "port", "portrange", "proto")
	return w, w.problem()
}

// problem is what words do not go together.
func (w words) problem() error {
	fits := map[string]string{
		"host": " ether ip ip6 arp rarp ", "net": " ip ip6 arp rarp ", "port": " tcp udp sctp ", "portrange": " tcp udp sctp ",
		"proto": " ether ip ip6 ", "": " ether ip ip6 arp rarp ",
	}
	if (w.sided || w.what != "") && w.proto != "" && !hasWord(fits[w.what], w.proto) {
		if w.what == "" {
			return fault.New(fault.Invalid, "%s with src or dst needs port or portrange behind it", w.proto).WithHint("such as %s dst port 502", w.proto)
		}
		return fault.New(fault.Invalid, "%s is nothing that %s has", w.what, w.proto).WithHint(listed)
	}
	if w.what == "proto" && w.sided {
		return fault.New(fault.Invalid, "a protocol has no src and no dst").WithHint(listed)
	}
	return nil
}

// alone is a protocol without a value.
func alone(proto string) rule {
	kinds := map[string]uint32{"ip": typeIP, "ip6": typeIP6, "arp": typeARP, "rarp": typeRARP}
	if k, ok := kinds[proto]; ok {
		return func(v view) cond { return v.kind(k) }
	}
	return carried(numberOf(proto))
}

func ends(word string) rule {
	if word == "multicast" {
		return group
	}
	return hardware([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, target)
}

// vlan reads the number behind vlan, if there is one.
func (p *parser) vlan() (rule, error) {
	next := p.peek()
	if next == "" || next[0] < '0' || next[0] > '9' {
		return func(v view) cond { return v.vlan(0, false) }, nil
	}
	p.at++
	id, err := number(next, 4095, "number of a VLAN")
	return func(v view) cond { return v.vlan(id, true) }, err
}
