package behave

// Accept makes usual what was flagged of a device, when a person says it is
// benign: what it met is known from now on, its rates and its telemetry are
// learnt anew. It reports whether the device has a profile.
func (d *Detector) Accept(device string) bool {
	key := hash(device)
	p := d.table.find(key)
	if p != nil {
		for i, fp := range p.known.prints {
			if fp != 0 {
				p.known.states[i] = stateKnown | p.known.states[i]&dayMask
			}
		}
		p.stats, p.windows, p.win, p.toldAt, p.toldMax = [numMetrics]stat{}, 0, window{}, 0, 0
	}
	at, ok := d.series.index[key]
	if ok {
		*d.series.at(int(at)) = series{key: key}
	}
	delete(d.open.of, key)
	return p != nil || ok
}
