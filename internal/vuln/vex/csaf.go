package vex

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/vuln/advisory"
)

// Author is who vouches for a document of the site's own statements.
type Author struct {
	Name      string
	Namespace string // an address under the author's control; "": none is claimed
}

// csafStatuses are the lists of CSAF by our words.
func csafStatuses() map[advisory.Status]string {
	return map[advisory.Status]string{
		advisory.NotAffected: "known_not_affected", advisory.Affected: "known_affected", advisory.Fixed: "fixed", advisory.Investigating: "under_investigation",
	}
}

// inForce are the statements that count, by vulnerability in order; of each product
// the newest.
func inForce(list []Statement) ([]string, map[string][]Statement, error) {
	by := map[string][]Statement{}
	for i := range list {
		s := list[i]
		if s.Withdrawn {
			continue
		}
		id := strings.ToUpper(s.Vulnerability)
		if at := slices.IndexFunc(by[id], func(o Statement) bool { return o.Key() == s.Key() }); at >= 0 {
			if s.At.After(by[id][at].At) {
				by[id][at] = s
			}
			continue
		}
		by[id] = append(by[id], s)
	}
	if len(by) == 0 {
		return nil, nil, fault.New(fault.NotFound, "there is no statement of this site").WithHint("make one with: vedette vulns state CVE --product NAME --status STATUS --why TEXT")
	}
	ids := make([]string, 0, len(by))
	for id := range by {
		ids = append(ids, id)
		slices.SortStableFunc(by[id], func(a, b Statement) int { return cmp.Compare(a.productID(), b.productID()) })
	}
	slices.Sort(ids)
	return ids, by, nil
}

// productID names the product of a statement within a document.
func (s *Statement) productID() string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join([]string{s.Vendor, s.Product, s.Version, s.PURL}, "\x00"))))
	return "P-" + hex.EncodeToString(sum[:6])
}

// title is the product for people.
func (s *Statement) title() string {
	if text := strings.Join(strings.Fields(s.Vendor+" "+s.Product+" "+s.Version), " "); text != "" {
		return text
	}
	return s.PURL
}

// plant adds the product to a tree: below its vendor, if that is said.
func (s *Statement) plant(tree map[string][]any) {
	full := map[string]any{"product_id": s.productID(), "name": s.title(), "product_identification_helper": map[string]any{"purl": s.purl()}}
	if s.Vendor == "" || s.Product == "" {
		tree["full_product_names"] = append(tree["full_product_names"], full)
		return
	}
	product := map[string]any{"category": "product_name", "name": s.Product, "product": full}
	if s.Version != "" {
		delete(product, "product")
		product["branches"] = []any{map[string]any{"category": "product_version", "name": s.Version, "product": full}}
	}
	tree["branches"] = append(tree["branches"], map[string]any{"category": "vendor", "name": s.Vendor, "branches": []any{product}})
}

// CSAF writes statements as a CSAF 2.0 document of the profile csaf_vex.
func CSAF(list []Statement, by Author) ([]byte, error) {
	ids, all, err := inForce(list)
	if err != nil {
		return nil, err
	}
	first, last := span(all)
	tree, seen := map[string][]any{}, map[string]bool{}
	vulnerabilities := []any{}
	sum := sha256.New()
	for _, id := range ids {
		v := csafVulnerability(id, all[id])
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		_, _ = sum.Write(text)
		vulnerabilities = append(vulnerabilities, v)
		for i := range all[id] {
			s := &all[id][i]
			if p := s.productID(); !seen[p] {
				seen[p] = true
				s.plant(tree)
			}
		}
	}
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	doc := map[string]any{
		"document": map[string]any{
			"category": "csaf_vex", "csaf_version": "2.0", "title": "Statements of " + by.Name + " on vulnerabilities", "lang": "en",
			"publisher": map[string]any{"category": "user", "name": by.Name, "namespace": cmp.Or(by.Namespace, "https://localhost")},
			"tracking": map[string]any{
				"id": "vedette-vex-" + hex.EncodeToString(sum.Sum(nil)[:8]), "status": "final", "version": "1",
				"initial_release_date": day(last), "current_release_date": day(last),
				"generator":        map[string]any{"engine": map[string]any{"name": "vedette"}},
				"revision_history": []any{map[string]any{"date": day(last), "number": "1", "summary": "Statements made from " + first.UTC().Format(time.DateOnly) + " on."}},
			},
		},
		"product_tree":    tree,
		"vulnerabilities": vulnerabilities,
	}
	return json.MarshalIndent(doc, "", "  ")
}

