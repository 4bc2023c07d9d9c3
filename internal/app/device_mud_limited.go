package app

import (
	"context"
	"net/netip"
	"strconv"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/asset/mud"
	"vedette/internal/correlate"
	"vedette/internal/query"
)

// peersOutside hides with whom a device speaks outside of the zones of a context. That
// it does, by which protocol and to which port, is its own.
type peersOutside struct {
	sight
	zones []asset.Zone
}

// peersOutside returns what hides them; false: the context is not confined.
func (a *App) peersOutside(ctx context.Context) (peersOutside, bool) {
	sight, confined := a.sightOf(ctx)
	return peersOutside{sight, a.assets().Zones}, confined
}

// outside reports whether an address or name is that of a device outside of the zones,
// or would be: it lies in a subnet of others.
func (p peersOutside) outside(addr netip.Addr, name string) bool {
	if addr.IsValid() {
		if zone := asset.ZoneOf(p.zones, addr); zone != "" && !query.Sees(p.ctx, zone) || p.foreign(addr.Unmap().String()) {
			return true
		}
	}
	return name != "" && p.foreign(name)
}

// peerOf is the other side of an entry of a MUD file.
func peerOf(m *mud.Match, from bool) (netip.Prefix, string) {
	if from {
		return m.DstPrefix, m.DstName
	}
	return m.SrcPrefix, m.SrcName
}

// inFile reports whether a MUD file names somebody outside.
func (p peersOutside) inFile(f *mud.File) bool {
	for from, lists := range map[bool][]int{true: f.From, false: f.To} {
		for _, at := range lists {
			for i := range f.Lists[at].Entries {
				if prefix, name := peerOf(&f.Lists[at].Entries[i].Match, from); p.outside(prefix.Addr(), name) {
					return true
				}
			}
		}
	}
	return false
}

// policy is what may be told of a learnt policy. Of those outside one line of each
// protocol and port is left, so that they are not counted.
func (p peersOutside) policy(s *mudSeen, f *mud.File, rep mud.LearnReport, rpl mud.ReplayReport) api.DeviceMUD {
	out := api.DeviceMUD{Learnt: s.held, From: s.now.Add(-mudSpan), To: s.now, Allows: []api.MUDEntry{}, Cut: s.cut}
	seen, hidden := map[api.MUDEntry]bool{}, false
	for _, e := range allows(f) {
		addr, _ := netip.ParseAddr(e.Peer) // or it is a name
		if p.outside(addr, e.Peer) {
			e.Peer, hidden = correlate.Elsewhere, true
		}
		if !seen[e] {
			seen[e] = true
			out.Allows = append(out.Allows, e)
		}
	}
	out.Report = mud.LearnReport{Events: rep.Events, Flows: rep.Flows, Failed: rep.Failed, Rare: rep.Rare, Full: rep.Full, Entries: len(out.Allows)}
	for _, e := range out.Allows {
		out.Report.FromOnly += b2i(e.FromDevice)
	}
	if !hidden {
		out.Report = rep
	}
	out.Tested = p.tested(rpl)
	return out
}

func (p peersOutside) tested(rep mud.ReplayReport) api.MUDTest {
	all := tested(rep)
	at, lines := map[string]int{}, []api.MUDFlow{}
	for _, l := range all.Lines {
		addr, _ := netip.ParseAddr(l.Peer)
		if !p.outside(addr, l.Name) {
			lines = append(lines, l)
			continue
		}
		key := l.Verdict + strconv.FormatBool(l.FromDevice) + l.Protocol + " " + strconv.Itoa(l.Port)
		if n, known := at[key]; known {
			lines[n].Count += l.Count
			continue
		}
		at[key] = len(lines)
		l.Peer, l.Name, l.Lacks = correlate.Elsewhere, "", ""
		lines = append(lines, l)
	}
	all.Lines = lines
	return all
}
