// Package archtest keeps the house in shape: one table says which room may
// import which ([Table]), a test holds every package against it, and the same
// table is rendered into docs/ARCHITECTURE.md.
//
// It owns rules about source text and must not be imported by the product.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Ring is a layer of the house. A room imports from the rings below its own.
type Ring struct {
	Number int
	Name   string
	// Ordered rings also let a room import the rooms before it in the ring; in
	// the others siblings never import each other.
	Ordered bool
	Rooms   []Room
}

// Room is a package with everything beneath it.
type Room struct {
	Name    string // below internal/
	Owns    string
	MustNot string
}

// Table returns the rings from the ground up. It is the one place where the
// order of the house is written down.
func Table() []Ring {
	return []Ring{
		{0, "words", false, []Room{
			{"event", "the vocabulary: Event, Finding, Observable, Severity, Label, ids; an OCSF subset with ICS fields", "import anything of ours, or any module"},
			{"fault", "kinds of failure, public text, hint, wrapped cause", "know HTTP"},
		}},
		{1, "ground", true, []Room{
			{"pcapfilter", "which packets are taken: a part of pcap-filter, compiled for the kernel or a file", "guess what a filter means; ask for names; open a socket"},
			{"config", "one strict YAML file < environment < flags; defaults; all problems at once", "be read anywhere but `app` and `edge`"},
			{"trace", "spans for operators, by a closed list of names; the exporter", "carry content"},
			{"flow", "bounded stages, batches, back-pressure, drop counters, the durable spool", "know what flows"},
			{"query", "the one typed query: tree, text form, validation, compilation to SQL", "open a database"},
			{"store", "the narrow waist: events, records, blobs; one package per engine", "know a domain; leak an engine's language"},
			{"audit", "the hash-chained journal of every decision", "be skippable"},
			{"authz", "who may do what", "authenticate"},
		}},
		{2, "senses", false, []Room{
			{"ingest", "sources: files, directories, syslog, MQTT, captures, ...", "parse meaning"},
			{"normalize", "parsers: one dialect each, lossless", "do I/O"},
			{"asset", "which device is this: identity, type, zone, level, criticality, owner", "judge"},
			{"intel", "indicators and reports, the compiled set", "raise findings"},
			{"flowgraph", "who talks to whom, how much, since when", "decide"},
		}},
		{3, "judgement", false, []Room{
			{"detect", "the Detector seam and its families", "fetch; call a model"},
			{"correlate", "findings to incidents; each merge has its reason", "suppress silently"},
			{"hunt", "hypotheses, their typed plans, verdicts", "act"},
			{"vuln", "SBOMs, advisories, VEX, matching, priority", "guess versions without saying so"},
			{"comply", "frameworks, controls, evidence, gaps", "mark \"met\" without evidence ids"},
			{"trust", "onboarding, certificates, attestation, baselines", "enforce"},
			{"respond", "intent, dry run, approval, apply, verify, revert", "import the mind"},
		}},
		{4, "mind", true, []Room{
			{"model", "the Provider seam, router, register of models, budgets", "be imported by anyone but `guard`, `app` and `edge`"},
			{"guard", "the only door to a model: labels, redaction, output gate, egress ledger", "be optional"},
			{"knowledge", "documents to passages to citations, access-filtered", "answer"},
			{"report", "CSV, JSON, STIX, OCSF, OSCAL, HTML and PDF", "have its own queries"},
			{"toolbox", "typed tools over the rings below, each Read or Propose", "hold logic"},
			{"copilot", "question to plan to evidence to answer", "touch `store`, `respond` or `model` directly"},
		}},
		{5, "doors", false, []Room{
			{"api", "REST, OpenAPI, MCP, authentication", "hold domain rules"},
			{"console", "the web console", "hold domain rules"},
			{"edge", "the agent and its hub", "link console or a store engine"},
			{"demo", "the living demo plant", "hold domain rules"},
			{"eval", "scored scenarios", "hold domain rules"},
		}},
		{6, "house", true, []Room{
			{"app", "wiring: who is connected to whom", "hold domain rules"},
			{"cli", "commands", "hold domain rules"},
		}},
	}
}