func span(all map[string][]Statement) (first, last time.Time) {
	for _, list := range all {
		for i := range list {
			if at := list[i].At; first.IsZero() || at.Before(first) {
				first = at
			}
			if list[i].At.After(last) {
				last = list[i].At
			}
		}
	}
	return first, last
}

func csafVulnerability(id string, list []Statement) map[string]any {
	status, flags, threats, remedies, notes := map[string][]string{}, []any{}, []any{}, []any{}, []any{}
	for i := range list {
		s := &list[i]
		p := []string{s.productID()}
		word := csafStatuses()[s.Status]
		status[word] = append(status[word], p[0])
		said := s.Why + " (by " + s.By + " on " + s.At.UTC().Format(time.DateOnly) + ")"
		notes = append(notes, map[string]any{"category": "other", "title": s.title(), "text": said})
		switch s.Status {
		case advisory.NotAffected:
			flags = append(flags, map[string]any{"label": s.Justification, "product_ids": p, "date": s.At.UTC().Format(time.RFC3339)})
			threats = append(threats, map[string]any{"category": "impact", "details": said, "product_ids": p})
		case advisory.Affected:
			remedies = append(remedies, map[string]any{"category": "mitigation", "details": said, "product_ids": p})
		default:
		}
	}
	v := map[string]any{"notes": notes, "product_status": status}
	if strings.HasPrefix(id, "CVE-") {
		v["cve"] = id
	} else {
		v["ids"] = []any{map[string]any{"system_name": "advisory", "text": id}}
	}
	for name, part := range map[string][]any{"flags": flags, "threats": threats, "remediations": remedies} {
		if len(part) > 0 {
			v[name] = part
		}
	}
	return v
}

// CycloneDX writes statements as a CycloneDX 1.6 document that is VEX alone.
func CycloneDX(list []Statement, by Author) ([]byte, error) {
	ids, all, err := inForce(list)
	if err != nil {
		return nil, err
	}
	components, seen, vulnerabilities := []any{}, map[string]bool{}, []any{}
	for _, id := range ids {
		for i := range all[id] {
			s := &all[id][i]
			if p := s.productID(); !seen[p] {
				seen[p] = true
				c := map[string]any{"type": "firmware", "bom-ref": p, "name": cmp.Or(s.Product, s.title()), "purl": s.purl()}
				if s.Version != "" {
					c["version"] = s.Version
				}
				if s.Vendor != "" {
					c["supplier"] = map[string]any{"name": s.Vendor}
				}
				components = append(components, c)
			}
			vulnerabilities = append(vulnerabilities, map[string]any{"id": id, "analysis": cycloneAnalysis(s), "affects": []any{map[string]any{"ref": s.productID()}}})
		}
	}
	_, last := span(all)
	doc := map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":   map[string]any{"timestamp": last.UTC().Format(time.RFC3339), "supplier": map[string]any{"name": by.Name}},
		"components": components, "vulnerabilities": vulnerabilities,
	}
	return json.MarshalIndent(doc, "", "  ")
}

// cycloneAnalysis puts a statement into CycloneDX's words. The justifications of
// the two do not meet one to one: what has no like goes as text alone.
func cycloneAnalysis(s *Statement) map[string]any {
	a := map[string]any{
		"state":       map[advisory.Status]string{advisory.NotAffected: "not_affected", advisory.Affected: "exploitable", advisory.Fixed: "resolved", advisory.Investigating: "in_triage"}[s.Status],
		"detail":      strings.TrimPrefix(s.Justification+": ", ": ") + s.Why + " (by " + s.By + ")",
		"lastUpdated": s.At.UTC().Format(time.RFC3339),
	}
	like := map[string]string{
		"component_not_present": "code_not_present", "vulnerable_code_not_present": "code_not_present", "vulnerable_code_not_in_execute_path": "code_not_reachable",
		"inline_mitigations_already_exist": "protected_by_mitigating_control",
	}[s.Justification]
	if like != "" {
		a["justification"] = like
	}
	return a
}
