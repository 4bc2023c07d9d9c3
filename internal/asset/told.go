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
