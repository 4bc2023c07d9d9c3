package mud

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"vedette/internal/fault"
)

// The JSON of RFC 8520, in the order in which its examples have it.
type outFile struct {
	MUD  outHead `json:"ietf-mud:mud"`
	ACLs outACLs `json:"ietf-access-control-list:acls"`
}

type outHead struct {
	Version       int        `json:"mud-version"`
	URL           string     `json:"mud-url"`
	LastUpdate    string     `json:"last-update,omitempty"`
	CacheValidity int        `json:"cache-validity,omitempty"`
	Supported     bool       `json:"is-supported"`
	SystemInfo    string     `json:"systeminfo,omitempty"`
	Manufacturer  string     `json:"mfg-name,omitempty"`
	Model         string     `json:"model-name,omitempty"`
	Firmware      string     `json:"firmware-rev,omitempty"`
	Software      string     `json:"software-rev,omitempty"`
	Documentation string     `json:"documentation,omitempty"`
	From          *outPolicy `json:"from-device-policy,omitempty"`
	To            *outPolicy `json:"to-device-policy,omitempty"`
}

type outPolicy struct {
	Lists struct {
		List []outName `json:"access-list"`
	} `json:"access-lists"`
}

type outName struct {
	Name string `json:"name"`
}

type outACLs struct {
	ACL []outList `json:"acl"`
}

type outList struct {
	Name    string     `json:"name"`
	Type    string     `json:"type"`
	Entries outEntries `json:"aces"`
}

type outEntries struct {
	ACE []outEntry `json:"ace"`
}

type outEntry struct {
	Name    string         `json:"name"`
	Matches map[string]any `json:"matches"`
	Actions struct {
		Forwarding string `json:"forwarding"`
	} `json:"actions"`
}

// Write returns the file as RFC 8520 JSON. An entry with something that was not
// understood cannot be written: it would mean something else.
func Write(f *File) ([]byte, error) {
	out := outFile{MUD: outHead{
		Version: f.Version, URL: f.URL, LastUpdate: lastUpdate(f.LastUpdate), CacheValidity: f.CacheValidity, Supported: f.Supported,
		SystemInfo: f.SystemInfo, Manufacturer: f.Manufacturer, Model: f.Model, Firmware: f.Firmware, Software: f.Software, Documentation: f.Documentation,
		From: f.outPolicy(f.From), To: f.outPolicy(f.To),
	}}
	out.ACLs.ACL = make([]outList, 0, len(f.Lists))
	for _, l := range f.Lists {
		list := outList{Name: l.Name, Type: l.Type}
		list.Entries.ACE = make([]outEntry, 0, len(l.Entries))
		for i := range l.Entries {
			e := &l.Entries[i]
			if len(e.Match.Unknown) > 0 {
				return nil, fault.New(fault.Invalid, "writing a MUD file: the match %s of the entry %q is not understood", e.Match.Unknown[0], e.Name)
			}
			one := outEntry{Name: e.Name, Matches: e.Match.out()}
			one.Actions.Forwarding = "drop"
			if e.Accept {
				one.Actions.Forwarding = "accept"
			}
			list.Entries.ACE = append(list.Entries.ACE, one)
		}
		out.ACLs.ACL = append(out.ACLs.ACL, list)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a MUD file")
	}
	return append(data, '\n'), nil
}

func (f *File) outPolicy(lists []int) *outPolicy {
	if len(lists) == 0 {
		return nil
	}
	p := &outPolicy{}
	for _, i := range lists {
		p.Lists.List = append(p.Lists.List, outName{f.Lists[i].Name})
	}
	return p
}

// out returns the containers of matches.
func (m *Match) out() map[string]any {
	all := map[string]any{}
	put := func(group, field string, v any, set bool) {
		if !set {
			return
		}
		g, ok := all[group].(map[string]any)
		if !ok {
			g = map[string]any{}
			all[group] = g
		}
		g[field] = v
	}
	const mud = "ietf-mud:mud"
	null := []any{nil} // how YANG writes that something is there
	put(mud, "my-controller", null, m.MyController)
	put(mud, "local-networks", null, m.LocalNetworks)
	put(mud, "same-manufacturer", null, m.SameManufacturer)
	put(mud, "controller", m.Controller, m.Controller != "")
	put(mud, "manufacturer", m.Manufacturer, m.Manufacturer != "")
	put(mud, "model", m.Model, m.Model != "")
	m.outIP(all, put)
	m.outTransport(all, put)
	put("eth", "ethertype", fmt.Sprintf("0x%04x", m.EtherType), m.EtherType != 0)
	put("eth", "source-mac-address", m.SrcMAC, m.SrcMAC != "")
	put("eth", "destination-mac-address", m.DstMAC, m.DstMAC != "")
	return all
}

func (m *Match) outIP(all map[string]any, put func(string, string, any, bool)) {
	if m.IP == 0 {
		return
	}
	group := "ipv4"
	if m.IP == 6 {
		group = "ipv6"
	}
	all[group] = map[string]any{}
	put(group, "protocol", m.Protocol, m.Protocol != 0)
	put(group, "ietf-acldns:src-dnsname", m.SrcName, m.SrcName != "")
	put(group, "ietf-acldns:dst-dnsname", m.DstName, m.DstName != "")
	put(group, "source-"+group+"-network", m.SrcPrefix.String(), m.SrcPrefix.IsValid())
	put(group, "destination-"+group+"-network", m.DstPrefix.String(), m.DstPrefix.IsValid())
}

func (m *Match) outTransport(all map[string]any, put func(string, string, any, bool)) {
	group := ""
	switch m.Protocol {
	case TCP:
		group = "tcp"
	case UDP:
		group = "udp"
	case ICMP, ICMPv6:
		group = "icmp"
	}
	if group != "" && m.IP == 0 {
		all[group] = map[string]any{} // nothing else says the protocol
	}
	put(group, "source-port", m.SrcPort.out(), m.SrcPort.Op != "")
	put(group, "destination-port", m.DstPort.out(), m.DstPort.Op != "")
	put(group, "type", m.ICMPType-1, m.ICMPType > 0)
	put(group, "code", m.ICMPCode-1, m.ICMPCode > 0)
	if m.Protocol == TCP {
		put(group, "ietf-mud:direction-initiated", m.Initiated, m.Initiated != "")
	} else {
		put("ietf-mud:mud", "direction-initiated", m.Initiated, m.Initiated != "")
	}
}

// lastUpdate is empty for a file that does not say.
func lastUpdate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func (p Ports) out() map[string]any {
	if p.Op == "range" {
		return map[string]any{"lower-port": p.Lo, "upper-port": p.Hi}
	}
	return map[string]any{"operator": p.Op, "port": p.Lo}
}

// prefixOf is an address alone as a prefix.
func prefixOf(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// portText is a port for an entry's name.
func portText(port uint16) string {
	if port == 0 {
		return "any"
	}
	return strconv.Itoa(int(port))
}
