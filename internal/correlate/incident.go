package correlate

import (
	"time"

	"vedette/internal/event"
)

// The states of an incident.
const (
	Open   = "open"
	Closed = "closed"
)

// Incident is what findings amount to together. All lists are bounded: what is
// not listed is counted.
type Incident struct {
	UID      string         `json:"uid"`
	Title    string         `json:"title"`
	Severity event.Severity `json:"severity"`
	Level    string         `json:"level"`    // the severity as a word
	Raised   []string       `json:"raised"`   // why the severity is above that of the gravest finding
	Status   string         `json:"status"`   // open or closed
	Assignee string         `json:"assignee"` // a person's name; empty: nobody
	Verdict  Verdict        `json:"verdict"`  // the last one that a person gave and did not undo
	Score    float64        `json:"score"`    // 0 to 100, orders incidents of one severity
	Computed []Factor       `json:"computed"` // how the score came about
	First    time.Time      `json:"first"`
	Last     time.Time      `json:"last"`

	Devices     []string    `json:"devices"`      // uids
	DeviceCount int         `json:"device_count"` // about, when there are more than are listed
	Techniques  []Technique `json:"techniques"`
	Stages      []Stage     `json:"stages"` // in the order in which they were first seen
	Findings    Findings    `json:"findings"`

	Timeline []Moment `json:"timeline,omitempty"` // most telling, oldest first; not in lists
	Graph    Graph    `json:"graph,omitzero"`     // not in lists
	Joins    []Join   `json:"joins,omitempty"`    // why findings were put in; not in lists
	Merges   []Merge  `json:"merges,omitempty"`   // incidents that were merged into this one
	Follows  string   `json:"follows,omitempty"`  // uid of a closed incident that it continues
	History  []Change `json:"history,omitempty"`  // what persons did

	NoteCount int    `json:"note_count"`
	Notes     []Note `json:"notes,omitempty"` // the oldest first; not in lists

	Confidentiality string `json:"confidentiality,omitempty"` // the highest of the findings

	Outside *Outside `json:"outside,omitempty"` // what is left out; absent: nothing
}

// Findings are the findings of an incident: how many, and the uids of some.
type Findings struct {
	Count      int64            `json:"count"`
	Events     int64            `json:"events"` // that the findings stand for
	BySeverity map[string]int64 `json:"by_severity"`
	Rules      []RuleCount      `json:"rules"`
	MoreRules  int64            `json:"more_rules,omitempty"` // findings of rules that are not listed
	Telling    []string         `json:"telling"`              // uids, most telling first
	Newest     []string         `json:"newest"`               // uids, newest first
}

// RuleCount is how often a rule is in an incident.
type RuleCount struct {
	Rule     string         `json:"rule"`
	Title    string         `json:"title"`
	Severity event.Severity `json:"severity"`
	Count    int64          `json:"count"`
}

// Technique is one ATT&CK or ATLAS technique of an incident.
type Technique struct {
	ID    string    `json:"id"`
	Name  string    `json:"name,omitempty"`
	Count int64     `json:"count"`
	First time.Time `json:"first"`
}

// Stage is a tactic with the findings that show it.
type Stage struct {
	Tactic     string    `json:"tactic"` // short name, such as lateral-movement
	Name       string    `json:"name"`
	First      time.Time `json:"first"`
	Count      int64     `json:"count"`
	Techniques []string  `json:"techniques"`
	Findings   []string  `json:"findings"` // uids, the first ones
}

// Moment is one line of the timeline: findings of one rule between the same
// two ends.
type Moment struct {
	First    time.Time      `json:"first"`
	Last     time.Time      `json:"last"`
	Title    string         `json:"title"`
	Rule     string         `json:"rule"`
	Severity event.Severity `json:"severity"`
	Source   string         `json:"source,omitempty"` // uid or address
	Target   string         `json:"target,omitempty"`
	Tactic   string         `json:"tactic,omitempty"`
	Count    int64          `json:"count"`
	Findings []string       `json:"findings"` // uids: the gravest, the newest
}

// Graph is who and what an incident is about.
type Graph struct {
	Nodes     []Node `json:"nodes"`
	Edges     []Edge `json:"edges"`
	MoreNodes int64  `json:"more_nodes,omitempty"` // sightings of what is not listed
	MoreEdges int64  `json:"more_edges,omitempty"`
}

// Node is an entity: a device, ip, user, domain, hash, rule, ...
type Node struct {
	ID    string `json:"id"` // type:value
	Type  string `json:"type"`
	Value string `json:"value"` // untrusted, unless it is a rule or a device uid
	Name  string `json:"name,omitempty"`
	Role  string `json:"role,omitempty"` // source, target, both
	Count int64  `json:"count"`
}

// Edge joins two nodes.
type Edge struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Kind     string   `json:"kind"` // acts on, with, raised on
	Count    int64    `json:"count"`
	Findings []string `json:"findings"` // uids
}

// Join is a reason for which findings were put into an incident, as it was the
// first time.
type Join struct {
	Reason  string    `json:"reason"`
	Score   float64   `json:"score"`
	Finding string    `json:"finding"` // uid
	At      time.Time `json:"at"`      // of the finding
	Count   int64     `json:"count"`   // kinds of findings that came in for it
}

// Merge tells of an incident that became part of another one. [Correlator.Split]
// undoes it while Part is its uid.
type Merge struct {
	Part    string    `json:"part,omitempty"` // uid; empty when it cannot be split off any more
	Reason  string    `json:"reason"`
	Score   float64   `json:"score"`
	Finding string    `json:"finding,omitempty"` // that showed it
	At      time.Time `json:"at"`
	Count   int64     `json:"count"` // findings that came with it, then
}

// Factor is one step of a computation.
type Factor struct {
	Text  string  `json:"text"`
	Value float64 `json:"value"`
}

// Change is what a person did to an incident.
type Change struct {
	ID   string    `json:"id,omitempty"` // of feedback, for [Desk.Undo]
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
}

// Similar is a past incident that resembles one.
type Similar struct {
	UID        string   `json:"uid"`
	Title      string   `json:"title"`
	Status     string   `json:"status"`
	Verdict    Verdict  `json:"verdict"`
	Score      float64  `json:"score"` // 0 to 1
	Techniques []string `json:"techniques,omitempty"`
	Rules      []string `json:"rules,omitempty"`
	Entities   []string `json:"entities,omitempty"` // type:value
	Sequence   []string `json:"sequence,omitempty"` // tactics in the order of both
	Why        string   `json:"why"`
}
