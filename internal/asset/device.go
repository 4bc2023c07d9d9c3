package asset

import (
	"slices"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/store"
)

// Key names an attribute of a device.
type Key string

// The attributes, by the names that queries and inventories use.
const (
	KeyName        Key = "name"
	KeyType        Key = "type"
	KeyVendor      Key = "vendor"
	KeyModel       Key = "model"
	KeyFirmware    Key = "firmware"
	KeySerial      Key = "serial"
	KeyLocation    Key = "location"
	KeyZone        Key = "zone"
	KeyLevel       Key = "level"
	KeyCriticality Key = "criticality"
	KeyOwner       Key = "owner"
	KeyOS          Key = "os"
	KeyState       Key = "state"
)

// The kinds of evidence that are no attribute of their own.
const (
	keyIdentity Key = "identity" // merges, splits, moves
	keySoftware Key = "software"
)

var allKeys = [...]Key{KeyName, KeyType, KeyVendor, KeyModel, KeyFirmware, KeySerial, KeyLocation, KeyZone, KeyLevel, KeyCriticality, KeyOwner, KeyOS, KeyState}

// Keys returns the attributes in the order in which they are shown.
func Keys() []Key { return slices.Clone(allKeys[:]) }

const numKeys = len(allKeys)

func keyIndex(k Key) int { return slices.Index(allKeys[:], k) }

// Source says where the registry has a value from.
type Source string

// The sources, from the most to the least trusted.
const (
	SourceOperator Source = "operator" // a person, by an inventory or by hand
	SourceZone     Source = "zone"     // the configured subnets
	SourceOUI      Source = "oui"      // the IEEE listing of MAC prefixes
	SourceTraffic  Source = "traffic"  // what it was seen to serve and speak
	SourceLease    Source = "dhcp"     // what it told the DHCP server
	SourceReport   Source = "report"   // what it writes about itself in its own log lines
	SourceIdentity Source = "identity" // what it answered when asked who it is
	SourceBanner   Source = "banner"   // the words that its services greet with
	SourceBill     Source = "bill"     // its own bill of materials
	SourceRule     Source = "rule"     // computed, see Lifecycle
	SourceAddress  Source = "address"  // nothing better is known than its address
)

// Integrity returns the label of a value from this source: operator, system
// (computed by us) or untrusted (written by the device).
func (s Source) Integrity() string {
	switch s {
	case SourceOperator:
		return event.Operator
	case SourceZone, SourceOUI, SourceTraffic, SourceAddress, SourceRule:
		return event.System
	case SourceLease, SourceReport, SourceIdentity, SourceBanner, SourceBill:
	}
	return event.Untrusted
}

// Attribute is the value of one attribute and why it is believed.
type Attribute struct {
	Value      string    `json:"value"`
	Source     Source    `json:"source"`
	Confidence float64   `json:"confidence"`
	Since      time.Time `json:"since"`
	Event      string    `json:"event,omitempty"`
}

// Evidence is one reason to believe something about a device. What is our own
// sentence; the Value may have been written by the device.
type Evidence struct {
	Key        Key       `json:"key"`
	Value      string    `json:"value"`
	What       string    `json:"what"`
	Source     Source    `json:"source"`
	Confidence float64   `json:"confidence"`
	Since      time.Time `json:"since"`
	Event      string    `json:"event,omitempty"`
}

// Device is what is known of one device: a copy that the caller may keep.
type Device struct {
	UID        string
	Attributes map[Key]Attribute // the believed ones
	Evidence   []Evidence
	IPs        []string // bound now
	MACs       []string
	Hostnames  []string // names it gave itself, untrusted
	Software   []string
	Serves     []string  // protocols it was seen to answer
	Speaks     []string  // protocols it was seen to use as a client
	MergedFrom []string  // uids that are now this device
	Gateway    bool      // forwards traffic of others
	Bindings   []Binding // addresses over time, oldest first
	Changes    []Change  // merges and splits, oldest first
	Firmware   []Run     // which firmware was told when, in the order in which it began
	FirstSeen  time.Time
	LastSeen   time.Time
}

// Value returns the believed value of an attribute, or "".
func (d Device) Value(k Key) string { return d.Attributes[k].Value }

