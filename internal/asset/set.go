package asset

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vedette/internal/fault"
)

// Criticalities are the values of the attribute, from least to most.
func Criticalities() []string { return []string{"low", "medium", "high", "critical"} }

// Levels are the values of the Purdue level.
func Levels() []string { return []string{"0", "1", "2", "3", "3.5", "4", "5"} }

// Set stores a person's word about a device. It wins over whatever was or will
// be learnt. An empty value takes the person's word back. Keys are the
// attributes, and "ip" and "mac", which add one to the device.
func (r *Registry) Set(uid string, key Key, value string) error {
	return r.SetIn(uid, key, value, func(string) bool { return true })
}

// SetIn is Set for somebody who sees some zones alone, which sees tells under the lock:
// a device that is in another one by now is not there.
func (r *Registry) SetIn(uid string, key Key, value string, sees func(zone string) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil || !sees(n.value(KeyZone)) {
		return fault.New(fault.NotFound, "setting %s of device %q: there is no such device", key, clean(uid)).
			WithHint("list the devices and use the uid, address or name shown there")
	}
	o := observation{at: r.now().UnixNano()}
	switch key {
	case "ip":
		addr, err := parseOwnIP(value)
		if err != nil {
			return err
		}
		return r.pin(&o, n, addr)
	case "mac":
		return r.giveMAC(&o, n, value)
	default:
	}
	value, err := r.checkValue(key, value)
	if err != nil {
		return err
	}
	r.assert(&o, n, key, value, "set by a person")
	return nil
}

// assert replaces an operator's earlier word on the attribute.
func (r *Registry) assert(o *observation, n *node, key Key, value, what string) {
	if is, ok := r.cfg.Renamed[value]; ok && key == KeyZone {
		value = is
	}
	n.forget(func(ev Evidence) bool { return ev.Key == key && ev.Source == SourceOperator })
	if key == KeyName {
		r.rename(n, value)
	}
	r.learn(o, n, Evidence{Key: key, Value: value, What: what, Source: SourceOperator, Confidence: 1})
	if key == KeyName {
		r.index(n, value)
		r.version++
	}
	n.inventory = n.inventory || value != ""
	r.zoned = false
	r.touch(n)
}

// rename lets log lines that name the operator's name resolve to the device.
func (r *Registry) rename(n *node, name string) {
	lower := strings.ToLower(name)
	if lower == "" || r.names[lower] != nil {
		return
	}
	r.names[lower] = n
	n.reported = append(n.reported, lower)
}

// checkValue validates and canonicalises an operator's value.
func (r *Registry) checkValue(key Key, value string) (string, error) {
	value = strings.TrimSpace(value)
	if keyIndex(key) < 0 {
		return "", fault.New(fault.Invalid, "setting a device's %q: there is no such attribute", clean(string(key))).WithHint("one of %s, ip, mac", keyList())
	}
	if !utf8.ValidString(value) || clean(value) != value {
		return "", fault.New(fault.Invalid, "setting a device's %s: the value has characters that cannot be shown, or more than %d", key, maxText)
	}
	if value == "" {
		return "", nil
	}
	switch key {
	case KeyType:
		return r.checkType(value)
	case KeyCriticality:
		return checkCriticality(value)
	case KeyLevel:
		return checkLevel(value)
	case KeyState:
		return checkState(value)
	default:
		return value, nil
	}
}

// checkType takes words of the vocabulary, and words of the operator's own as
// long as they are not a misspelling of one.
func (r *Registry) checkType(value string) (string, error) {
	if name, ok := r.types.Canonical(value); ok {
		return name, nil
	}
	if near := r.types.Near(value); near != "" {
		return "", fault.New(fault.Invalid, "setting a device's type to %q: not a known type", value).WithHint("did you mean %q?", near)
	}
	return strings.ToLower(value), nil
}

