// Package claim reads from an event what a device says of itself: the answers
// of protocols that ask who is there, and the words with which services greet.
//
// A claim is text that a device wrote. The package gives each a confidence by
// the way it was told, translates words for a kind of device by a fixed list,
// and must not know devices or decide what is believed.
package claim

import (
	"strings"

	"vedette/internal/asset/fingerprint"
	"vedette/internal/asset/oui"
	"vedette/internal/event"
)

// Side says which device of an event speaks.
type Side uint8

// The sides.
const (
	Subject Side = iota // of device.ip or device.mac
	Source
	Destination
)

// The keys of values: attributes of a device by the names that package asset
// uses, and the programs it runs.
const (
	Name     = "name"
	Type     = "type"
	Vendor   = "vendor"
	Model    = "model"
	Firmware = "firmware"
	Serial   = "serial"
	Location = "location"
	OS       = "os"
	Software = "software"
)

// Value is one thing that a device says of itself. What is our own sentence.
type Value struct {
	Side       Side
	Key, Value string
	What       string
	Confidence float64
	Banner     bool // told by a greeting rather than when asked
}

// Reader reads claims. It is not safe for concurrent use, and what Read returns
// is valid until the next call, so that reading the same claims again and again
// allocates nothing.
type Reader struct {
	prints  *fingerprint.Set
	out     []Value
	ways    map[string]*way
	vendors map[string]string
	kinds   map[string]string
}

// maxSeen bounds what is remembered of forged sources and vendors.
const maxSeen = 1024

// New makes a reader; prints may be nil.
func New(prints *fingerprint.Set) *Reader {
	return &Reader{prints: prints, ways: map[string]*way{}, vendors: map[string]string{}, kinds: map[string]string{}}
}

// Read returns what the event says.
func (r *Reader) Read(e *event.Event) []Value {
	r.out = r.out[:0]
	if e.Has(event.SlotIdentitySource) {
		r.told(e)
		return r.out
	}
	r.greetings(e)
	return r.out
}

// told reads the identity.* fields.
func (r *Reader) told(e *event.Event) {
	source := e.IdentitySource()
	w := r.way(source)
	add := func(key, value string, confidence float64) {
		if Meaningful(value) {
			r.out = append(r.out, Value{Subject, key, value, w.what, confidence, w.banner})
		}
	}
	add(Vendor, r.shortVendor(e.IdentityVendor()), w.confidence)
	add(Model, e.IdentityModel(), w.confidence)
	add(Firmware, e.IdentityFirmware(), w.confidence)
	add(Serial, e.IdentitySerial(), w.confidence)
	add(OS, e.IdentityOs(), w.confidence)
	add(Location, e.IdentityLocation(), min(w.confidence, aside))
	add(Name, e.IdentityName(), min(w.confidence, aside))
	add(Type, r.kindOf(e.IdentityType(), source), w.confidence-0.02)
	if banner := e.IdentityBanner(); banner != "" {
		r.greeting(Subject, source, banner)
	}
}

// kindOf is KindOf, and by the phrases of CIP where they are used.
func (r *Reader) kindOf(word, source string) string {
	if word == "" {
		return ""
	}
	kind, ok := r.kinds[word]
	if !ok {
		kind = KindOf(word)
		if len(r.kinds) < maxSeen && len(word) <= 64 {
			r.kinds[strings.Clone(word)] = kind
		}
	}
	if kind == "" && source == "enip identity" {
		return CIPProfile(word)
	}
	return kind
}

// shortVendor spells a maker as the table of MAC vendors does.
func (r *Reader) shortVendor(name string) string {
	if name == "" {
		return ""
	}
	if short, ok := r.vendors[name]; ok {
		return short
	}
	short := oui.ShortVendor(name)
	if len(r.vendors) < maxSeen && len(name) <= 256 {
		r.vendors[strings.Clone(name)] = strings.Clone(short)
	}
	return short
}

// Meaningful refuses the words with which sensors and devices say that there
// is nothing to say.
func Meaningful(s string) bool {
	if len(s) > 12 {
		return !strings.HasPrefix(s, "Unknown ")
	}
	for _, nothing := range [...]string{"", "-", "(empty)", "n/a", "none", "unknown", "null", "not set", "default", "undefined"} {
		if strings.EqualFold(s, nothing) {
			return false
		}
	}
	return !strings.HasPrefix(s, "Unknown ")
}
