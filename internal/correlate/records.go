package correlate

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/correlate/sketch"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// Record is a piece of state to be kept: JSON under kind and id. A record
// without JSON is to be deleted.
type Record struct {
	Kind string
	ID   string
	JSON []byte
}

// The kinds of records.
const (
	RecordKind      = "incident"
	feedbackKind    = "incident-feedback"
	noteKind        = "incident-note"
	suppressionKind = "suppression"
	stateKind       = "incident-state"
)

// RecordKinds lists all kinds that [Correlator.Dirty] hands out and
// [Correlator.Restore] wants back.
func RecordKinds() []string {
	return []string{RecordKind, feedbackKind, noteKind, suppressionKind, stateKind}
}

// recordVersion is written into each record. A reader of a later version must
// still read this one.
const recordVersion = 1

// maxHubs is how many well-connected entities are remembered over a restart.
const maxHubs = 1000

// hubsEvery is how many findings come until they are looked for again.
const hubsEvery = 20_000

const (
	sumsID  = "sums"
	hubsID  = "hubs"
	chunkID = "seen-"
)

// savedSums is the record of what is no incident.
type savedSums struct {
	Version int    `json:"v"`
	LastNum uint32 `json:"last_num"`
	sums
}

// savedHubs is the record of the entities that were met with most others.
type savedHubs struct {
	Version int        `json:"v"`
	Hubs    []savedHub `json:"hubs"`
}

type savedHub struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
	Peers int    `json:"peers"`
}

