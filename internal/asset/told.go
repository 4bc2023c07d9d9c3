package asset

// NameOf returns what a device is called and whether a person said so; any
// other name was written by the device.
func (r *Registry) NameOf(uid string) (name string, operator bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil {
		return "", false
	}
	ev := n.attr(KeyName)
	if ev.Value == "" {
		return n.byDefault(), false
	}
	return ev.Value, ev.Source == SourceOperator
}

// CriticalityOf returns how critical a device is, or "".
func (r *Registry) CriticalityOf(uid string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.byUID(uid); n != nil {
		return n.attr(KeyCriticality).Value
	}
	return ""
}

// ZoneOf returns the zone of a device; false: there is no such device. It costs no copy
// of the device, as [Registry.Get] does.
func (r *Registry) ZoneOf(uid string) (zone string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byUID(uid)
	if n == nil {
		return "", false
	}
	return n.value(KeyZone), true
}

// ZonesMeant reports whether one of the devices that [Registry.Find] finds is in a zone
// that is wanted, without copies of them. wants is called under the lock.
func (r *Registry) ZonesMeant(text string, wants func(zone string) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	is := false
	r.find(text, func(n *node) { is = is || wants(n.value(KeyZone)) })
	return is
}
