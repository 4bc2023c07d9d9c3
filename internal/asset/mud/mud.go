// Package mud reads, tests, learns and writes MUD files (RFC 8520): what the
// maker of a device says that it needs to talk to. A file is two policies, from
// the device and to it, each a list of entries with what they match.
//
// A verdict has three values: what a file allows may hang on what is not known
// here, such as who is the device's controller or which name an address has;
// then it says so instead of guessing.
//
// It must not fetch a file, judge a device or enforce anything.
package mud

import (
	"net/netip"
	"time"
)

// File is one MUD file. Texts are what its author wrote, untrusted.
type File struct {
	URL           string    `json:"mud_url"`
	Version       int       `json:"version"`
	LastUpdate    time.Time `json:"last_update,omitzero"`
	CacheValidity int       `json:"cache_validity_hours"`
	Supported     bool      `json:"is_supported"`
	SystemInfo    string    `json:"systeminfo,omitempty"`
	Manufacturer  string    `json:"mfg_name,omitempty"`
	Model         string    `json:"model_name,omitempty"`
	Firmware      string    `json:"firmware_rev,omitempty"`
	Software      string    `json:"software_rev,omitempty"`
	Documentation string    `json:"documentation,omitempty"`
	Lists         []List    `json:"lists"`
	From          []int     `json:"from"` // lists of the from-device policy, in order
	To            []int     `json:"to"`
}

// List is one access control list.
type List struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"`
	Entries []Entry `json:"entries"`
}

// Entry is one access control entry.
type Entry struct {
	Name   string `json:"name"`
	Match  Match  `json:"match"`
	Accept bool   `json:"accept"` // false: drop or reject
}

// Match is what an entry matches; what is not set matches all.
type Match struct {
	// What RFC 8520 adds to say who the other side is.
	MyController     bool   `json:"my_controller,omitempty"`
	LocalNetworks    bool   `json:"local_networks,omitempty"`
	SameManufacturer bool   `json:"same_manufacturer,omitempty"`
	Controller       string `json:"controller,omitempty"`   // a class, such as urn:ietf:params:mud:dns
	Manufacturer     string `json:"manufacturer,omitempty"` // authority of the other side's MUD URL
	Model            string `json:"model,omitempty"`        // the other side's MUD URL
	Initiated        string `json:"initiated,omitempty"`    // from-device or to-device

	IP        int          `json:"ip,omitempty"`       // 4 or 6; 0: not said
	Protocol  int          `json:"protocol,omitempty"` // of IP; 0: not said
	SrcPrefix netip.Prefix `json:"src_prefix,omitzero"`
	DstPrefix netip.Prefix `json:"dst_prefix,omitzero"`
	SrcName   string       `json:"src_name,omitempty"`
	DstName   string       `json:"dst_name,omitempty"`
	SrcPort   Ports        `json:"src_port,omitzero"`
	DstPort   Ports        `json:"dst_port,omitzero"`
	ICMPType  int          `json:"icmp_type,omitempty"` // plus one; 0: not said
	ICMPCode  int          `json:"icmp_code,omitempty"` // plus one; 0: not said
	EtherType int          `json:"ethertype,omitempty"`
	SrcMAC    string       `json:"src_mac,omitempty"`
	DstMAC    string       `json:"dst_mac,omitempty"`

	// Unknown names what the entry also matches and is not understood here; such
	// an entry allows nothing for certain.
	Unknown []string `json:"unknown,omitempty"`
}

// Ports is a condition on a port.
type Ports struct {
	Op     string `json:"op"` // eq, neq, lte, gte, range; "": none
	Lo, Hi uint16
}

// The protocols that entries name.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// Has reports whether the condition holds; without a port (0) it is not known
// to hold and does not.
func (p Ports) Has(port uint16) bool {
	switch p.Op {
	case "":
		return true
	case "eq":
		return port == p.Lo
	case "neq":
		return port != p.Lo
	case "lte":
		return port <= p.Lo
	case "gte":
		return port >= p.Lo
	case "range":
		return port >= p.Lo && port <= p.Hi
	}
	return false
}

// Count is how many entries there are.
type Count struct {
	Lists   int `json:"lists"`
	Entries int `json:"entries"`
	From    int `json:"from_device"` // entries of the from-device policy
	To      int `json:"to_device"`
	Unknown int `json:"not_understood"` // entries with something that is not understood
}

// Count counts the entries.
func (f *File) Count() Count {
	c := Count{Lists: len(f.Lists)}
	for _, l := range f.Lists {
		c.Entries += len(l.Entries)
		for i := range l.Entries {
			if len(l.Entries[i].Match.Unknown) > 0 {
				c.Unknown++
			}
		}
	}
	for _, i := range f.From {
		c.From += len(f.Lists[i].Entries)
	}
	for _, i := range f.To {
		c.To += len(f.Lists[i].Entries)
	}
	return c
}