// Name returns what the device is called: an operator's word if there is one,
// else what it calls itself, else its address.
func (d Device) Name() string {
	if v := d.Value(KeyName); v != "" {
		return v
	}
	switch {
	case len(d.IPs) > 0:
		return d.IPs[0]
	case len(d.MACs) > 0:
		return d.MACs[0]
	}
	return d.UID
}

// NameSource says who chose the name. A planner may resolve names of
// [SourceOperator] freely; others are text that a device wrote.
func (d Device) NameSource() Source {
	if a, ok := d.Attributes[KeyName]; ok && a.Value != "" {
		return a.Source
	}
	return SourceAddress
}

// Rows returns the device as queries see it, and a row under each uid that it
// had before a merge, by which older events find it.
func (d Device) Rows() []store.Device {
	rows := []store.Device{d.Row()}
	for _, uid := range d.MergedFrom {
		row := rows[0]
		row.UID, row.AliasOf = uid, d.UID
		rows = append(rows, row)
	}
	return rows
}

// Row returns the device as queries see it.
func (d Device) Row() store.Device {
	return store.Device{
		UID: d.UID, Name: d.Name(), Type: d.Value(KeyType), Vendor: d.Value(KeyVendor), Model: d.Value(KeyModel),
		Firmware: d.Value(KeyFirmware), Zone: d.Value(KeyZone), Level: d.Value(KeyLevel), Criticality: d.Value(KeyCriticality),
		Owner: d.Value(KeyOwner), Serial: d.Value(KeySerial), OS: d.Value(KeyOS), State: d.Value(KeyState), Location: d.Value(KeyLocation),
		Evidence: int64(len(d.Evidence)), IPs: d.IPs, MACs: d.MACs, FirstSeen: d.FirstSeen, LastSeen: d.LastSeen,
	}
}

// The bounds on what is remembered of one device.
const (
	maxEvidence  = 48
	maxIPs       = 32
	maxMACs      = 8
	maxHostnames = 8
	maxSoftware  = 24
	maxPolled    = 16
	maxMerged    = 128
	maxText      = 128 // letters of a value that a device wrote
)

// node is a device inside the registry.
type node struct {
	// What most events read, together:
	last       int64
	first      int64
	savedLast  int64
	serves     protocols // by what the traffic said
	guessed    protocols // by port number alone
	speaks     protocols
	uid        string
	chosen     [numKeys]int8 // position in evidence of what is believed, plus one
	state      lifeState     // as it was when last computed, see sweep
	publishes  bool
	programmed bool // it changed the program of a controller
	evidence   []Evidence
	polled     []*node // OT servers that it asked
	conf       string  // confidentiality of its zone

	bindings  []Binding // past ones
	runs      []Run     // of firmware, in the order in which they began
	changes   []Change
	apart     []string // uids that a person keeps apart from it
	ips       []*address
	macs      []*hardware
	reported  []string // lower-case names it reports under, see Registry.names
	hostnames []string
	software  []string
	merged    []string
	inventory bool // an operator named it
	gateway   bool
	dirty     bool
	kept      bool // was handed out to be kept
	gone      bool // merged into another
}

// believe records evidence and takes the value over if nothing better is
// known. It reports whether anything changed and does not allocate when not.
func (n *node) believe(ev Evidence) bool {
	ev.Value = clean(ev.Value)
	if ev.Value == "" {
		return false
	}
	for i := range n.evidence {
		old := &n.evidence[i]
		if old.Key == ev.Key && old.Value == ev.Value && old.Source == ev.Source && (old.What == ev.What || old.Confidence >= ev.Confidence) {
			return n.confirm(i, ev)
		}
	}
	ev.Value, ev.Event = strings.Clone(ev.Value), strings.Clone(ev.Event) // they may be pieces of many lines
	if !n.keep(ev) {
		return false
	}
	n.choose(ev.Key)
	return true
}

