package correlate

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"vedette/internal/correlate/sketch"
	"vedette/internal/event"
)

// roles are the parts that an entity plays in findings.
type roles uint8

const (
	actor   roles = 1 << iota // where it comes from
	victim                    // where it goes to
	subject                   // the device concerned
	with                      // a user, file, domain, ... that is named
	harmed                    // a victim of more than a look: see glance.probes
)

// key names an entity.
type key struct{ kind, value string }

func (k key) id() string { return k.kind + ":" + k.value }

// tie is an entity of a finding.
type tie struct {
	key   key
	roles roles
	hash  uint64
}

type link struct {
	from, to, kind string
	hash           uint64
}

// glance is a finding as correlation sees it, in memory that is used again for
// the next one.
type glance struct {
	f          *event.Finding
	rule       string
	title      string
	template   uint64
	kind       uint64
	severity   event.Severity
	src, dst   string // node ids
	device     string
	outside    bool // it comes from a public address that is no device of ours
	techniques []string
	lead       string // technique of the latest stage
	stage      int    // its rank
	ties       []tie
	edges      []link
	uid        []string // of the finding alone; to be copied
}

const (
	maxValue       = 256 // bytes of an entity, rule or title
	maxEntities    = 24  // of one finding
	maxTechniques  = 16  // of one finding
	maxRoundSource = 64  // bytes of a finding's uid and of a node id's type
)

// look reads a finding.
func (g *glance) look(f *event.Finding, t *Techniques) {
	*g = glance{f: f, ties: g.ties[:0], edges: g.edges[:0], techniques: g.techniques[:0], uid: append(g.uid[:0], f.UID)}
	g.rule, g.title = clip(f.Rule, maxValue), clip(f.Title, maxValue)
	if g.title == "" {
		g.title = g.rule
	}
	if g.title == "" {
		g.title = "a finding without a title"
	}
	g.severity = min(max(f.Severity, event.Informational), event.Severity(6))
	g.template = sketch.Hash("rule", g.rule)
	if f.Family == event.FamilySource {
		g.template = sketch.Hash("title", withoutNumbers(g.title))
	}
	g.device = clip(f.Device, maxValue)
	g.src = g.side(f.Src, actor)
	g.dst = g.side(f.Dst, victim)
	if g.device != "" {
		g.tie(key{"device", g.device}, subject)
	}
	g.outside = f.Src.UID == "" && public(f.Src.IP)
	named := len(g.ties)
	for _, o := range f.Entities[:min(len(f.Entities), maxEntities)] {
		if o.Value != "" {
			g.tie(key{clip(o.Type, maxRoundSource), clip(o.Value, maxValue)}, with)
		}
	}
	g.links(named)
	for _, id := range f.Techniques[:min(len(f.Techniques), maxTechniques)] {
		q := t.find(clip(id, maxRoundSource))
		g.techniques = append(g.techniques, q.id)
		if r := q.rank(); g.lead == "" || r > g.stage {
			g.lead, g.stage = q.id, r
		}
	}
	if !g.probes() {
		for i := range g.ties {
			if g.ties[i].roles&victim != 0 {
				g.ties[i].roles |= harmed
			}
		}
	}
	g.kind = sketch.Hash(g.rule, g.src, g.dst, g.device)
	if f.Family == event.FamilySource {
		g.kind = sketch.Hash(withoutNumbers(g.title), g.src, g.dst, g.device)
	}
}

// probes reports whether a finding tells of a look at its target and no more: it
// is of the stages before access, or of no stage and of medium severity at most.
// A scan touches everything, and ties nothing of what it touched together.
func (g *glance) probes() bool {
	if g.lead == "" {
		return g.severity <= event.Medium
	}
	return g.stage > 0 && (g.stage <= rank("resource-development") || g.stage == rank("discovery"))
}

// rank is that of its first tactic; a technique of several is where it comes
// first.
func (q technique) rank() int {
	if len(q.tactics) == 0 {
		return 0
	}
	return rank(q.tactics[0])
}

// side ties one end: the device, or the address when no device is known.
func (g *glance) side(s event.Side, r roles) string {
	k := key{"device", clip(s.UID, maxValue)}
	if k.value == "" {
		if k = (key{"ip", clip(s.IP, maxValue)}); k.value == "" {
			return ""
		}
	}
	g.tie(k, r)
	return k.id()
}

func (g *glance) tie(k key, r roles) {
	h := sketch.Hash(k.kind, k.value)
	for i := range g.ties {
		if g.ties[i].hash == h && g.ties[i].key == k {
			g.ties[i].roles |= r
			return
		}
	}
	g.ties = append(g.ties, tie{k, r, h})
}

// links makes the edges: source to target, and what is named with the device
// concerned, or else with the source.
func (g *glance) links(named int) {
	if g.src != "" && g.dst != "" && g.src != g.dst {
		g.edges = append(g.edges, link{g.src, g.dst, "acts on", sketch.Hash(g.src, g.dst, "a")})
	}
	owner := g.src
	if g.device != "" {
		owner = "device:" + g.device
	}
	if owner == "" {
		owner = g.dst
	}
	for _, t := range g.ties[named:] {
		if id := t.key.id(); owner != "" && id != owner {
			g.edges = append(g.edges, link{owner, id, "with", sketch.Hash(owner, id, "w")})
		}
	}
}

// public reports whether an address is one of the internet.
func public(ip string) bool {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// withoutNumbers is a title without what tells one of a series from the next.
func withoutNumbers(title string) string {
	if !strings.ContainsAny(title, "0123456789") {
		return title
	}
	var b strings.Builder
	digits := false
	for _, c := range title {
		if c >= '0' && c <= '9' {
			if !digits {
				b.WriteByte('#')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteRune(c)
	}
	return b.String()
}

// clip cuts a text to at most n bytes of valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
			s = s[:len(s)-1]
		}
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
