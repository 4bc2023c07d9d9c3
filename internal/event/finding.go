package event

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"
)

// The families of findings: what kind of judgement raised one.
const (
	FamilySigma     = "sigma"     // a rule
	FamilyBehaviour = "behaviour" // a device does what it never did
	FamilyIndicator = "indicator" // threat intelligence names what was met
	FamilyPolicy    = "policy"    // a zone, conduit or MUD file does not allow it
	FamilySource    = "source"    // an alert of another tool, as it came in
)

// FindingProduct is metadata.product of the findings that are ours; a
// Detection Finding of another product is an alert that came in.
const FindingProduct = "vedette-detect"

// Finding is a judgement about one or more events. It is stored as an OCSF
// Detection Finding, so that questions see it like any event.
type Finding struct {
	UID        string   `json:"uid"`    // see FindingUID: the same judgement about the same event has the same uid
	Rule       string   `json:"rule"`   // id of the rule, model or list that raised it, stable over versions
	Title      string   `json:"title"`  // what a person reads; our or the rule author's words, never a device's
	Family     string   `json:"family"` // one of the Family words
	Severity   Severity `json:"severity"`
	Confidence float64  `json:"confidence"`           // 0 to 1; 0: not said
	Techniques []string `json:"techniques,omitempty"` // ATT&CK and ATLAS ids in upper case, such as T0855
	// Vulnerabilities are the CVE ids that the rule or the other tool's rule is
	// about, at most MaxVulnerabilities.
	Vulnerabilities []string `json:"vulnerabilities,omitempty"`

	Time     time.Time    `json:"time"`             // of the newest event it is about
	First    time.Time    `json:"first"`            // of the oldest
	Count    int          `json:"count"`            // events it stands for, at least 1
	Device   string       `json:"device,omitempty"` // uid of the device concerned
	Src      Side         `json:"src,omitzero"`
	Dst      Side         `json:"dst,omitzero"`
	Entities []Observable `json:"entities,omitempty"` // what else it is about: users, domains, files, hashes
	Reasons  []Reason     `json:"reasons,omitempty"`
	Evidence []string     `json:"evidence,omitempty"` // metadata.uid of events, oldest first, at most MaxEvidence
	Labels   Labels       `json:"labels,omitzero"`
}

// MaxEvidence is how many event uids a finding names; Count says how many
// there were.
const MaxEvidence = 20

// Side is one end of what happened, as the event gives it.
type Side struct {
	UID  string `json:"uid,omitempty"`
	IP   string `json:"ip,omitempty"`
	Port int64  `json:"port,omitempty"`
}

// Observable is a named thing that findings can have in common. Type is an
// OCSF observable word in lower case: ip, mac, hostname, user, url, domain,
// hash, file, process, email, ja3, ja4. Value is untrusted.
type Observable struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Reason is one checkable cause of a judgement. Observed and Usual are text as
// a person reads it, with units; they may quote what a device wrote.
type Reason struct {
	Feature  string  `json:"feature"`
	Observed string  `json:"observed"`
	Usual    string  `json:"usual,omitempty"`
	Weight   float64 `json:"weight,omitempty"` // share of the score, 0 to 1
}

// String returns the reason in one line.
func (r Reason) String() string {
	text := r.Feature
	if r.Observed != "" {
		text += ": " + r.Observed
	}
	if r.Usual != "" {
		text += " (usual: " + r.Usual + ")"
	}
	return text
}

// Labels travel with data: the highest confidentiality of the evidence.
type Labels struct {
	Confidentiality string `json:"confidentiality,omitempty"`
}

// FindingUID is the identity of a finding: the rule, what it groups by, and
// the first event of it. The same log read again gives the same uids.
func FindingUID(rule, key, event string) string {
	return shortHex(sha256.Sum256([]byte(rule + "\x00" + key + "\x00" + event)))
}

