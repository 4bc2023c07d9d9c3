package share

import (
	"encoding/json"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/intel"
)

// Moment writes a time as STIX and TAXII want it.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// finest is the precision of times in STIX as written here.
const finest = time.Microsecond

// put adds an object once; made is asked when it is new.
func (w *writer) put(kind, id string, made time.Time, dated bool, fill func(m map[string]any)) string {
	if w.seen[id] {
		return id
	}
	w.seen[id] = true
	created := made.UTC().Truncate(finest)
	o := Object{ID: id, Type: kind, Added: created}
	if w.o.Note != nil {
		created, o.Added = w.o.Note(id, created)
	}
	m := map[string]any{"type": kind, "spec_version": "2.1", "id": id}
	if dated {
		m["created"], m["modified"] = Moment(created), Moment(created)
		o.Version = created
	}
	fill(m)
	if w.revoking && (kind == "sighting" || kind == "observed-data") {
		o.Version, o.Added = w.o.Note(id+withdrawn, w.revokedAt(created))
		m["modified"], m["revoked"] = Moment(o.Version), true
	}
	raw, err := json.Marshal(m)
	if err != nil { // it holds texts, numbers and lists of them
		return id
	}
	o.JSON = raw
	w.out = append(w.out, o)
	return id
}

func (w *writer) id(kind, name string) string {
	return kind + "--" + w.o.Site.Namespace.Of(kind+"\x00"+name).String()
}

// The marks of TLP 2.0 and the extension that defines them, as OASIS published
// them.
const tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

func markID(t intel.TLP) string {
	return "marking-definition--" + map[intel.TLP]string{
		intel.Clear:       "94868c89-83c2-464b-929b-a1a8aa3c8487",
		intel.Green:       "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
		intel.Amber:       "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
		intel.AmberStrict: "939a9414-2ddd-4d32-a0cd-375ea402b003",
		intel.Red:         "e828b379-4e03-4974-9ac4-e53a884c97c1",
	}[t]
}

// mark adds the definition of a mark and returns its id.
func (w *writer) mark(t intel.TLP) string {
	made := time.Date(2022, 10, 1, 0, 0, 0, 0, time.UTC)
	id := markID(t)
	if w.seen[id] {
		return id
	}
	w.put("marking-definition", id, made, false, func(m map[string]any) {
		m["created"], m["name"] = "2022-10-01T00:00:00.000Z", "TLP:"+strings.ToUpper(t.String())
		m["extensions"] = map[string]any{tlpExtension: map[string]any{"extension_type": "property-extension", "tlp_2_0": t.String()}}
	})
	w.out[len(w.out)-1].Version = made
	return id
}

// site adds who tells and returns its id.
func (w *writer) site(made time.Time) string {
	return w.put("identity", w.id("identity", "site"), made, true, func(m map[string]any) {
		m["name"], m["identity_class"] = w.o.Site.Name, "organization"
		m["object_marking_refs"] = []string{w.mark(intel.Clear)}
	})
}

// tell writes one finding.
func (w *writer) tell(f *event.Finding, t told) {
	began := f.First
	if began.IsZero() || began.After(f.Time) {
		began = f.Time
	}
	w.each(f, f.UID, func(name string) {
		by := w.site(began)
		indicator := w.indicator(f, t, by, began)
		observed := w.observed(f, t, by, began, name)
		w.sighting(f, name, by, indicator, began, t.mark, func(m map[string]any) {
			if observed != "" {
				m["observed_data_refs"] = []string{observed}
			}
		})
	})
}

func (w *writer) sighting(f *event.Finding, name, by, of string, began time.Time, mark intel.TLP, more func(m map[string]any)) {
	w.put("sighting", w.id("sighting", name), began, true, func(m map[string]any) {
		m["created_by_ref"], m["sighting_of_ref"], m["where_sighted_refs"] = by, of, []string{by}
		m["first_seen"], m["last_seen"] = Moment(began), Moment(f.Time)
		m["count"] = min(max(f.Count, 1), 999_999_999)
		m["summary"] = false
		more(m)
		w.judged(m, f, mark)
	})
}

// judged sets what finding and mark say of an object.
func (w *writer) judged(m map[string]any, f *event.Finding, mark intel.TLP) {
	m["object_marking_refs"] = []string{w.mark(mark)}
	if c := int(f.Confidence*100 + 0.5); c > 0 {
		m["confidence"] = min(c, 100)
	}
}

func (w *writer) indicator(f *event.Finding, t told, by string, began time.Time) string {
	id := w.put("indicator", w.id("indicator", t.kind.String()+"\x00"+t.value), began, true, func(m map[string]any) {
		m["created_by_ref"], m["name"] = by, t.kind.String()+" "+t.value
		m["description"] = "Named by a feed of this site and met in its traffic."
		m["indicator_types"], m["pattern_type"], m["pattern_version"] = []string{"malicious-activity"}, "stix", "2.1"
		m["pattern"] = t.pattern
		m["valid_from"] = m["created"]
		w.judged(m, f, t.feed)
	})
	family := reason(f, "family")
	if family == "" {
		return id
	}
	malware := w.put("malware", w.id("malware", family), began, true, func(m map[string]any) {
		m["created_by_ref"], m["name"], m["is_family"] = by, family, true
		m["object_marking_refs"] = []string{w.mark(t.feed)}
	})
	w.put("relationship", w.id("relationship", id+malware), began, true, func(m map[string]any) {
		m["created_by_ref"], m["relationship_type"], m["source_ref"], m["target_ref"] = by, "indicates", id, malware
		m["object_marking_refs"] = []string{w.mark(t.feed)}
	})
	return id
}

