package feed

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/intel"
)

// mispContext is what an event says for its attributes.
type mispContext struct {
	family string
	tlp    intel.TLP

	campaigns, actors, techniques []string
}

type mispTag struct {
	Name string `json:"name"`
}

type mispEventBody struct {
	Info      string          `json:"info"`
	Tag       []mispTag       `json:"Tag"`
	Galaxy    []mispGalaxy    `json:"Galaxy"`
	Attribute json.RawMessage `json:"Attribute"`
	Object    []mispObject    `json:"Object"`
}

type mispGalaxy struct {
	Type    string `json:"type"`
	Cluster []struct {
		Value string          `json:"value"`
		Meta  json.RawMessage `json:"meta"` // an object, or an empty list
	} `json:"GalaxyCluster"`
}

type mispObject struct {
	Deleted   bool            `json:"deleted"`
	Attribute json.RawMessage `json:"Attribute"`
}

type mispAttributeBody struct {
	Type      string    `json:"type"`
	Value     any       `json:"value"`
	IDS       *bool     `json:"to_ids"`
	Deleted   bool      `json:"deleted"`
	Timestamp any       `json:"timestamp"`
	FirstSeen string    `json:"first_seen"`
	Tag       []mispTag `json:"Tag"`

	Galaxy []mispGalaxy `json:"Galaxy"`
}

func (w *walker) mispEvent(raw json.RawMessage) error {
	var body mispEventBody
	if err := json.Unmarshal(raw, &body); err != nil {
		w.report.Read++
		w.refuse("a MISP event with fields of the wrong type", "")
		return nil //nolint:nilerr // counted
	}
	about := mispContext{}
	about.tags(body.Tag)
	about.galaxies(body.Galaxy)
	if err := w.mispAttributes(body.Attribute, about); err != nil {
		return err
	}
	for _, o := range body.Object {
		if o.Deleted {
			continue
		}
		if err := w.mispAttributes(o.Attribute, about); err != nil {
			return err
		}
	}
	return nil
}

// namesThreat tells galaxies of malware, botnets, tools and actors.
func namesThreat(galaxy string) bool {
	for _, word := range []string{"malware", "botnet", "ransomware", "malpedia", "threat-actor", "tool", "rat", "stealer", "backdoor", "ics-software"} {
		if strings.Contains(galaxy, word) {
			return true
		}
	}
	return false
}

// galaxies reads clusters: what it is, who is behind it, in which campaign, and by
// which techniques.
func (c *mispContext) galaxies(list []mispGalaxy) {
	for _, g := range list {
		for _, one := range g.Cluster[:min(len(g.Cluster), maxVisited)] {
			var meta struct {
				ID []string `json:"external_id"`
			}
			_ = json.Unmarshal(one.Meta, &meta) // what has another form tells no id
			c.cluster(strings.ToLower(g.Type), one.Value, strings.Join(meta.ID, " "))
		}
	}
}

// inValue finds the id of a technique at the end of a cluster's name, as MISP
// writes it: Brute Force - T1110.
var inValue = regexp.MustCompile(`(?:^|[ -])((?:AML\.)?T[0-9]{4}(?:\.[0-9]{3})?)$`)

func (c *mispContext) cluster(galaxy, value, id string) {
	value = short(value, 80)
	put := func(list *[]string) {
		if value != "" && len(*list) < maxVisited {
			*list = append(*list, value)
		}
	}
	switch {
	case strings.Contains(galaxy, "attack-pattern") || strings.Contains(galaxy, "ics-techniques"):
		if m := inValue.FindStringSubmatch(value); m != nil {
			value = m[1]
		} else if attackID.MatchString(id) {
			value = id
		}
		put(&c.techniques)
	case strings.Contains(galaxy, "threat-actor") || strings.Contains(galaxy, "intrusion-set") || strings.Contains(galaxy, "ics-groups"):
		put(&c.actors)
	case strings.Contains(galaxy, "campaign"):
		put(&c.campaigns)
	case c.family == "" && namesThreat(galaxy):
		c.family = value
	}
}

