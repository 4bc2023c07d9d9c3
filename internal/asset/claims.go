package asset

import (
	"slices"
	"strings"

	"vedette/internal/asset/claim"
	"vedette/internal/asset/fingerprint"
)

// UseFingerprints lets the registry match what services greet with. It is
// called once, before the first event.
func (r *Registry) UseFingerprints(prints *fingerprint.Set) { r.claims = claim.New(prints) }

// learnClaims takes what devices say of themselves as evidence. Each claim
// changes only what is shown of the device that made it.
func (r *Registry) learnClaims(o *observation, dev, src, dst *node) {
	for _, v := range r.claims.Read(o.e) {
		n := dev
		switch v.Side {
		case claim.Source:
			n = src
		case claim.Destination:
			n = dst
		case claim.Subject:
		}
		if n != nil {
			r.claimed(o, n, v)
		}
	}
}

func (r *Registry) claimed(o *observation, n *node, v claim.Value) {
	source := SourceIdentity
	if v.Banner {
		source = SourceBanner
	}
	switch v.Key {
	case claim.Software:
		r.runs(o, n, v.Value, v.What, source)
	case claim.Name:
		r.call(o, n, v.Value, source, v.Confidence, v.What)
	default:
		r.learn(o, n, Evidence{Key: Key(v.Key), Value: v.Value, What: v.What, Source: source, Confidence: v.Confidence})
	}
}

// runs keeps a program that was seen on a device.
func (r *Registry) runs(o *observation, n *node, name, what string, source Source) {
	if slices.Contains(n.software, name) || len(n.software) >= maxSoftware {
		return
	}
	if name = clean(name); name == "" || slices.Contains(n.software, name) {
		return
	}
	n.software = append(n.software, strings.Clone(name))
	r.learn(o, n, Evidence{Key: keySoftware, Value: name, What: what, Source: source, Confidence: toldAside})
	r.touch(n)
}