func reason(f *event.Finding, feature string) string {
	for _, r := range f.Reasons {
		if r.Feature == feature {
			return r.Observed
		}
	}
	return ""
}

// observed adds what was seen, and returns the id of the observed data; "" when
// STIX has no object for it.
func (w *writer) observed(f *event.Finding, t told, by string, began time.Time, name string) string {
	refs := w.things(f, t, began)
	if len(refs) == 0 {
		return ""
	}
	if w.o.Addresses { // it says more, and so is another
		name += "\x00addresses"
	}
	return w.put("observed-data", w.id("observed-data", name), began, true, func(m map[string]any) {
		m["created_by_ref"] = by
		m["first_observed"], m["last_observed"] = Moment(began), Moment(f.Time)
		m["number_observed"] = min(max(f.Count, 1), 999_999_999)
		m["object_refs"] = refs
		w.judged(m, f, t.mark)
	})
}

// things adds the observables of a finding: what the indicator names and, where
// addresses of ours may go out, both ends.
func (w *writer) things(f *event.Finding, t told, began time.Time) []string {
	var refs []string
	add := func(id string) {
		if id != "" {
			refs = append(refs, id)
		}
	}
	add(w.thing(t.kind, t.value, began))
	if t.kind == intel.Subnet { // which address of it
		if p, err := netip.ParsePrefix(t.value); err == nil {
			for _, side := range [...]event.Side{f.Src, f.Dst} {
				if a, err := netip.ParseAddr(side.IP); err == nil && p.Contains(a.Unmap()) && (w.o.Addresses || !w.localAddr(a)) {
					add(w.address(a, began))
				}
			}
		}
	}
	if !w.o.Addresses {
		return refs
	}
	src, err1 := netip.ParseAddr(f.Src.IP)
	dst, err2 := netip.ParseAddr(f.Dst.IP)
	if err1 == nil && err2 == nil {
		from, to := w.address(src, began), w.address(dst, began)
		return append(refs, from, to, w.traffic(f, from, to, began))
	}
	return refs
}

func (w *writer) address(a netip.Addr, began time.Time) string {
	a = a.Unmap().WithZone("")
	kind := "ipv4-addr"
	if a.Is6() {
		kind = "ipv6-addr"
	}
	return w.value(kind, a.String(), began)
}

func (w *writer) value(kind, value string, began time.Time) string {
	return w.put(kind, observableID(kind, map[string]any{"value": value}), began, false, func(m map[string]any) { m["value"] = value })
}

func (w *writer) traffic(f *event.Finding, from, to string, began time.Time) string {
	by := map[string]any{"src_ref": from, "dst_ref": to, "protocols": []string{"ip"}}
	if f.Dst.Port > 0 && f.Dst.Port < 1<<16 {
		by["dst_port"] = f.Dst.Port
	}
	return w.put("network-traffic", observableID("network-traffic", by), began, false, func(m map[string]any) {
		maps.Copy(m, by)
	})
}

// thing adds what an indicator names.
func (w *writer) thing(kind intel.Type, value string, began time.Time) string {
	switch kind {
	case intel.IP:
		if a, err := netip.ParseAddr(value); err == nil {
			return w.address(a, began)
		}
	case intel.Endpoint:
		if ap, err := netip.ParseAddrPort(value); err == nil {
			return w.address(ap.Addr(), began)
		}
	case intel.Domain:
		return w.value("domain-name", value, began)
	case intel.URL:
		return w.value("url", "http://"+value, began)
	case intel.Email:
		return w.value("email-addr", value, began)
	case intel.MD5, intel.SHA1, intel.SHA256:
		by := map[string]any{"hashes": map[string]string{hashName(kind): value}}
		return w.put("file", observableID("file", by), began, false, func(m map[string]any) { m["hashes"] = by["hashes"] })
	default: // STIX has no object for it
	}
	return ""
}

func hashName(kind intel.Type) string {
	return map[intel.Type]string{intel.MD5: "MD5", intel.SHA1: "SHA-1", intel.SHA256: "SHA-256"}[kind]
}

// patternOf writes an indicator as a pattern; "" when STIX has none for it.
func patternOf(kind intel.Type, value string) string {
	quote := func(s string) string {
		return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
	}
	family := func(a netip.Addr) string {
		if a.Is4() {
			return "ipv4-addr"
		}
		return "ipv6-addr"
	}
	switch kind {
	case intel.IP:
		if a, err := netip.ParseAddr(value); err == nil {
			return "[" + family(a) + ":value = " + quote(value) + "]"
		}
	case intel.Subnet:
		if p, err := netip.ParsePrefix(value); err == nil {
			return "[" + family(p.Addr()) + ":value ISSUBSET " + quote(value) + "]"
		}
	case intel.Endpoint:
		if ap, err := netip.ParseAddrPort(value); err == nil {
			return "[network-traffic:dst_ref.type = " + quote(family(ap.Addr())) + " AND network-traffic:dst_ref.value = " + quote(ap.Addr().String()) +
				" AND network-traffic:dst_port = " + strconv.Itoa(int(ap.Port())) + "]"
		}
	case intel.Domain:
		return "[domain-name:value = " + quote(value) + "]"
	case intel.URL: // the normal form has no scheme
		return "[url:value = " + quote("http://"+value) + " OR url:value = " + quote("https://"+value) + "]"
	case intel.Path:
		return "[url:value LIKE " + quote("%"+value) + "]"
	case intel.Email:
		return "[email-addr:value = " + quote(value) + "]"
	case intel.MD5, intel.SHA1, intel.SHA256:
		return "[file:hashes." + quote(hashName(kind)) + " = " + quote(value) + "]"
	default: // as above
	}
	return ""
}
