package mqtt

import (
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Naming says what topics tell.
type Naming []pattern

// CompileNaming reads templates such as plants/{zone}/{device}/{metric}.
func CompileNaming(templates []string) (Naming, error) {
	var out Naming
	for _, text := range templates {
		p, err := compile(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Payload makes a payload of a message. Messages of one topic have one format; of
// Sparkplug those of a node belong together, since births name what data only
// number.
func (n Naming) Payload(source, topic string, data []byte, received time.Time) ingest.Payload {
	p := ingest.Payload{
		Source: source, Peer: topic, Else: Value, Received: received, Data: data,
		Meta: map[string]string{ingest.MetaTopic: topic},
	}
	if strings.HasPrefix(topic, "spBv1.0/") {
		if level := strings.SplitN(topic, "/", 5); len(level) > 3 && level[1] != "STATE" {
			p.Peer, p.Format, p.Else = strings.Join([]string{level[0], level[1], level[3]}, "/"), sparkplug, ""
		}
	}
	for i := range n {
		if n[i].match(topic, p.Meta) {
			break
		}
	}
	return p
}

// pattern says what the levels of a topic mean.
type pattern struct {
	levels []level
	open   bool // more levels may follow
}

type level struct {
	literal string
	name    string // of what is told; "" is nothing
	any     bool
}

// names are what a level may tell that has a field of its own; others become
// extras, topic.NAME.
var names = map[string]string{"device": ingest.MetaDevice, "ip": ingest.MetaIP, "mac": ingest.MetaMAC, "metric": ingest.MetaMetric, "client": ingest.MetaClient}

// maxTold is the longest text of a level that is told; the topic is kept anyway.
const maxTold = 256

// compile reads a template: levels as they are, {name} for one that tells
// something, + for one that tells nothing, and # at the end for any that follow.
func compile(text string) (pattern, error) {
	var p pattern
	bad := func(why string) (pattern, error) {
		return pattern{}, fault.New(fault.Invalid, "the template %.80q of topics %s", text, why).WithHint("write it like plants/{zone}/{device}/{metric}")
	}
	if text == "" || len(text) > maxFilter || !clean(text) {
		return bad("is empty, too long or has characters that no topic has")
	}
	told := map[string]bool{}
	all := strings.Split(text, "/")
	for i, l := range all {
		switch {
		case l == "#" && i == len(all)-1:
			p.open = true
		case l == "+":
			p.levels = append(p.levels, level{any: true})
		case strings.HasPrefix(l, "{") && strings.HasSuffix(l, "}"):
			name := l[1 : len(l)-1]
			if name == "" || len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" || told[name] {
				return bad("names a level with other than small letters, or twice")
			}
			told[name] = true
			full, ok := names[name]
			if !ok {
				full = "topic." + name
			}
			p.levels = append(p.levels, level{any: true, name: full})
		case strings.ContainsAny(l, "{}+#"):
			return bad("has {, }, + or # within a level")
		default:
			p.levels = append(p.levels, level{literal: l})
		}
	}
	if len(told) == 0 {
		return bad("tells nothing")
	}
	return p, nil
}

// match puts what the topic tells into meta, if it has this form.
func (p *pattern) match(topic string, meta map[string]string) bool {
	if n := strings.Count(topic, "/") + 1; n < len(p.levels) || n > len(p.levels) && !p.open {
		return false
	}
	var room [8]string // what a topic has as a rule
	parts := room[:0]
	for part := range strings.SplitSeq(topic, "/") {
		parts = append(parts, part)
	}
	for i, l := range p.levels {
		if !l.any && l.literal != parts[i] {
			return false
		}
	}
	for i, l := range p.levels {
		if l.name != "" && parts[i] != "" && len(parts[i]) <= maxTold {
			meta[l.name] = parts[i]
		}
	}
	return true
}