// confirm notes that known evidence i was seen again. Only a value that comes
// back after another one, such as an old firmware, changes anything.
func (n *node) confirm(i int, ev Evidence) bool {
	at := keyIndex(ev.Key)
	if at < 0 {
		return false
	}
	now := n.attr(ev.Key)
	if now.Value == ev.Value || now.Source != ev.Source || now.Confidence > ev.Confidence || !ev.Since.After(now.Since) {
		return false
	}
	ev.Value, ev.What, ev.Event = n.evidence[i].Value, n.evidence[i].What, strings.Clone(ev.Event)
	n.evidence[i] = ev
	n.choose(ev.Key)
	return true
}

// keep adds evidence; when the list is full the weakest that no person gave
// and nothing rests on makes room.
func (n *node) keep(ev Evidence) bool {
	if len(n.evidence) < maxEvidence {
		n.evidence = append(n.evidence, ev)
		return true
	}
	weakest := -1
	for i := range n.evidence {
		if n.evidence[i].Source == SourceOperator || n.believes(i) {
			continue
		}
		if weakest < 0 || n.evidence[i].Confidence < n.evidence[weakest].Confidence {
			weakest = i
		}
	}
	if weakest < 0 || n.evidence[weakest].Confidence > ev.Confidence {
		return false
	}
	n.evidence[weakest] = ev
	return true
}

// choose sets an attribute to the best evidence for it: a person's word, then
// confidence, then the newest.
func (n *node) choose(k Key) {
	at := keyIndex(k)
	if at < 0 {
		return
	}
	best, chosen := &Evidence{}, 0
	for i := range n.evidence {
		ev := &n.evidence[i]
		if ev.Key == k && better(ev, best) {
			best, chosen = ev, i+1
		}
	}
	n.chosen[at] = int8(chosen) // at most maxEvidence
}

func better(ev, than *Evidence) bool {
	if mine, theirs := ev.Source == SourceOperator, than.Source == SourceOperator; mine != theirs {
		return mine
	}
	if ev.Confidence != than.Confidence {
		return ev.Confidence > than.Confidence
	}
	return ev.Since.After(than.Since)
}

// forget drops evidence and chooses again what rested on it.
func (n *node) forget(drop func(Evidence) bool) {
	before := len(n.evidence)
	n.evidence = slices.DeleteFunc(n.evidence, drop)
	if len(n.evidence) == before {
		return
	}
	for _, k := range allKeys {
		n.choose(k)
	}
}

// attr returns the evidence that an attribute rests on; its value is empty when
// there is none.
func (n *node) attr(k Key) Evidence {
	if i := n.chosen[keyIndex(k)]; i > 0 {
		return n.evidence[i-1]
	}
	return Evidence{}
}

// believes reports whether an attribute rests on evidence i.
func (n *node) believes(i int) bool {
	at := keyIndex(n.evidence[i].Key)
	return at >= 0 && int(n.chosen[at]) == i+1
}

// export copies the node.
func (n *node) export() Device {
	d := Device{
		UID: n.uid, Attributes: make(map[Key]Attribute), Evidence: slices.Clone(n.evidence),
		Hostnames: slices.Clone(n.hostnames), Software: slices.Clone(n.software), MergedFrom: slices.Clone(n.merged),
		Serves: (n.serves | n.guessed).names(), Speaks: n.speaks.names(), Gateway: n.gateway,
		FirstSeen: instant(n.first), LastSeen: instant(n.last),
	}
	for _, k := range allKeys {
		if ev := n.attr(k); ev.Value != "" {
			d.Attributes[k] = Attribute{Value: ev.Value, Source: ev.Source, Confidence: ev.Confidence, Since: ev.Since, Event: ev.Event}
		}
	}
	d.Bindings, d.Changes, d.Firmware = n.bindingsNow(), slices.Clone(n.changes), slices.Clone(n.runs)
	d.IPs, d.MACs = n.addresses()
	return d
}

// byDefault is the name of a device that has none, as [Device.Name] gives it.
func (n *node) byDefault() string {
	var first *address
	for _, a := range n.ips {
		if a.ended == 0 && (first == nil || compareAddrs(a.addr, first.addr) < 0) {
			first = a
		}
	}
	if first != nil {
		return first.text
	}
	best := ""
	for _, h := range n.macs {
		if best == "" || h.mac < best {
			best = h.mac
		}
	}
	if best != "" {
		return best
	}
	return n.uid
}

func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