// behind is the family and what stands behind it; without malware it is called by
// its campaign or actor.
func (c *mispContext) behind() (string, intel.Chain) {
	chain := intel.Chain{Campaign: told(slices.Clone(c.campaigns), maxListed), Actor: told(slices.Clone(c.actors), maxListed), Techniques: told(slices.Clone(c.techniques), maxTechs)}
	return cmp.Or(c.family, chain.Campaign, chain.Actor), chain
}

// own keeps what is said of one attribute apart from the others.
func (c *mispContext) own() {
	c.campaigns, c.actors, c.techniques = slices.Clip(c.campaigns), slices.Clip(c.actors), slices.Clip(c.techniques)
}

// tags reads sharing marks and names of threats.
func (c *mispContext) tags(tags []mispTag) {
	for _, t := range tags {
		if tlp, ok := intel.ParseTLP(t.Name); ok && strings.HasPrefix(strings.ToLower(t.Name), "tlp:") {
			c.tlp = max(c.tlp, tlp)
		}
		galaxy, rest, ok := strings.Cut(t.Name, `="`)
		if galaxy, is := strings.CutPrefix(galaxy, "misp-galaxy:"); ok && is {
			c.cluster(strings.ToLower(galaxy), strings.TrimSuffix(rest, `"`), "")
		}
	}
}

func (w *walker) mispAttributes(raw json.RawMessage, about mispContext) error {
	if len(raw) == 0 {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		w.report.Read++
		w.refuse("MISP attributes that are no list", "")
		return nil //nolint:nilerr // counted
	}
	for _, one := range list {
		if err := w.mispAttribute(one, about); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) mispAttribute(raw json.RawMessage, about mispContext) error {
	var a mispAttributeBody
	if err := json.Unmarshal(raw, &a); err != nil {
		w.report.Read++
		w.refuse("a MISP attribute with fields of the wrong type", "")
		return nil //nolint:nilerr // counted
	}
	value, _ := a.Value.(string)
	switch {
	case a.Deleted:
		w.other("a MISP attribute that was deleted", value)
		return nil
	case a.IDS != nil && !*a.IDS:
		w.other("a MISP attribute that is not for detection (to_ids)", value)
		return nil
	}
	parts := mispParts(a.Type, value)
	if parts == nil {
		w.other("MISP "+short(a.Type, 30)+": not for look-up", value)
		return nil
	}
	about.own()
	about.tags(a.Tag)
	about.galaxies(a.Galaxy)
	in := intel.Indicator{TLP: about.tlp, First: parseTime(a.FirstSeen)}
	in.Family, in.Chain = about.behind()
	if in.First.IsZero() && a.Timestamp != nil {
		in.First = parseTime(plain(a.Timestamp))
	}
	for _, p := range parts {
		if err := w.take(p.kind, p.value, in); err != nil {
			return err
		}
	}
	return nil
}

// plain is a text or number of JSON as text.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return ""
}

// mispParts returns the values of an attribute; of a composite one, those that
// mean something alone. nil: the type is nothing to look up.
func mispParts(kind, value string) []observed {
	left, right, _ := strings.Cut(value, "|")
	switch kind {
	case "ip-src", "ip-dst":
		return []observed{{intel.None, value}}
	case "ip-src|port", "ip-dst|port":
		if strings.Contains(left, ":") {
			left = "[" + left + "]"
		}
		return []observed{{intel.None, left + ":" + right}}
	case "domain", "hostname":
		return []observed{{intel.Domain, value}}
	case "domain|ip":
		return []observed{{intel.Domain, left}, {intel.None, right}}
	case "hostname|port":
		return []observed{{intel.Domain, left}}
	case "url", "uri", "link":
		return []observed{{intel.URL, value}}
	case "md5":
		return []observed{{intel.MD5, value}}
	case "sha1":
		return []observed{{intel.SHA1, value}}
	case "sha256":
		return []observed{{intel.SHA256, value}}
	case "filename|md5":
		return []observed{{intel.MD5, right}}
	case "filename|sha1":
		return []observed{{intel.SHA1, right}}
	case "filename|sha256":
		return []observed{{intel.SHA256, right}}
	case "ja3-fingerprint-md5":
		return []observed{{intel.JA3, value}}
	case "email", "email-src", "email-dst", "email-reply-to":
		return []observed{{intel.Email, value}}
	}
	return nil
}
