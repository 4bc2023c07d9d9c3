package feed

import (
	"encoding/json"
	"strings"
	"time"

	"vedette/internal/intel"
)

// bundle keeps what a STIX bundle's indicators may refer to until its end: what
// its objects are and how they are joined, sightings, and sharing marks.
type bundle struct {
	graph     graph
	sightings map[string]sighting  // of an indicator, by id
	marks     map[string]intel.TLP // id of a marking definition
	waiting   []waiting
}

// sighting is how often an indicator was met, and when last.
type sighting struct {
	count int
	last  time.Time
}

// waiting is an indicator whose family may come later in the bundle.
type waiting struct {
	in    intel.Indicator
	id    string
	marks []string
}

// maxWaiting bounds the indicators that wait; beyond it they go without.
const maxWaiting = 2_000_000

// maxSightings bounds what is counted of one indicator.
const maxSightings = 1_000_000_000

// The marking definitions of TLP 1, which bundles refer to without carrying
// them, and those of TLP 2.
func tlpMarks() map[string]intel.TLP {
	const p = "marking-definition--"
	return map[string]intel.TLP{
		p + "613f2e26-407d-48c7-9eca-b8e91df99dc9": intel.Clear,
		p + "34098fce-860f-48ae-8e50-ebd3cc5e41da": intel.Green,
		p + "f88d31f6-486f-44da-b317-01333bde0b82": intel.Amber,
		p + "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": intel.Red,
		p + "94868c89-83c2-464b-929b-a1a8aa3c8487": intel.Clear,
		p + "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": intel.Green,
		p + "55d920b0-5e8b-4f79-9ee9-91f868d9b421": intel.Amber,
		p + "939a9414-2ddd-4d32-a0cd-375ea402b003": intel.AmberStrict,
		p + "e828b379-4e03-4974-9ac4-e53a884c97c1": intel.Red,
	}
}

func newBundle() *bundle {
	return &bundle{graph: newGraph(), sightings: map[string]sighting{}, marks: tlpMarks()}
}

// stixObject has the fields that are read of any object.
type stixObject struct {
	Type           string   `json:"type"`
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Pattern        string   `json:"pattern"`
	PatternType    string   `json:"pattern_type"`
	ValidFrom      string   `json:"valid_from"`
	ValidUntil     string   `json:"valid_until"`
	Confidence     int      `json:"confidence"`
	Revoked        bool     `json:"revoked"`
	Labels         []string `json:"labels"`
	Marks          []string `json:"object_marking_refs"`
	Relationship   string   `json:"relationship_type"`
	SourceRef      string   `json:"source_ref"`
	TargetRef      string   `json:"target_ref"`
	DefinitionType string   `json:"definition_type"`
	SightingOf     string   `json:"sighting_of_ref"`
	Count          int      `json:"count"`
	LastSeen       string   `json:"last_seen"`
	External       []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
	Definition json.RawMessage `json:"definition"`
}

func (b *bundle) object(r *reader, raw json.RawMessage) error {
	var o stixObject
	if err := json.Unmarshal(raw, &o); err != nil {
		r.report.Read++
		r.refuse("a STIX object with fields of the wrong type", "")
		return nil //nolint:nilerr // counted
	}
	switch o.Type {
	case "indicator":
		return b.indicator(r, &o)
	case "relationship":
		if !o.Revoked {
			b.graph.join(&o)
		}
	case "sighting":
		if !o.Revoked {
			b.sighting(&o)
		}
	case "marking-definition":
		b.mark(&o)
	case "bundle": // one without objects
		return nil
	default:
		if kind := kindOf(o.Type); kind != 0 && !o.Revoked {
			b.graph.add(kind, &o)
		}
	}
	r.other("STIX "+short(o.Type, 30)+": no indicator", o.ID)
	return nil
}

func (b *bundle) sighting(o *stixObject) {
	s, known := b.sightings[o.SightingOf]
	if !known && len(b.sightings) >= maxNames {
		return
	}
	s.count = min(s.count+max(o.Count, 1), maxSightings)
	if last := parseTime(o.LastSeen); last.After(s.last) {
		s.last = last
	}
	b.sightings[o.SightingOf] = s
}

func (b *bundle) mark(o *stixObject) {
	var def struct {
		TLP string `json:"tlp"`
	}
	_ = json.Unmarshal(o.Definition, &def) // absent or of another kind: no mark
	text := def.TLP
	if text == "" {
		text = o.Name
	}
	if tlp, ok := intel.ParseTLP(text); ok && len(b.marks) < maxNames {
		b.marks[o.ID] = tlp
	}
}

func (b *bundle) indicator(r *reader, o *stixObject) error {
	switch {
	case o.Revoked:
		r.other("a STIX indicator that was revoked", o.ID)
		return nil
	case o.PatternType != "" && o.PatternType != "stix":
		r.other("a pattern in "+short(o.PatternType, 20)+", which is not for this", o.ID)
		return nil
	}
	found, why := parsePattern(o.Pattern)
	if why != "" {
		r.other("a STIX pattern "+why, o.Pattern)
		return nil
	}
	base := intel.Indicator{Confidence: o.Confidence, First: parseTime(o.ValidFrom), Until: parseTime(o.ValidUntil)}
	for _, f := range found {
		r.report.Read++
		in := base
		var err error
		if f.kind == intel.None {
			in.Type, in.Value, err = intel.Parse(f.value)
		} else {
			in.Type, in.Value, err = intel.ParseAs(f.kind, f.value)
		}
		if err != nil {
			r.refuse(err.Error(), f.value)
			continue
		}
		w := waiting{in, o.ID, o.Marks}
		if len(b.waiting) >= maxWaiting {
			if err := b.give(r, w); err != nil {
				return err
			}
			continue
		}
		b.waiting = append(b.waiting, w)
	}
	return nil
}

// flush hands on what waited for the bundle's end.
func (b *bundle) flush(r *reader) error {
	for _, w := range b.waiting {
		if err := b.give(r, w); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) give(r *reader, w waiting) error {
	w.in.Family, w.in.Chain = b.graph.behind(w.id)
	if s, ok := b.sightings[w.id]; ok {
		w.in.Sightings, w.in.Sighted = s.count, s.last.Truncate(24*time.Hour)
	}
	for _, m := range w.marks {
		w.in.TLP = max(w.in.TLP, b.marks[strings.ToLower(m)])
	}
	return r.give(w.in, w.in.Value)
}
