// Package match raises a finding for each indicator that an event meets: the
// addresses of both ends, names that were asked for or spoken to, URLs, hashes
// of files and programs, TLS fingerprints, and mailboxes. The indicators are
// an [intel.Set], which may be swapped at any time.
//
// How bad it is follows from how sure the source is and from who began: a
// device of ours that calls out to an indicator is worse than one from outside
// that scans us. What the allow-list covers is counted, not told.
//
// It must not fetch feeds, nor change the event.
package match

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/intel"
)

// Config says what is worth a finding.
type Config struct {
	MinConfidence int // indicators that are less sure raise nothing, but are counted; 0: all
}

// Detector looks events up. Only Swap may be called from elsewhere while it is
// used.
type Detector struct {
	cfg Config
	set atomic.Pointer[intel.Set]

	newest  time.Time // of trusted times, for events without one
	allowed atomic.Int64
	unsure  atomic.Int64
	cut     atomic.Int64
	seen    []intel.Hit // of the event in hand
}

var (
	_ detect.Detector    = (*Detector)(nil)
	_ detect.Conditioner = (*Detector)(nil)
)

// maxHits bounds the findings of one event: an answer may list hundreds of
// addresses.
const maxHits = 8

// New makes a detector over a set; nil is an empty one.
func New(set *intel.Set, cfg Config) *Detector {
	d := &Detector{cfg: cfg}
	d.Swap(set)
	return d
}

// Swap puts another set in force, from the next event on.
func (d *Detector) Swap(set *intel.Set) {
	if set == nil {
		set = intel.Empty()
	}
	d.set.Store(set)
}

// Name implements [detect.Detector].
func (d *Detector) Name() string { return "indicators" }

// Inspect implements [detect.Detector].
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	at := e.TimeField()
	if !e.MetadataClockSuspect() && at.After(d.newest) {
		d.newest = at
	}
	if e.MetadataClockSuspect() || at.IsZero() {
		at = d.newest
	}
	look := lookup{Detector: d, set: d.set.Load(), e: e, at: at, raise: raise}
	d.seen = d.seen[:0]
	look.ends()
	look.names()
	look.files()
	look.prints()
	look.mail()
	look.extras()
}

// Conditions implements [detect.Conditioner].
func (d *Detector) Conditions() []detect.Condition {
	var out []detect.Condition
	add := func(code, text string, n int64) {
		if n > 0 {
			out = append(out, detect.Condition{Detector: d.Name(), Code: code, Text: text, Count: n})
		}
	}
	add("allowed", "indicators were met that the allow-list or our own ranges cover", d.allowed.Load())
	add("unsure", "indicators were met that are less sure than the configured least", d.unsure.Load())
	add("hits-full", "events met more indicators than are told of one event", d.cut.Load())
	return out
}

// lookup is one event that is being looked up.
type lookup struct {
	*Detector
	set   *intel.Set
	e     *event.Event
	at    time.Time
	raise detect.Raise
}

// role is where in the event something was met.
type role uint8

const (
	asSource role = iota
	asTarget
	asName
	asAnswer
	asURL
	asFile
	asProgram
	asPrint
	asMailbox
)

func (l *lookup) ends() {
	if ip := l.e.SrcEndpointIP(); ip != "" {
		l.address(ip, l.e.SrcEndpointPort(), asSource, event.SlotSrcEndpointIP)
	}
	if ip := l.e.DstEndpointIP(); ip != "" {
		l.address(ip, l.e.DstEndpointPort(), asTarget, event.SlotDstEndpointIP)
	}
}

func (l *lookup) address(text string, port int64, r role, slot event.Slot) {
	if !likeAddress(text) {
		return
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return
	}
	if hit, ok := l.set.Endpoint(a, port, l.at); ok {
		l.met(hit, r, slot)
	}
	if hit, ok := l.set.IP(a, l.at); ok {
		l.met(hit, r, slot)
	}
}

// likeAddress spares names the parser, whose error costs memory.
func likeAddress(text string) bool {
	colon := strings.IndexByte(text, ':') >= 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9', c == '.', c == ':':
		case colon && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'):
		default:
			return false
		}
	}
	return true
}

func (l *lookup) names() {
	l.name(l.e.QueryHostname(), event.SlotQueryHostname)
	l.name(l.e.TLSSNI(), event.SlotTLSSNI)
	l.name(l.e.SrcEndpointHostname(), event.SlotSrcEndpointHostname)
	l.name(l.e.DstEndpointHostname(), event.SlotDstEndpointHostname)
	for i, answer := range l.e.Answers() {
		if i >= maxAnswers {
			l.cut.Add(1)
			break
		}
		if answer == "" {
			continue
		}
		l.address(answer, 0, asAnswer, event.SlotAnswers)
		l.nameAs(answer, asAnswer, event.SlotAnswers)
	}
	l.url()
}