// Exceptions from what the rings alone would allow or forbid.
var (
	// onlyFrom names rooms that few may import.
	onlyFrom = map[string][]string{
		"config": {"app", "edge", "cli"},
		"model":  {"guard", "app", "edge"},
	}
	// neverFrom names what a room must not import although the rings allow it.
	neverFrom = map[string][]string{
		"copilot": {"store", "respond"},
		"edge":    {"console"},
	}
	// modules that must not be imported at all, with the reason.
	forbidden = map[string]string{
		"github.com/stretchr/testify": "compare with go-cmp in the test itself",
		"github.com/sirupsen/logrus":  "log with log/slog",
		"github.com/pkg/errors":       "make errors with package fault",
		"log":                         "log with log/slog",
	}
	// modules that one room alone may import.
	reserved = map[string]string{
		"github.com/duckdb/": "internal/store/duckdb",
	}
)

// contentUsers are the rooms that may import package content; any test may.
var contentUsers = []string{"app", "cli", "edge", "demo", "eval"}

// place is where a room stands.
type place struct {
	ring  Ring
	index int
}

func places() map[string]place {
	out := make(map[string]place)
	for _, ring := range Table() {
		for i, room := range ring.Rooms {
			out[room.Name] = place{ring, i}
		}
	}
	return out
}

// mayImport reports whether room a may import room b, and why not.
func mayImport(a, b string, at map[string]place) (bool, string) {
	from, to := at[a], at[b]
	if users, limited := onlyFrom[b]; limited && !slices.Contains(users, a) {
		return false, fmt.Sprintf("only %s may import %s", strings.Join(users, ", "), b)
	}
	if slices.Contains(neverFrom[a], b) {
		return false, fmt.Sprintf("%s must not import %s", a, b)
	}
	switch {
	case to.ring.Number < from.ring.Number:
		return true, ""
	case to.ring.Number > from.ring.Number:
		return false, fmt.Sprintf("ring %d (%s) must not import from ring %d (%s) above it", from.ring.Number, from.ring.Name, to.ring.Number, to.ring.Name)
	case from.ring.Ordered && to.index < from.index:
		return true, ""
	case from.ring.Ordered:
		return false, fmt.Sprintf("in ring %d (%s) a room imports only the rooms before it", from.ring.Number, from.ring.Name)
	}
	return false, fmt.Sprintf("siblings of ring %d (%s) never import each other: declare a small interface and let app wire it", from.ring.Number, from.ring.Name)
}

// Render returns the table as Markdown.
func Render() string {
	at := places()
	var b strings.Builder
	b.WriteString("| ring | room | owns | must not | may import |\n|---|---|---|---|---|\n")
	rings := Table()
	slices.Reverse(rings)
	for _, ring := range rings {
		for _, room := range ring.Rooms {
			fmt.Fprintf(&b, "| %d %s | `%s` | %s | %s | %s |\n", ring.Number, ring.Name, room.Name, room.Owns, room.MustNot, importsOf(room.Name, at))
		}
	}
	return b.String()
}

// importsOf says in words what a room may import.
func importsOf(room string, at map[string]place) string {
	p := at[room]
	var left, not []string
	for name := range at {
		ok, _ := mayImport(room, name, at)
		switch {
		case name == room:
		case ok && at[name].ring.Number == p.ring.Number:
			left = append(left, "`"+name+"`")
		case !ok && at[name].ring.Number < p.ring.Number:
			not = append(not, "`"+name+"`")
		}
	}
	slices.Sort(left)
	slices.Sort(not)
	text := "standard library only"
	if p.ring.Number == 1 {
		text = "ring 0"
	} else if p.ring.Number > 1 {
		text = fmt.Sprintf("rings 0–%d", p.ring.Number-1)
	}
	if len(not) > 0 {
		text += " but " + strings.Join(not, ", ")
	}
	if len(left) > 0 {
		text += "; " + strings.Join(left, ", ")
	}
	return text
}
