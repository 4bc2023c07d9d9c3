package policy

import (
	"fmt"
	"strings"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
)

// techniqueWrite is ATT&CK for ICS: unauthorised command message.
const techniqueWrite = "T0855"

// crossing is traffic between zones that nothing allows.
func (d *Detector) crossing(e *event.Event, from, to string, conduits []*Conduit, t *traffic) event.Finding {
	rule, title := "policy/zones", "Traffic between zones that no conduit allows"
	usual := "no conduit leads from " + from + " to " + to
	severity := event.Medium
	if from == to {
		title, usual = "Traffic within a zone whose devices may not talk to each other", "nothing within "+from
	}
	if len(conduits) > 0 {
		c := d.nearest(conduits)
		rule, title = "policy/conduit/"+c.Name, "Traffic that the conduit "+c.Name+" does not allow"
		if t.write && c.readOnly() {
			title = "A write through the read-only conduit " + c.Name
		}
		var allowed []string
		for _, c := range conduits {
			allowed = append(allowed, c.Name+": "+c.String())
		}
		usual = strings.Join(allowed, "; ")
		if c.Severity > 0 {
			severity = c.Severity
		}
	}
	if t.write {
		severity = max(severity, event.High)
	}
	f := d.begin(rule, e, severity)
	f.Title = title
	if t.write {
		f.Techniques = []string{techniqueWrite}
	}
	f.Reasons = append(f.Reasons,
		event.Reason{Feature: "from zone " + clone(from) + " to zone " + clone(to), Observed: t.String(), Usual: clone(usual), Weight: 1})
	return f
}

// nearest is the conduit that a violation is told of: the one whose zones are
// named, before those for any zone.
func (d *Detector) nearest(conduits []*Conduit) *Conduit {
	best := conduits[0]
	for _, c := range conduits[1:] {
		if best.wide() && !c.wide() {
			best = c
		}
	}
	return best
}

func (c *Conduit) wide() bool { return named(c.From, "") || named(c.To, "") }

// readOnly reports whether all that the conduit allows is reading.
func (c *Conduit) readOnly() bool {
	if c.ReadOnly {
		return true
	}
	for _, r := range c.Allow {
		if !r.ReadOnly {
			return false
		}
	}
	return len(c.Allow) > 0
}

// beyond is a flow that a device's MUD file does not allow.
func (d *Detector) beyond(e *event.Event, b *Binding, f *mud.Flow, got mud.Decision) event.Finding {
	side, port := "to", f.PeerPort
	if !f.FromDevice {
		side, port = "from", f.DevicePort
	}
	out := d.begin("policy/mud/"+b.Name, e, event.Medium)
	out.Device = clone(e.DstEndpointUID())
	if f.FromDevice {
		out.Device = clone(e.SrcEndpointUID())
	}
	out.Title = "A device does what its MUD file " + b.Name + " does not allow"
	observed := fmt.Sprintf("%s port %d %s %s", mud.ProtocolWord(f.Protocol), port, side, f.Peer.Addr)
	if len(f.Peer.Names) > 0 {
		observed += " (" + strings.Join(f.Peer.Names, ", ") + ")"
	}
	c := b.File.Count()
	usual := fmt.Sprintf("the file allows %d kinds of traffic from the device and %d to it, and this is none of them", c.From, c.To)
	if got.Entry != "" {
		usual = "the entry " + got.List + "/" + got.Entry + " drops it"
	}
	out.Reasons = append(out.Reasons, event.Reason{Feature: "MUD file of " + b.what(), Observed: observed, Usual: usual, Weight: 1})
	return out
}

// begin starts a finding; in monitor mode it is of low severity and says so.
func (d *Detector) begin(rule string, e *event.Event, severity event.Severity) event.Finding {
	f := event.NewFinding(rule, e)
	f.Family, f.Confidence, f.Severity = event.FamilyPolicy, 1, severity
	if d.cfg.Monitor {
		f.Severity = min(severity, event.Low)
		f.Reasons = []event.Reason{{Feature: "monitor mode", Observed: "the policy only watches; it would be of " + severityWord(severity) + " severity"}}
	}
	return f
}

func severityWord(s event.Severity) string {
	switch {
	case s >= event.Critical:
		return "critical"
	case s == event.High:
		return "high"
	case s == event.Medium:
		return "medium"
	}
	return "low"
}

func clone(s string) string { return strings.Clone(s) }
