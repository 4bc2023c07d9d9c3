package match

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/intel"
)

// met judges one hit.
func (l *lookup) met(hit intel.Hit, r role, slot event.Slot) {
	for i := range l.seen {
		if l.seen[i].Type == hit.Type && l.seen[i].Value == hit.Value {
			return // the same name in two fields
		}
	}
	switch {
	case hit.Allowed != "":
		l.allowed.Add(1)
		return
	case hit.Confidence < l.cfg.MinConfidence:
		l.unsure.Add(1)
		return
	case len(l.seen) >= maxHits:
		l.cut.Add(1)
		return
	}
	l.seen = append(l.seen, hit)
	l.raise(l.finding(hit, r, slot))
}

// way is who began.
type way uint8

const (
	unclear way = iota
	outbound
	inbound
)

// direction tells who began: the end that is ours calls out.
func (l *lookup) direction(r role) way {
	switch r {
	case asTarget, asName, asURL, asPrint:
		if ours(l.e.SrcEndpointUID(), l.e.SrcEndpointIP()) || l.e.SrcEndpointIP() == "" {
			return outbound
		}
		return unclear
	case asSource:
		return inbound
	default:
		return unclear
	}
}

// ours tells a device that is known, or an address that is never on the
// internet.
func ours(uid, ip string) bool {
	if uid != "" {
		return true
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && intel.IsLocal(a)
}

// severity follows from how sure the source is, and from who began.
func (l *lookup) severity(hit intel.Hit, r role, w way) event.Severity {
	s := event.Low
	switch {
	case hit.Confidence >= 75:
		s = event.High
	case hit.Confidence >= 40:
		s = event.Medium
	}
	switch {
	case w == inbound, hit.Type == intel.Path: // whoever scans us; a path that others may have too
		s--
	case w == unclear && r == asAnswer:
		s--
	}
	if w == inbound && failed(l.e.ConnectionInfoState()) {
		s--
	}
	return max(s, event.Informational)
}

// failed tells Zeek's states of a connection that never was.
func failed(state string) bool { return state == "S0" || state == "REJ" || state == "RSTOS0" }

func (l *lookup) finding(hit intel.Hit, r role, slot event.Slot) event.Finding {
	w := l.direction(r)
	f := event.NewFinding("indicator/"+hit.Type.String()+"/"+hit.Value, l.e)
	f.Family, f.Confidence, f.Severity = event.FamilyIndicator, float64(hit.Confidence)/100, l.severity(hit, r, w)
	f.Title = title(hit, r, w)
	f.Entities = []event.Observable{{Type: hit.Type.Observable(), Value: observable(hit)}}
	if hit.TLP >= intel.Amber && f.Labels.Confidentiality != event.Restricted {
		f.Labels.Confidentiality = event.Confidential
	}
	if hit.TLP == intel.Red {
		f.Labels.Confidentiality = event.Restricted
	}
	f.Reasons = l.reasons(hit, slot)
	return f
}

func title(hit intel.Hit, r role, w way) string {
	what := map[role]string{
		asSource: "contact from an address", asTarget: "contact with an address", asName: "contact with a name",
		asAnswer: "a DNS answer", asURL: "a request for a URL", asFile: "a file", asProgram: "a program",
		asPrint: "a TLS fingerprint", asMailbox: "a mailbox",
	}[r]
	if w == outbound && (r == asTarget || r == asName) {
		what = strings.Replace(what, "contact", "outbound contact", 1)
	}
	of := " of " + hit.Family
	if hit.Family == "" {
		of = ""
	}
	return what + " that is an indicator" + of
}

// observable is what other findings may have in common with this one: of a
// subnet nothing but itself, of an endpoint its address.
func observable(hit intel.Hit) string {
	if hit.Type == intel.Endpoint {
		if ap, err := netip.ParseAddrPort(hit.Value); err == nil {
			return ap.Addr().String()
		}
	}
	return hit.Value
}

func (l *lookup) reasons(hit intel.Hit, slot event.Slot) []event.Reason {
	field := "a hash of the source"
	value := hit.Value
	if slot < event.NumSlots {
		field = event.FieldOf(slot).Name
		if text := l.e.Str(slot); text != "" {
			value = strings.Clone(text)
		}
	}
	out := []event.Reason{
		{Feature: field, Observed: value, Weight: 1},
		{Feature: "indicator", Observed: hit.Type.String() + " " + hit.Value},
		{Feature: "source", Observed: strings.Join(append([]string{hit.Source}, hit.Others...), ", ")},
	}
	if hit.Family != "" {
		out = append(out, event.Reason{Feature: "family", Observed: hit.Family})
	}
	for _, part := range [...]struct{ feature, text string }{{"campaign", hit.Campaign}, {"actor", hit.Actor}, {"techniques of it", hit.Techniques}} {
		if part.text != "" {
			out = append(out, event.Reason{Feature: part.feature, Observed: part.text})
		}
	}
	out = append(out, event.Reason{Feature: "confidence", Observed: confidence(hit)})
	if !hit.First.IsZero() {
		out = append(out, event.Reason{Feature: "listed since", Observed: hit.First.Format(time.DateOnly)})
	}
	if !hit.Until.IsZero() {
		out = append(out, event.Reason{Feature: "valid until", Observed: hit.Until.Format("2006-01-02 15:04 UTC")})
	}
	return out
}

// confidence words how sure it is, and what the source had said when that counts
// less by now.
func confidence(hit intel.Hit) string {
	if hit.Stated > 0 {
		return fmt.Sprintf("%d of 100 by its age; the source said %d", hit.Confidence, hit.Stated)
	}
	return fmt.Sprintf("%d of 100", hit.Confidence)
}
