package mud

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// matcher reads what one entry matches.
type matcher struct {
	*parser
	where string
	out   *Match
}

// group reads a container of matches: ietf-mud:mud, ipv4, tcp, ... Older drafts
// have l2, l3 and l4 around them.
func (m *matcher) group(name string, in map[string]json.RawMessage, depth int) {
	for _, key := range keys(in) {
		raw, field := in[key], local(key)
		switch field {
		case "mud", "ipv4", "ipv6", "tcp", "udp", "icmp", "eth", "l2", "l3", "l4":
			var sub map[string]json.RawMessage
			if depth >= 3 || json.Unmarshal(raw, &sub) != nil {
				m.unknown(key)
				continue
			}
			m.enter(field)
			m.group(field, sub, depth+1)
			continue
		}
		if !m.field(name, field, raw) {
			m.unknown(strings.TrimPrefix(name+"/"+key, "/"))
		}
	}
}

func (m *matcher) unknown(what string) {
	what = clean(what)
	if len(m.out.Unknown) < 16 {
		m.out.Unknown = append(m.out.Unknown, what)
	}
	m.note(true, m.where, "the match %s is not understood; the entry allows nothing for certain", what)
}

// enter sets what the name of a container says by itself.
func (m *matcher) enter(group string) {
	switch group {
	case "ipv4":
		m.out.IP = 4
	case "ipv6":
		m.out.IP = 6
	case "tcp":
		m.protocol(TCP)
	case "udp":
		m.protocol(UDP)
	case "icmp":
		m.protocol(ICMP)
	}
}

func (m *matcher) protocol(n int) {
	if m.out.Protocol+n == ICMP+ICMPv6 { // one container serves both
		n = ICMPv6
	} else if m.out.Protocol != 0 && m.out.Protocol != n {
		m.unknown(fmt.Sprintf("protocols %d and %d at once", m.out.Protocol, n))
	}
	m.out.Protocol = n
}

// field reads one match of a container; false when it is not understood.
func (m *matcher) field(group, field string, raw json.RawMessage) bool {
	switch group {
	case "mud":
		return m.mudField(field, raw)
	case "ipv4", "ipv6":
		return m.ipField(group, field, raw)
	case "tcp", "udp":
		switch field {
		case "direction-initiated":
			return group == "tcp" && text(raw, &m.out.Initiated) && (m.out.Initiated == "from-device" || m.out.Initiated == "to-device")
		case "source-port", "source-port-range-or-operator":
			return ports(raw, &m.out.SrcPort)
		case "destination-port", "destination-port-range-or-operator":
			return ports(raw, &m.out.DstPort)
		}
	case "icmp":
		switch field {
		case "type":
			return number(raw, 255, &m.out.ICMPType, 1)
		case "code":
			return number(raw, 255, &m.out.ICMPCode, 1)
		}
	case "eth":
		switch field {
		case "ethertype":
			return etherType(raw, &m.out.EtherType)
		case "source-mac-address":
			return mac(raw, &m.out.SrcMAC)
		case "destination-mac-address":
			return mac(raw, &m.out.DstMAC)
		}
	}
	return false
}

func (m *matcher) mudField(field string, raw json.RawMessage) bool {
	switch field {
	case "my-controller":
		m.out.MyController = true
	case "local-networks":
		m.out.LocalNetworks = true
	case "same-manufacturer":
		m.out.SameManufacturer = true
	case "controller":
		return text(raw, &m.out.Controller)
	case "manufacturer":
		return text(raw, &m.out.Manufacturer)
	case "model":
		return text(raw, &m.out.Model)
	case "direction-initiated": // some makers put it here
		return text(raw, &m.out.Initiated) && (m.out.Initiated == "from-device" || m.out.Initiated == "to-device")
	default:
		return false
	}
	return true
}

func (m *matcher) ipField(group, field string, raw json.RawMessage) bool {
	switch field {
	case "src-dnsname":
		return name(raw, &m.out.SrcName)
	case "dst-dnsname":
		return name(raw, &m.out.DstName)
	case "protocol":
		return m.protocolField(raw)
	case "source-" + group + "-network":
		return prefix(raw, group, &m.out.SrcPrefix)
	case "destination-" + group + "-network":
		return prefix(raw, group, &m.out.DstPrefix)
	}
	return false
}

var protocolNames = map[string]int{"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMPv6, "igmp": 2, "esp": 50, "gre": 47, "sctp": 132}

func (m *matcher) protocolField(raw json.RawMessage) bool {
	var n int
	var word string
	if json.Unmarshal(raw, &word) == nil {
		var ok bool
		if n, ok = protocolNames[strings.ToLower(word)]; !ok {
			return false
		}
	} else if !number(raw, 255, &n, 0) || n == 0 {
		return false
	}
	m.protocol(n)
	return true
}

func text(raw json.RawMessage, to *string) bool {
	var s string
	if json.Unmarshal(raw, &s) != nil || s == "" || len(s) > 2048 || s != clean(s) {
		return false
	}
	*to = s
	return true
}

// name reads a DNS name, which has no case and no dot at its end.
func name(raw json.RawMessage, to *string) bool {
	var s string
	if !text(raw, &s) {
		return false
	}
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	*to = s
	return s != ""
}

func prefix(raw json.RawMessage, group string, to *netip.Prefix) bool {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return false
		}
		p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
	}
	*to = p.Masked()
	return to.IsValid() && to.Addr().Is4() == (group == "ipv4")
}

// number reads a whole number of 0 to most, which JSON may have as text; plus
// is added so that 0 can be told from nothing.
func number(raw json.RawMessage, most int, to *int, plus int) bool {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil || n < 0 || n > most {
		return false
	}
	*to = n + plus
	return true
}

type rawPorts struct {
	Operator string          `json:"operator"`
	Port     json.RawMessage `json:"port"`
	Lower    json.RawMessage `json:"lower-port"`
	Upper    json.RawMessage `json:"upper-port"`
}

func ports(raw json.RawMessage, to *Ports) bool {
	var in rawPorts
	var lo, hi int
	if number(raw, 65535, &lo, 0) { // a bare number
		*to = Ports{"eq", uint16(lo), 0} //nolint:gosec // G115: checked
		return true
	}
	if json.Unmarshal(raw, &in) != nil {
		return false
	}
	if in.Lower != nil || in.Upper != nil {
		if !number(in.Lower, 65535, &lo, 0) || in.Upper != nil && !number(in.Upper, 65535, &hi, 0) {
			return false
		}
		if in.Upper == nil {
			hi = lo
		}
		*to = Ports{"range", uint16(lo), uint16(hi)} //nolint:gosec // G115: checked
		return lo <= hi
	}
	switch in.Operator {
	case "eq", "neq", "lte", "gte":
	case "":
		in.Operator = "eq"
	default:
		return false
	}
	if !number(in.Port, 65535, &lo, 0) {
		return false
	}
	*to = Ports{in.Operator, uint16(lo), 0} //nolint:gosec // G115: checked
	return true
}

func etherType(raw json.RawMessage, to *int) bool {
	n, err := strconv.ParseUint(strings.Trim(string(raw), `"`), 0, 16)
	*to = int(n)
	return err == nil && n > 0
}

func mac(raw json.RawMessage, to *string) bool {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return false
	}
	hw, err := net.ParseMAC(s)
	*to = hw.String()
	return err == nil && len(hw) == 6
}