func checkCriticality(value string) (string, error) {
	switch v := strings.ToLower(value); v {
	case "low", "medium", "high", "critical":
		return v, nil
	case "1", "minor", "none":
		return "low", nil
	case "2", "med", "moderate", "normal":
		return "medium", nil
	case "3", "major":
		return "high", nil
	case "4", "crit", "very high", "safety", "safety critical", "safety-critical":
		return "critical", nil
	}
	return "", fault.New(fault.Invalid, "setting a device's criticality to %q", value).WithHint("one of %s", strings.Join(Criticalities(), ", "))
}

func checkLevel(value string) (string, error) {
	v := strings.ToLower(value)
	if v == "dmz" || v == "idmz" {
		return "3.5", nil
	}
	for _, prefix := range [...]string{"purdue", "level", "l"} {
		v = strings.TrimSpace(strings.TrimPrefix(v, prefix))
	}
	v = strings.ReplaceAll(v, ",", ".")
	v = strings.TrimSuffix(v, ".0")
	if slices.Contains(Levels(), v) {
		return v, nil
	}
	return "", fault.New(fault.Invalid, "setting a device's Purdue level to %q", value).WithHint("one of %s", strings.Join(Levels(), ", "))
}

func keyList() string {
	out := make([]string, len(allKeys))
	for i, k := range allKeys {
		out[i] = string(k)
	}
	return strings.Join(out, ", ")
}

func parseOwnIP(value string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(value))
	if err != nil {
		return addr, fault.New(fault.Invalid, "reading device address %q: not an IP address", clean(value))
	}
	addr = addr.Unmap().WithZone("")
	if s := scopeOf(addr); s == scopeNone || s == scopeLoopback {
		return addr, fault.New(fault.Invalid, "reading device address %q: a multicast, broadcast, loopback or unspecified address belongs to no device", clean(value))
	}
	return addr, nil
}

// pin gives an address to a device on an operator's word: traffic does not
// move it again. A device known by that address alone becomes part of it.
func (r *Registry) pin(o *observation, n *node, addr netip.Addr) error {
	a := r.ips.get(addr.String())
	switch {
	case a == nil:
		a = r.newAddress(addr)
		r.bind(n, a, o.at)
	case a.node == n:
	case a.pinned:
		return fault.New(fault.Conflict, "giving address %s to device %s: an operator gave it to %s", a.text, n.uid, a.node.uid).
			WithHint("take it from that device first")
	case len(a.node.macs) == 0 && !a.node.inventory:
		n = r.merge(o, n, a.node, "the inventory gives address "+a.text+" to this device")
	default:
		a.bound = min(a.bound, o.at)
		r.move(o, a, n)
	}
	a.pinned, a.ended = true, 0
	n.inventory = true
	r.touch(n)
	return nil
}

// giveMAC gives a MAC to a device on an operator's word.
func (r *Registry) giveMAC(o *observation, n *node, value string) error {
	mac, ok := CanonicalMAC(value)
	if !ok {
		return fault.New(fault.Invalid, "reading device MAC %q: not a MAC of a device", clean(value)).WithHint("write it as 00:11:22:33:44:55")
	}
	hw := r.hardwareOf(mac)
	switch {
	case hw == nil:
		return fault.New(fault.Limited, "adding MAC %s: the registry is full", mac)
	case hw.node == n:
	case hw.node == nil:
		r.attach(o, n, hw)
	case hw.node.inventory:
		return fault.New(fault.Conflict, "giving MAC %s to device %s: an operator's inventory has it at %s", mac, n.uid, hw.node.uid)
	default:
		r.merge(o, n, hw.node, "the inventory gives MAC "+mac+" to this device")
	}
	return nil
}

// clean makes a value that a device wrote fit to keep: valid UTF-8, no control
// or formatting characters, bounded. It returns s itself when nothing is wrong.
func clean(s string) string {
	s = strings.TrimSpace(s)
	fine := len(s) <= maxText
	for i := 0; fine && i < len(s); i++ {
		fine = s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != 0x7f
	}
	if fine {
		return s
	}
	var out strings.Builder
	letters := 0
	for _, r := range s {
		if letters == maxText {
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		out.WriteRune(r)
		letters++
	}
	return strings.TrimSpace(out.String())
}