// NewFinding starts a finding about one event: time, ends, device, label and
// evidence are the event's. The caller adds rule, title, severity and reasons;
// UID is made of the rule and the event, see [FindingUID].
func NewFinding(rule string, e *Event) Finding {
	at := e.TimeField()
	return Finding{
		UID: FindingUID(rule, "", e.MetadataUID()), Rule: rule, Time: at, First: at, Count: 1,
		Device:   strings.Clone(e.DeviceUID()),
		Src:      Side{strings.Clone(e.SrcEndpointUID()), strings.Clone(e.SrcEndpointIP()), e.SrcEndpointPort()},
		Dst:      Side{strings.Clone(e.DstEndpointUID()), strings.Clone(e.DstEndpointIP()), e.DstEndpointPort()},
		Evidence: []string{strings.Clone(e.MetadataUID())},
		Labels:   Labels{strings.Clone(e.LabelConfidentiality())},
	}
}

// Event returns the finding as an OCSF Detection Finding. Its metadata.uid is
// the finding's UID; raw is its JSON, from which [FindingOf] reads it back.
func (f *Finding) Event() (*Event, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, err // a number that JSON cannot write
	}
	e := new(Event)
	e.SetTimeField(f.Time)
	e.SetMetadataUID(f.UID)
	e.SetMetadataLogName(FindingProduct + "/" + f.Family)
	e.SetMetadataProduct(FindingProduct)
	e.SetMetadataSource(FindingProduct)
	e.SetClassUID(int64(DetectionFinding))
	e.SetActivityName("Create")
	e.SetSeverityId(int64(f.Severity))
	e.SetCountField(int64(max(f.Count, 1)))
	e.SetRawField(string(raw))
	e.SetLabelIntegrity(Untrusted) // reasons and entities quote what devices wrote
	e.SetLabelConfidentiality(f.Labels.Confidentiality)
	e.SetDeviceUID(f.Device)
	f.setSides(e)
	e.SetFindingInfoTitle(f.Title)
	e.SetFindingInfoUID(f.Rule)
	e.SetFindingInfoCategory(f.Family)
	e.SetFindingInfoTechniques(f.Techniques)
	e.SetFindingInfoRelatedEvents(f.Evidence)
	reasons := make([]string, len(f.Reasons))
	for i, r := range f.Reasons {
		reasons[i] = r.String()
	}
	e.SetFindingInfoReasons(reasons)
	e.SetMessage(f.Title)
	if len(reasons) > 0 {
		e.SetMessage(f.Title + ": " + strings.Join(reasons, "; "))
	}
	return e, nil
}

func (f *Finding) setSides(e *Event) {
	e.SetSrcEndpointUID(f.Src.UID)
	e.SetSrcEndpointIP(f.Src.IP)
	if f.Src.Port != 0 {
		e.SetSrcEndpointPort(f.Src.Port)
	}
	e.SetDstEndpointUID(f.Dst.UID)
	e.SetDstEndpointIP(f.Dst.IP)
	if f.Dst.Port != 0 {
		e.SetDstEndpointPort(f.Dst.Port)
	}
}

// FindingOf reads a Detection Finding back: one of ours from its raw JSON, an
// alert of another tool from its fields (Family is then FamilySource). It
// reports false for events of other classes and for ones that are damaged.
func FindingOf(e *Event) (Finding, bool) {
	if Class(e.ClassUID()) != DetectionFinding {
		return Finding{}, false
	}
	if e.MetadataProduct() == FindingProduct {
		var f Finding
		if json.Unmarshal([]byte(e.RawField()), &f) != nil || f.UID == "" || f.UID != e.MetadataUID() {
			return Finding{}, false
		}
		return f, true
	}
	f := NewFinding(e.FindingInfoUID(), e)
	f.UID, f.Family, f.Title = strings.Clone(e.MetadataUID()), FamilySource, strings.Clone(e.FindingInfoTitle())
	if f.Rule = strings.Clone(f.Rule); f.Rule == "" {
		f.Rule = f.Title
	}
	f.Severity = max(Severity(e.SeverityId()), Informational)
	for _, t := range e.FindingInfoTechniques() {
		f.Techniques = append(f.Techniques, strings.Clone(t))
	}
	f.Vulnerabilities = alertCVEs(f.Title, e.RawField())
	f.Count = int(max(e.CountField(), 1))
	return f, true
}
