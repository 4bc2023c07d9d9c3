// Package intel owns what others know to be bad: indicators with their source,
// age, confidence and family, the readers' common form of them, and the
// compiled [Set] in which an event's addresses, names, URLs and hashes are
// looked up. Readers of feeds are in intel/feed, the kept feeds of a data
// directory in intel/library.
//
// It must not raise findings: detect/match asks the Set and judges. Every feed
// is untrusted text; what cannot be read is counted with its reason.
package intel

import (
	"strings"
	"time"
)

// Type is a kind of indicator.
type Type uint8

// The types of indicators. An Endpoint is an address with a port; a Path is a
// URL's path on whatever host.
const (
	None Type = iota
	IP
	Subnet
	Endpoint
	Domain
	URL
	Path
	MD5
	SHA1
	SHA256
	JA3
	JA4
	Email
	numTypes
)

var typeNames = [numTypes]string{"", "ip", "subnet", "ip:port", "domain", "url", "path", "md5", "sha1", "sha256", "ja3", "ja4", "email"}

// String returns the word for the type, such as ip:port.
func (t Type) String() string {
	if t < numTypes {
		return typeNames[t]
	}
	return ""
}

// Types returns the types in the order in which they are shown.
func Types() []Type {
	return []Type{IP, Subnet, Endpoint, Domain, URL, Path, MD5, SHA1, SHA256, JA3, JA4, Email}
}

// ParseType reads the word for a type; None if it is not one.
func ParseType(word string) Type {
	for t, name := range typeNames {
		if t > 0 && strings.EqualFold(name, word) {
			return Type(t)
		}
	}
	return None
}

// Observable returns the word that findings and events use for things of this
// type.
func (t Type) Observable() string {
	switch t {
	case IP, Subnet, Endpoint:
		return "ip"
	case Domain:
		return "domain"
	case URL, Path:
		return "url"
	case MD5, SHA1, SHA256:
		return "hash"
	default:
		return t.String()
	}
}

// TLP is the sharing mark of the Traffic Light Protocol.
type TLP uint8

// The marks, from the freest. Unmarked is what carries none.
const (
	Unmarked TLP = iota
	Clear
	Green
	Amber
	AmberStrict
	Red
)

var tlpNames = [...]string{"", "clear", "green", "amber", "amber+strict", "red"}

// String returns the mark as a word, such as amber; "" for none.
func (t TLP) String() string {
	if int(t) < len(tlpNames) {
		return tlpNames[t]
	}
	return ""
}

// ParseTLP reads a mark as feeds write it: "TLP:AMBER", "tlp:white", "red".
func ParseTLP(text string) (TLP, bool) {
	word := strings.ToLower(strings.TrimSpace(text))
	word = strings.TrimPrefix(word, "tlp:")
	if word == "white" {
		return Clear, true
	}
	for i, name := range tlpNames {
		if i > 0 && name == word {
			return TLP(i), true
		}
	}
	return Unmarked, false
}

// Indicator is one thing that a source says is bad. Value is in the normal
// form that [Parse] gives. The Set keeps First to the day and Until to the hour.
type Indicator struct {
	Type       Type      `json:"type"`
	Value      string    `json:"value"`
	Source     string    `json:"source"`
	Family     string    `json:"family,omitempty"` // malware, campaign or threat, as the source calls it
	Confidence int       `json:"confidence"`       // 1 to 100; 0: the source does not say
	First      time.Time `json:"first,omitzero"`
	Until      time.Time `json:"until,omitzero"` // zero: no end
	TLP        TLP       `json:"tlp,omitempty"`
	Chain
}

// MarshalText writes the type's word.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the type's word; what is none becomes None.
func (t *Type) UnmarshalText(text []byte) error {
	*t = ParseType(string(text))
	return nil
}

// MarshalText writes the mark's word.
func (t TLP) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the mark's word; what is none becomes Unmarked.
func (t *TLP) UnmarshalText(text []byte) error {
	*t, _ = ParseTLP(string(text))
	return nil
}