// maxAnswers bounds the answers of one event that are looked up.
const maxAnswers = 64

func (l *lookup) name(text string, slot event.Slot) {
	if text != "" {
		l.nameAs(text, asName, slot)
	}
}

func (l *lookup) nameAs(text string, r role, slot event.Slot) {
	if hit, ok := l.set.Domain(text, l.at); ok {
		l.met(hit, r, slot)
	}
}

func (l *lookup) url() {
	host, path := l.e.HTTPRequestURLHostname(), l.e.HTTPRequestURLPath()
	if host == "" && path == "" {
		return
	}
	if start := strings.Index(path, "://"); start > 0 && start < 8 { // a proxy is asked for the whole URL
		rest := path[start+3:]
		cut := strings.IndexByte(rest, '/')
		if cut < 0 {
			cut = len(rest)
		}
		host, path = rest[:cut], rest[cut:]
	}
	if host == "" {
		host = l.e.DstEndpointIP()
	}
	if cut := strings.IndexByte(host, ':'); cut < 0 {
		l.name(host, event.SlotHTTPRequestURLHostname)
	} else {
		l.name(host[:cut], event.SlotHTTPRequestURLHostname)
	}
	if hit, ok := l.set.URL(host, l.e.DstEndpointPort(), path, l.at); ok {
		l.met(hit, asURL, event.SlotHTTPRequestURLPath)
		return
	}
	if hit, ok := l.set.Path(path, l.at); ok {
		l.met(hit, asURL, event.SlotHTTPRequestURLPath)
	}
}

func (l *lookup) files() {
	for _, slot := range [...]event.Slot{event.SlotFileMd5, event.SlotFileSha1, event.SlotFileSha256} {
		if text := l.e.Str(slot); text != "" {
			if hit, ok := l.set.Hash(text, l.at); ok {
				l.met(hit, asFile, slot)
			}
		}
	}
}

func (l *lookup) prints() {
	l.text(intel.JA3, l.e.TLSJa3Hash(), asPrint, event.SlotTLSJa3Hash)
	l.text(intel.JA3, l.e.TLSJa3sHash(), asPrint, event.SlotTLSJa3sHash)
	l.text(intel.JA4, l.e.TLSJa4(), asPrint, event.SlotTLSJa4)
}

func (l *lookup) mail() {
	l.text(intel.Email, bare(l.e.EmailFrom()), asMailbox, event.SlotEmailFrom)
	for i, to := range l.e.EmailTo() {
		if i >= maxAnswers {
			l.cut.Add(1)
			break
		}
		l.text(intel.Email, bare(to), asMailbox, event.SlotEmailTo)
	}
}

func (l *lookup) text(t intel.Type, text string, r role, slot event.Slot) {
	if text == "" {
		return
	}
	if hit, ok := l.set.Text(t, text, l.at); ok {
		l.met(hit, r, slot)
	}
}

// bare takes the address out of "Name <address>".
func bare(text string) string {
	if from := strings.IndexByte(text, '<'); from >= 0 {
		if to := strings.IndexByte(text[from:], '>'); to > 0 {
			return text[from+1 : from+to]
		}
	}
	return text
}

// extras looks up hashes that sources keep under names of their own: Hashes of
// Sysmon (MD5=...,SHA256=...), md5, sha256 and the like.
func (l *lookup) extras() {
	if !l.set.Holds(intel.MD5) && !l.set.Holds(intel.SHA1) && !l.set.Holds(intel.SHA256) {
		return
	}
	for _, x := range l.e.Extras() {
		if len(x.Value) < 32 || !namesHash(x.Name) {
			continue
		}
		for rest := x.Value; rest != ""; {
			var part string
			part, rest, _ = strings.Cut(rest, ",")
			_, value, ok := strings.Cut(part, "=")
			if !ok {
				value = part
			}
			if hit, ok := l.set.Hash(strings.TrimSpace(value), l.at); ok {
				l.met(hit, asProgram, event.NumSlots)
			}
		}
	}
}

// namesHash tells names such as Hashes, Hash, file_sha256 and md5.
func namesHash(name string) bool {
	for i := range len(name) {
		switch name[i] {
		case 'h', 'H', 'm', 'M', 's', 'S':
			rest := name[i:]
			if foldPrefix(rest, "hash") || foldPrefix(rest, "md5") || foldPrefix(rest, "sha1") || foldPrefix(rest, "sha256") {
				return true
			}
		}
	}
	return false
}

func foldPrefix(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
