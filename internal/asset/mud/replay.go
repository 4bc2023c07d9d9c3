package mud

import (
	"cmp"
	"net/netip"
	"slices"

	"vedette/internal/event"
)

// Replay tests a file against the flows of one device, before it is put in
// force: what would be allowed, denied, and what hangs on something unknown. It
// is not safe for concurrent use.
type Replay struct {
	file    *File
	subject Subject
	site    Site
	names   *Names
	report  ReplayReport
	index   map[line]int
}

// ReplayReport is what a file says of flows.
type ReplayReport struct {
	Events  int        `json:"events"`
	Flows   int        `json:"flows"`
	Allowed int        `json:"allowed"`
	Denied  int        `json:"denied"`
	Unsure  int        `json:"unsure"`
	Lines   []FlowLine `json:"lines"` // flows of the same kind together, most first
	Cut     int        `json:"cut,omitempty"`
}

// FlowLine is one kind of flow with what the file says of it.
type FlowLine struct {
	FromDevice bool       `json:"from_device"`
	Peer       netip.Addr `json:"peer"`
	Name       string     `json:"name,omitempty"`
	Protocol   string     `json:"protocol"`
	Port       uint16     `json:"port"` // of the side that was addressed
	Count      int        `json:"count"`
	Evidence   string     `json:"evidence,omitempty"` // metadata.uid of the first
	Decision
}

type line struct {
	fromDevice bool
	peer       netip.Addr
	protocol   int
	port       uint16
	verdict    Verdict
}

const maxLines = 10_000

// NewReplay makes a test of the file for a device.
func NewReplay(f *File, subject Subject, site Site) *Replay {
	return &Replay{file: f, subject: subject, site: site, names: NewNames(), index: map[line]int{}}
}

// Observe takes in an event.
func (r *Replay) Observe(e *event.Event) {
	r.report.Events++
	r.names.Learn(e)
	f, ok := r.subject.Flow(e, r.names)
	if !ok {
		return
	}
	d := r.file.Decide(&f, &r.site)
	n := weight(e)
	r.report.Flows += n
	switch d.Verdict {
	case Allowed:
		r.report.Allowed += n
	case Denied:
		r.report.Denied += n
	case Unsure:
		r.report.Unsure += n
	}
	r.add(&f, d, e, n)
}

func (r *Replay) add(f *Flow, d Decision, e *event.Event, n int) {
	port := f.PeerPort
	if !f.FromDevice {
		port = f.DevicePort
	}
	key := line{f.FromDevice, f.Peer.Addr, f.Protocol, port, d.Verdict}
	if at, ok := r.index[key]; ok {
		r.report.Lines[at].Count += n
		return
	}
	if len(r.report.Lines) >= maxLines {
		r.report.Cut += n
		return
	}
	one := FlowLine{FromDevice: f.FromDevice, Peer: f.Peer.Addr, Protocol: protocolText(f.Protocol), Port: port, Count: n, Evidence: e.MetadataUID(), Decision: d}
	if len(f.Peer.Names) > 0 {
		one.Name = f.Peer.Names[0]
	}
	r.index[key] = len(r.report.Lines)
	r.report.Lines = append(r.report.Lines, one)
}

// Report returns the outcome so far.
func (r *Replay) Report() ReplayReport {
	out := r.report
	out.Lines = slices.Clone(out.Lines)
	slices.SortStableFunc(out.Lines, func(a, b FlowLine) int { return cmp.Compare(b.Count, a.Count) })
	return out
}
