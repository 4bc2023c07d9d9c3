package chosen

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Restore puts an earlier document in the place of this one; what is another then
// gets a new mark, so that whoever saw the former is told.
func (d *Doc) Restore(to Doc, m Mark) {
	old := *d
	if !old.Retention.same(to.Retention) {
		to.Retention.Mark = m
	} else {
		to.Retention.Mark = old.Retention.Mark
	}
	for i, s := range to.Sources {
		if at := old.Source(s.Name); at < 0 || !bytes.Equal(old.Sources[at].Config, s.Config) {
			to.Sources[i].Mark = m
		} else {
			to.Sources[i].Mark = old.Sources[at].Mark
		}
	}
	for i, z := range to.Zones {
		if at := old.Zone(z.Name); at < 0 || !bytes.Equal(old.Zones[at].Config, z.Config) {
			to.Zones[i].Mark = m
		} else {
			to.Zones[i].Mark = old.Zones[at].Mark
		}
	}
	for i, p := range to.Pulls {
		if at := old.Pull(p.Name); at < 0 || !bytes.Equal(old.Pulls[at].Config, p.Config) {
			to.Pulls[i].Mark = m
		} else {
			to.Pulls[i].Mark = old.Pulls[at].Mark
		}
	}
	old.markModels(&to, m)
	old.markUsers(&to, m)
	if to.Limits.Mark = old.Limits.Mark; !maps.Equal(old.Limits.Values, to.Limits.Values) {
		to.Limits.Mark = m
	}
	for i, r := range to.Rules {
		if at := old.Rule(r.ID); at < 0 || old.Rules[at].Text != r.Text || old.Rules[at].Test != r.Test {
			to.Rules[i].Mark = m
		} else {
			to.Rules[i].Mark = old.Rules[at].Mark
		}
	}
	to.Stopped, to.Disabled, to.Paused = remark(old.Stopped, to.Stopped, m), remark(old.Disabled, to.Disabled, m), remark(old.Paused, to.Paused, m)
	*d = to
}

func (r Retention) same(o Retention) bool { return r.Events == o.Events && r.Disk == o.Disk }

// markModels gives what a document to says of models the marks that it has in this one,
// and what is another there a new mark.
func (d *Doc) markModels(to *Doc, m Mark) {
	for i, e := range to.Models {
		to.Models[i].Mark = m
		if at := d.Model(e.Name); at >= 0 && bytes.Equal(d.Models[at].Config, e.Config) {
			to.Models[i].Mark = d.Models[at].Mark
		}
	}
	if to.Mind.Mark = d.Mind.Mark; !d.Mind.Same(to.Mind) {
		to.Mind.Mark = m
	}
}

// markUsers does so for users of brokers.
func (d *Doc) markUsers(to *Doc, m Mark) {
	for i, u := range to.Users {
		to.Users[i].Mark = m
		if at := d.User(u.Broker, u.Name); at >= 0 && d.Users[at].Same(u) {
			to.Users[i].Mark = d.Users[at].Mark
		}
	}
}

// Same reports whether both may do the same, whoever said it.
func (u User) Same(o User) bool {
	return slices.Equal(u.Publish, o.Publish) && slices.Equal(u.Subscribe, o.Subscribe)
}

// Same reports whether both say the same, whoever said it.
func (m Mind) Same(o Mind) bool {
	return m.Mode == o.Mode && m.Questions == o.Questions && m.Redact == o.Redact && slices.EqualFunc(m.Rules, o.Rules, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
}

func remark(old, to map[string]Mark, m Mark) map[string]Mark {
	for k := range to {
		if was, ok := old[k]; ok {
			to[k] = was
		} else {
			to[k] = m
		}
	}
	return to
}