// Dirty returns the records that changed since the last call. If keeping them
// fails, hand each to [Correlator.Retry].
func (c *Correlator) Dirty() ([]Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Record
	var err error
	put := func(kind, id string, doc any) {
		raw, merr := json.Marshal(doc)
		if merr != nil { // a confidence that is no number
			err = fault.Wrap(fault.Internal, merr, "encoding %s %s", kind, id)
			return
		}
		out = append(out, Record{kind, id, raw})
	}
	dirty := make([]*strand, 0, 64)
	for _, s := range c.strands {
		if s.dirty {
			dirty = append(dirty, s)
		}
	}
	slices.SortFunc(dirty, byNum)
	for _, s := range dirty {
		put(RecordKind, s.UID, &s.state)
		s.dirty, s.kept = false, true
	}
	for _, uid := range c.deleted {
		out = append(out, Record{Kind: RecordKind, ID: uid})
	}
	c.deleted = nil
	for _, o := range c.opinions {
		if o.dirty {
			put(feedbackKind, o.ID, o)
			o.dirty = false
		}
	}
	c.dirtyNotes(put)
	for _, id := range c.unwritten {
		out = append(out, Record{Kind: noteKind, ID: id})
	}
	c.unwritten = nil
	for _, s := range c.suppressions {
		if s.dirty {
			put(suppressionKind, s.ID, s)
			s.dirty = false
		}
	}
	for _, i := range slices.Sorted(mapKeys(c.seen.dirty)) {
		put(stateKind, chunkID+strconv.Itoa(i), c.chunk(i))
	}
	clear(c.seen.dirty)
	if c.sums.dirty {
		put(stateKind, sumsID, savedSums{recordVersion, c.lastNum, c.sums})
		c.sums.dirty = false
	}
	if c.arrived >= c.hubsAt {
		put(stateKind, hubsID, savedHubs{recordVersion, c.index.hubs()})
		c.hubsAt = c.arrived + hubsEvery
	}
	return out, err
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Retry marks a record as changed again.
func (c *Correlator) Retry(kind, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch kind {
	case RecordKind:
		if s := c.strands[id]; s != nil {
			s.dirty = true
		} else {
			c.deleted = append(c.deleted, id)
		}
	case feedbackKind:
		for _, o := range c.opinions {
			o.dirty = o.dirty || o.ID == id
		}
	case noteKind:
		if i := slices.IndexFunc(c.notes, func(n *note) bool { return n.ID == id }); i >= 0 {
			c.notes[i].dirty = true
		} else {
			c.unwritten = append(c.unwritten, id)
		}
	case suppressionKind:
		for _, s := range c.suppressions {
			s.dirty = s.dirty || s.ID == id
		}
	case stateKind:
		if n, err := strconv.Atoi(strings.TrimPrefix(id, chunkID)); err == nil && n >= 0 && n < len(c.seen.chunks) {
			c.seen.dirty[n] = true
		}
		c.sums.dirty = c.sums.dirty || id == sumsID
		if id == hubsID {
			c.hubsAt = 0
		}
	}
}

// Restore loads the records of an earlier run into an empty correlator, in any
// order. A record that cannot be read is skipped; the problems name it.
func (c *Correlator) Restore(records iter.Seq[Record]) (problems []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var hubs []savedHub
	for r := range records {
		err := fault.New(fault.Invalid, "its kind is not known")
		switch {
		case r.Kind == RecordKind:
			err = c.restoreStrand(r)
		case r.Kind == feedbackKind:
			err = c.restoreOpinion(r)
		case r.Kind == noteKind:
			err = c.restoreNote(r)
		case r.Kind == suppressionKind:
			err = c.restoreSuppression(r)
		case r.Kind == stateKind && r.ID == sumsID:
			err = c.restoreSums(r)
		case r.Kind == stateKind && r.ID == hubsID:
			hubs, err = restoreHubs(r)
		case r.Kind == stateKind && strings.HasPrefix(r.ID, chunkID):
			err = c.restoreChunk(r)
		}
		if err != nil {
			problems = append(problems, fault.Wrap(fault.Invalid, err, "restoring %s %q: the record is damaged or of a later version", clip(r.Kind, maxValue), clip(r.ID, maxValue)))
		}
	}
	problems = append(problems, c.tieUp()...)
	problems = append(problems, c.strays()...)
	slices.SortFunc(c.opinions, func(a, b *opinion) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(c.suppressions, byAge)
	slices.SortFunc(c.notes, byNumber)
	c.sums.Added = c.accounted()
	c.hubsAt = hubsEvery
	for _, h := range hubs {
		c.index.get(key{h.Kind, h.Value}).hub = h.Peers
	}
	return problems
}

// decode reads a document of a known version.
func decode(r Record, doc any, version *int) *fault.Error {
	if err := json.Unmarshal(r.JSON, doc); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading it")
	}
	if *version < 1 || *version > recordVersion {
		return fault.New(fault.Invalid, "its version is %d", *version)
	}
	return nil
}

func (c *Correlator) restoreStrand(r Record) *fault.Error {
	s := &strand{kept: true}
	if err := decode(r, &s.state, &s.Version); err != nil {
		return err
	}
	switch {
	case s.UID != r.ID || s.Num == 0 || c.strands[s.UID] != nil || c.byNum[s.Num] != nil:
		return fault.New(fault.Invalid, "its uid or number is not its own")
	case s.Findings < 1 && s.Collects == "" || !s.adds():
		return fault.New(fault.Invalid, "its sums do not add up")
	}
	s.trim()
	c.strands[s.UID], c.byNum[s.Num] = s, s
	c.lastNum = max(c.lastNum, s.Num)
	return nil
}

// adds reports whether the counts can be right.
func (s *state) adds() bool {
	var n int64
	for _, v := range s.Severity {
		if v < 0 {
			return false
		}
		n += v
	}
	return n == s.Findings && s.Events >= s.Findings && !s.Last.Before(s.First)
}

// trim cuts lists to their bounds and finds the hashes again.
func (s *state) trim() {
	s.Rules, s.RulesMore = bounded(nil, s.Rules, maxRules, s.RulesMore)
	s.Kinds, s.KindsMore = bounded(nil, s.Kinds, maxKinds, s.KindsMore)
	s.Nodes, s.NodesMore = bounded(nil, s.Nodes, maxDevices+maxOthers, s.NodesMore)
	s.Edges, s.EdgesMore = bounded(nil, s.Edges, maxEdges, s.EdgesMore)
	s.Techs, s.TechsMore = bounded(nil, s.Techs, maxTechs, s.TechsMore)
	s.Joins, s.JoinsMore = bounded(nil, s.Joins, maxJoins, s.JoinsMore)
	s.Merges, s.MergesMore = bounded(nil, s.Merges, maxMerges, s.MergesMore)
	s.History, _ = bounded(nil, s.History, maxHistory, 0)
	s.Assignee = clip(s.Assignee, maxPerson)
	s.Apart, _ = bounded(nil, s.Apart, maxApart, 0)
	s.Newest = s.Newest[max(len(s.Newest)-maxNewest, 0):]
	for i := range s.Kinds {
		k := &s.Kinds[i]
		k.Severity = min(max(k.Severity, event.Informational), event.Fatal)
		name := k.Rule
		if k.Family == event.FamilySource {
			name = withoutNumbers(k.Title)
		}
		k.key = sketch.Hash(name, k.Src, k.Dst, k.Device)
	}
	for i := range s.Nodes {
		s.Nodes[i].hash = sketch.Hash(s.Nodes[i].Type, s.Nodes[i].Value)
	}
	for i := range s.Edges {
		e := &s.Edges[i]
		e.hash = sketch.Hash(e.From, e.To, e.Kind[:min(len(e.Kind), 1)])
		e.Findings = e.Findings[:min(len(e.Findings), maxUIDs)]
	}
	for i := range s.Techs {
		s.Techs[i].Findings = s.Techs[i].Findings[:min(len(s.Techs[i].Findings), maxUIDs)]
	}
}

// tieUp joins the restored strands to incidents again and fills the index.
func (c *Correlator) tieUp() (problems []error) {
	list := make([]*strand, 0, len(c.strands))
	for _, s := range c.strands {
		list = append(list, s)
	}
	slices.SortFunc(list, byNum)
	for _, s := range list {
		if s.Into == "" {
			continue
		}
		// What takes is older than what it takes, so there is no cycle.
		if into := c.strands[s.Into]; into != nil && into.Num < s.Num {
			s.into, s.root = into, into.top()
			s.root.parts = append(s.root.parts, s)
		} else {
			problems = append(problems, fault.New(fault.Invalid, "restoring incident %s: incident %s, which it is part of, is not there; it stands alone", s.UID, s.Into))
			s.Into, s.dirty = "", true
		}
	}
	for _, s := range list {
		s.top().fan += s.Devices.Count()
		if s.Collects != "" && s.root == nil && !s.Closed {
			c.collect[s.Collects] = s
		}
		for i := range s.Nodes {
			n := &s.Nodes[i]
			e := c.index.get(key{n.Type, n.Value})
			e.note(s, n.Roles)
			e.posts[len(e.posts)-1].n = n.Count
		}
		for i := range s.Edges {
			c.remeet(s.Edges[i].From, s.Edges[i].To)
		}
	}
	return problems
}

// remeet notes that two entities were met together in an earlier run.
func (c *Correlator) remeet(a, b string) {
	ka, va, _ := strings.Cut(a, ":")
	kb, vb, _ := strings.Cut(b, ":")
	c.index.get(key{ka, va}).peers.Add(sketch.Hash(kb, vb))
	c.index.get(key{kb, vb}).peers.Add(sketch.Hash(ka, va))
}

func (c *Correlator) restoreOpinion(r Record) *fault.Error {
	o := new(opinion)
	if err := decode(r, o, &o.Version); err != nil {
		return err
	}
	if o.ID != r.ID || halvings[o.Verdict] == 0 || len(o.Scopes) > maxScopes || len(c.opinions) >= maxOpinions {
		return fault.New(fault.Invalid, "it is no verdict")
	}
	c.hold(o)
	return nil
}

func (c *Correlator) restoreSuppression(r Record) *fault.Error {
	var s suppression
	if err := decode(r, &s, &s.Version); err != nil {
		return err
	}
	if s.ID != r.ID || s.Count < 0 || s.Expires.IsZero() || s.Rule == "" && s.Device == "" && s.Peer == "" || len(c.suppressions) >= maxListed {
		return fault.New(fault.Invalid, "it is no suppression")
	}
	p := newSuppression(s.Suppression)
	p.dirty = false
	c.suppressions = append(c.suppressions, p)
	return nil
}

func (c *Correlator) restoreSums(r Record) *fault.Error {
	var s savedSums
	if err := decode(r, &s, &s.Version); err != nil {
		return err
	}
	c.sums = s.sums
	c.lastNum = max(c.lastNum, s.LastNum)
	return nil
}

func restoreHubs(r Record) ([]savedHub, *fault.Error) {
	var s savedHubs
	if err := decode(r, &s, &s.Version); err != nil {
		return nil, err
	}
	return s.Hubs[:min(len(s.Hubs), maxHubs)], nil
}
