package app

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/asset/mud"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

// mudSpan is how far back a policy is learnt from, as vedette mud learn does
// without more words; the last mudHeld of it are tested.
const (
	mudSpan = 30 * 24 * time.Hour
	mudHeld = 24 * time.Hour
)

// mudSeen is what is stored of a device's flows in two times.
type mudSeen struct {
	device        asset.Device
	subject       mud.Subject
	now, held     time.Time
	before, after []*event.Event
	cut           bool
}

// DeviceMUD learns a policy of what a device was seen to do in 30 days but the
// last, and tells what that says of the last.
func (a *App) DeviceMUD(ctx context.Context, device string) (api.DeviceMUD, error) {
	s, err := a.mudSeen(ctx, device, mudHeld)
	if err != nil {
		return api.DeviceMUD{}, err
	}
	f, rep := s.learn(a.cfg.Now())
	t := mud.NewReplay(f, s.subject, mud.Site{})
	for _, e := range s.after {
		t.Observe(e)
	}
	if hide, confined := a.peersOutside(ctx); confined {
		return hide.policy(&s, f, rep, t.Report()), nil
	}
	return api.DeviceMUD{Learnt: s.held, From: s.now.Add(-mudSpan), To: s.now, Report: rep, Allows: allows(f), Tested: tested(t.Report()), Cut: s.cut}, nil
}

// DeviceMUDFile is a MUD file (RFC 8520) of all that a device was seen to do in
// 30 days.
func (a *App) DeviceMUDFile(ctx context.Context, device string) (api.File, error) {
	s, err := a.mudSeen(ctx, device, 0)
	if err != nil {
		return api.File{}, err
	}
	f, rep := s.learn(a.cfg.Now())
	if rep.Entries == 0 {
		return api.File{}, fault.New(fault.NotFound, "no flow of %.100s was seen in 30 days", device)
	}
	if hide, confined := a.peersOutside(ctx); confined && hide.inFile(f) {
		return api.File{}, fault.New(fault.Denied, "the policy of %.100s names devices outside of your zones, and without them it would close what the device needs", device).
			WithHint("look at it without format=mud, or ask a person who sees all zones for the file")
	}
	data, err := mud.Write(f)
	return api.File{Name: "mud-" + s.device.UID + ".json", Kind: "application/mud+json", Data: data}, err
}

func (a *App) mudSeen(ctx context.Context, device string, held time.Duration) (mudSeen, error) {
	d, err := a.FindDevice(ctx, device)
	if err != nil {
		return mudSeen{}, err
	}
	s := mudSeen{device: d, subject: mud.Subject{UID: d.UID, MACs: d.MACs}}
	for _, text := range d.IPs {
		if ip, err := netip.ParseAddr(text); err == nil {
			s.subject.Addrs = append(s.subject.Addrs, ip)
		}
	}
	if s.now, err = a.nowOf(ctx, time.Time{}); err != nil {
		return s, err
	}
	s.held = s.now.Add(-held)
	if s.before, err = a.mudEvents(ctx, &s, s.now.Add(-mudSpan), s.held); err != nil || held == 0 {
		return s, err
	}
	s.after, err = a.mudEvents(ctx, &s, s.held, s.now.Add(time.Second))
	return s, err
}

func (a *App) mudEvents(ctx context.Context, s *mudSeen, from, to time.Time) ([]*event.Event, error) {
	var out []*event.Event
	schema := event.NewSchema()
	when := fmt.Sprintf("from %s to %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	ctx = query.Unconfined(ctx) // a policy without what crosses zones would close it; whom it is with is then hidden
	for _, text := range mud.Stored(s.device.UID, when) {
		q, err := query.ParseText(text)
		if err != nil {
			return nil, err
		}
		table, err := a.tools.QueryLoose(ctx, q, s.now)
		if err != nil {
			return nil, err
		}
		s.cut = s.cut || table.Total > int64(len(table.Rows))
		for _, row := range table.Rows {
			out = append(out, mud.RowEvent(schema, table.Columns, row))
		}
	}
	return out, nil
}

func (s *mudSeen) learn(now time.Time) (*mud.File, mud.LearnReport) {
	l := mud.NewLearner(s.subject, mud.Site{})
	for _, e := range s.before {
		l.Observe(e)
	}
	return l.File(mud.About{
		URL: "https://example.invalid/mud/" + s.device.UID, SystemInfo: "learnt from the traffic of " + s.device.Name(), Now: now,
		Manufacturer: s.device.Value(asset.KeyVendor), Model: s.device.Value(asset.KeyModel), Firmware: s.device.Value(asset.KeyFirmware),
	})
}

// maxMUDLines is how many kinds of flows are told.
const maxMUDLines = 300

// tested puts what is outside of the policy first.
func tested(rep mud.ReplayReport) api.MUDTest {
	out := api.MUDTest{Flows: rep.Flows, Allowed: rep.Allowed, Denied: rep.Denied, Unsure: rep.Unsure, Lines: []api.MUDFlow{}, Cut: rep.Cut > 0 || len(rep.Lines) > maxMUDLines}
	slices.SortStableFunc(rep.Lines, func(a, b mud.FlowLine) int {
		return cmp.Compare(b2i(a.Verdict == mud.Allowed), b2i(b.Verdict == mud.Allowed))
	})
	for _, l := range rep.Lines[:min(len(rep.Lines), maxMUDLines)] {
		out.Lines = append(out.Lines, api.MUDFlow{
			Verdict: l.Verdict.String(), FromDevice: l.FromDevice, Peer: l.Peer.String(), Name: l.Name, Protocol: l.Protocol, Port: int(l.Port), Count: l.Count, Lacks: l.Lacks,
		})
	}
	return out
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// allows is what the lists of a learnt file accept, each habit once: the answers
// go without saying.
func allows(f *mud.File) []api.MUDEntry {
	out := []api.MUDEntry{}
	add := func(lists []int, from bool) {
		for _, at := range lists {
			for _, e := range f.Lists[at].Entries {
				if m := &e.Match; e.Accept && !answers(m, from) {
					out = append(out, inShort(m, from))
				}
			}
		}
	}
	add(f.From, true)
	add(f.To, false)
	return out
}

// answers reports whether an entry is for the answers to another: it names the
// port of who sends, or the other side began.
func answers(m *mud.Match, from bool) bool {
	return m.DstPort.Op == "" && (m.SrcPort.Op != "" || m.Initiated != "" && (m.Initiated == "from-device") != from)
}

func inShort(m *mud.Match, from bool) api.MUDEntry {
	peer, name := m.DstPrefix, m.DstName
	if !from {
		peer, name = m.SrcPrefix, m.SrcName
	}
	one := api.MUDEntry{FromDevice: from, Protocol: mud.ProtocolWord(m.Protocol), Port: "any", Peer: name}
	switch {
	case m.LocalNetworks:
		one.Peer = "local networks"
	case one.Peer == "" && peer.IsValid():
		one.Peer = peer.Addr().String()
	}
	if m.DstPort.Op != "" {
		one.Port = strconv.Itoa(int(m.DstPort.Lo))
	}
	return one
}
