package feed

import (
	"regexp"
	"slices"
	"strings"

	"vedette/internal/intel"
)

// kind is what an object of a bundle is to an indicator.
type kind uint8

const (
	malware   kind = iota + 1 // malware, tool
	campaign                  // campaign
	actor                     // threat-actor, intrusion-set
	technique                 // attack-pattern
	place                     // infrastructure, which leads on
)

func kindOf(stixType string) kind {
	return map[string]kind{
		"malware": malware, "tool": malware, "campaign": campaign, "threat-actor": actor, "intrusion-set": actor, "attack-pattern": technique, "infrastructure": place,
	}[stixType]
}

// node is an object that others are joined with.
type node struct {
	kind kind
	name string
	out  []string // it uses, is attributed to, is a variant of, was authored by
	in   []string // malware alone: campaigns and actors that use it
}

// Limits of a graph. A bundle that goes beyond them is read; its chains are then
// not whole.
const (
	maxEdges   = 1 << 21
	maxDepth   = 5
	maxVisited = 256 // nodes that one chain looks at
	maxListed  = 3   // names of a kind that are told
	maxTechs   = 8
)

// graph is how the objects of a bundle are joined. Objects may come in any order
// and joins may lead in circles.
type graph struct {
	nodes     map[string]*node
	indicates map[string][]string // by the id of the indicator
	edges     int
	cache     map[string]*behind // by the node that is indicated
}

// behind gathers what stands behind a node.
type behind struct {
	families, campaigns, actors, techniques []string
	other                                   string // a name of a node that is none of these
}

func newGraph() graph {
	return graph{nodes: map[string]*node{}, indicates: map[string][]string{}, cache: map[string]*behind{}}
}

var attackID = regexp.MustCompile(`^(T[0-9]{4}(\.[0-9]{3})?|AML\.T[0-9]{4}(\.[0-9]{3})?|CAPEC-[0-9]{1,4})$`)

func (g *graph) add(k kind, o *stixObject) {
	n := g.node(o.ID)
	if n == nil {
		return
	}
	n.kind, n.name = k, short(o.Name, 80)
	if k == technique {
		for _, ref := range o.External {
			if attackID.MatchString(ref.ID) {
				n.name = ref.ID
				break
			}
		}
	}
}

// node returns the node of an id, made when it is new; nil beyond the limit.
func (g *graph) node(id string) *node {
	n := g.nodes[id]
	if n == nil && len(g.nodes) < maxNames {
		n = &node{}
		g.nodes[id] = n
	}
	return n
}

// join takes a relationship that can be part of a chain.
func (g *graph) join(o *stixObject) {
	if g.edges >= maxEdges || o.SourceRef == o.TargetRef {
		return
	}
	if strings.HasPrefix(o.SourceRef, "indicator--") {
		if o.Relationship == "indicates" {
			g.edges++
			g.indicates[o.SourceRef] = append(g.indicates[o.SourceRef], o.TargetRef)
		}
		return
	}
	switch o.Relationship {
	case "uses", "attributed-to", "variant-of", "authored-by", "delivers", "drops", "downloads", "controls", "compromises", "hosts":
	default:
		return
	}
	from, to := g.node(o.SourceRef), g.node(o.TargetRef)
	if from == nil || to == nil {
		return
	}
	g.edges++
	from.out = append(from.out, o.TargetRef)
	if o.Relationship == "uses" {
		to.in = append(to.in, o.SourceRef)
	}
}

// behind tells the family and the chain of an indicator.
func (g *graph) behind(indicator string) (string, intel.Chain) {
	var all behind
	for _, id := range g.indicates[indicator] {
		b := g.cache[id]
		if b == nil {
			b = &behind{}
			w := walk{graph: g, into: b, seen: map[string]bool{}}
			w.visit(id, 0, false)
			g.cache[id] = b
		}
		all.families = append(all.families, b.families...)
		all.campaigns = append(all.campaigns, b.campaigns...)
		all.actors = append(all.actors, b.actors...)
		all.techniques = append(all.techniques, b.techniques...)
		if all.other == "" {
			all.other = b.other
		}
	}
	family := told(all.families, maxListed)
	c := intel.Chain{Campaign: told(all.campaigns, maxListed), Actor: told(all.actors, maxListed), Techniques: told(all.techniques, maxTechs)}
	for _, name := range []string{c.Campaign, c.Actor, all.other} { // what it is called, when nothing of it is malware
		if family == "" {
			family = name
		}
	}
	return family, c
}

// told writes names in order; when there are more than a few, how many more.
func told(names []string, most int) string {
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// walk follows a chain. What an actor does besides is not behind the indicator:
// from an actor nothing is followed, and of a campaign that was found by the
// malware it uses, only who is behind it.
type walk struct {
	graph *graph
	into  *behind
	seen  map[string]bool
}

func (w *walk) visit(id string, depth int, back bool) {
	n := w.graph.nodes[id]
	if n == nil || depth > maxDepth || w.seen[id] || len(w.seen) >= maxVisited {
		return
	}
	w.seen[id] = true
	switch n.kind {
	case malware:
		w.put(&w.into.families, n)
	case campaign:
		w.put(&w.into.campaigns, n)
	case actor:
		w.put(&w.into.actors, n)
		return
	case technique:
		w.put(&w.into.techniques, n)
		return
	default:
		if w.into.other == "" {
			w.into.other = n.name
		}
	}
	for _, to := range n.out {
		if t := w.graph.nodes[to]; t != nil && (!back || t.kind == actor) {
			w.visit(to, depth+1, back)
		}
	}
	if n.kind == malware && !back {
		for _, from := range n.in {
			if f := w.graph.nodes[from]; f != nil && (f.kind == campaign || f.kind == actor) {
				w.visit(from, depth+1, true)
			}
		}
	}
}

func (w *walk) put(list *[]string, n *node) {
	if n.name != "" && len(*list) < maxVisited {
		*list = append(*list, n.name)
	}
}
