package sbom

import (
	"regexp"
	"strings"

	"vedette/internal/fault"
)

var spdxTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func broken(where, format string, args ...any) error {
	return fault.New(fault.Invalid, "at "+where+": "+format, args...)
}

func readSPDX(m map[string]any) (*BOM, error) {
	version, err := spdxVersion(text(m["spdxVersion"]))
	if err != nil {
		return nil, err
	}
	if err := spdxHead(m); err != nil {
		return nil, err
	}
	b := &BOM{Format: SPDX + " " + version + " json", Serial: text(m["documentNamespace"]), Subject: Component{Name: text(m["name"])}}
	seen := map[string]bool{}
	packages, ok := m["packages"].([]any)
	if !ok && m["packages"] != nil {
		return nil, broken("packages", "it must be a list")
	}
	for i, p := range packages {
		c, err := spdxPackage(object(p), i, seen)
		if err != nil {
			return nil, err
		}
		if len(b.Components) >= maxComponents {
			return nil, tooMany()
		}
		b.Components = append(b.Components, c)
	}
	return b, spdxRelations(list(m["relationships"]))
}

func spdxVersion(text string) (string, error) {
	version, ok := strings.CutPrefix(text, "SPDX-")
	if !ok || version != "2.0" && version != "2.1" && version != "2.2" && version != "2.3" {
		return "", fault.New(fault.Invalid, "there is no SPDX version %.40q here", text).WithHint("SPDX-2.2 and SPDX-2.3 are read, and SPDX 3 as JSON-LD")
	}
	return version, nil
}

func spdxHead(m map[string]any) error {
	for _, key := range []string{"name", "dataLicense", "documentNamespace", "SPDXID"} {
		if _, ok := m[key].(string); !ok {
			return broken("the top", "%s is missing", key)
		}
	}
	if id := text(m["SPDXID"]); id != "SPDXRef-DOCUMENT" {
		return broken("SPDXID", "a document's id is SPDXRef-DOCUMENT, not %.80q", id)
	}
	if text(m["dataLicense"]) != "CC0-1.0" {
		return broken("dataLicense", "it must be CC0-1.0")
	}
	info := object(m["creationInfo"])
	if info == nil {
		return broken("the top", "creationInfo is missing")
	}
	if !spdxTime.MatchString(text(info["created"])) {
		return broken("creationInfo/created", "%.40q is no time like 2026-01-31T12:00:00Z", text(info["created"]))
	}
	if len(list(info["creators"])) == 0 {
		return broken("creationInfo", "creators is missing")
	}
	for _, c := range list(info["creators"]) {
		if !spdxCreator(text(c)) {
			return broken("creationInfo/creators", "%.80q does not begin with Person:, Organization: or Tool:", text(c))
		}
	}
	return nil
}

func spdxCreator(s string) bool {
	for _, start := range []string{"Person:", "Organization:", "Tool:"} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	return false
}

func spdxPackage(p map[string]any, i int, seen map[string]bool) (Component, error) {
	where := "packages/" + itoa(i)
	if p == nil {
		return Component{}, broken(where, "it must be an object")
	}
	for _, key := range []string{"name", "SPDXID", "downloadLocation"} {
		if _, ok := p[key].(string); !ok {
			return Component{}, broken(where, "%s is missing", key)
		}
	}
	id := text(p["SPDXID"])
	if !strings.HasPrefix(id, "SPDXRef-") {
		return Component{}, broken(where+"/SPDXID", "%.80q does not begin with SPDXRef-", id)
	}
	if seen[id] {
		return Component{}, broken(where+"/SPDXID", "%.80q is there twice", id)
	}
	seen[id] = true
	c := Component{
		Type: strings.ToLower(text(p["primaryPackagePurpose"])), Supplier: spdxSupplier(text(p["supplier"])),
		Name: text(p["name"]), Version: text(p["versionInfo"]), Licenses: spdxLicense(text(p["licenseConcluded"]), text(p["licenseDeclared"])),
	}
	for n, r := range list(p["externalRefs"]) {
		ref := object(r)
		kind, where := text(ref["referenceType"]), where+"/externalRefs/"+itoa(n)
		locator := text(ref["referenceLocator"])
		if kind == "" || locator == "" || text(ref["referenceCategory"]) == "" {
			return c, broken(where, "referenceCategory, referenceType and referenceLocator must be there")
		}
		c.refer(kind, locator)
	}
	return c, nil
}

// refer keeps a reference that names the component elsewhere.
func (c *Component) refer(kind, locator string) {
	switch kind[strings.LastIndexByte(kind, '/')+1:] {
	case "purl":
		c.PURLs = append(c.PURLs, locator)
	case "cpe22Type", "cpe23Type":
		c.CPEs = append(c.CPEs, locator)
	}
}

// spdxLicense is the first that says something.
func spdxLicense(said ...string) []string {
	for _, s := range said {
		if s != "" && s != "NOASSERTION" && s != "NONE" {
			return []string{s}
		}
	}
	return nil
}

func spdxSupplier(s string) string {
	for _, start := range []string{"Organization:", "Person:"} {
		if rest, ok := strings.CutPrefix(s, start); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func spdxRelations(relations []any) error {
	for i, r := range relations {
		m := object(r)
		for _, key := range []string{"spdxElementId", "relatedSpdxElement", "relationshipType"} {
			if text(m[key]) == "" {
				return broken("relationships/"+itoa(i), "%s is missing", key)
			}
		}
	}
	return nil
}

// readSPDX3 reads the packages of an SPDX 3 graph, as far as it goes: the graph
// is not held against its shapes.
func readSPDX3(m map[string]any) (*BOM, error) {
	graph, ok := m["@graph"].([]any)
	if !ok {
		return nil, broken("the top", "@graph is missing")
	}
	b := &BOM{Format: SPDX + " 3 json-ld"}
	for i, e := range graph {
		el := object(e)
		kind := spdx3Kind(el)
		if kind == "" {
			return nil, broken("@graph/"+itoa(i), "type is missing")
		}
		switch kind {
		case "SpdxDocument":
			b.Subject.Name, b.Serial = text(el["name"]), text(el["spdxId"])
		case "software_Package", "ai_AIPackage", "dataset_DatasetPackage", "Package":
			if text(el["name"]) == "" {
				return nil, broken("@graph/"+itoa(i), "the package has no name")
			}
			if len(b.Components) >= maxComponents {
				return nil, tooMany()
			}
			b.Components = append(b.Components, spdx3Package(el))
		}
	}
	return b, nil
}

func spdx3Kind(el map[string]any) string {
	kind := text(el["type"])
	if kind == "" {
		kind = text(el["@type"])
	}
	return kind[strings.LastIndexByte(kind, '/')+1:]
}

func spdx3Package(el map[string]any) Component {
	c := Component{Type: strings.ToLower(text(el["software_primaryPurpose"])), Name: text(el["name"]), Version: text(el["software_packageVersion"])}
	c.PURLs = some(text(el["software_packageUrl"]))
	for _, x := range list(el["externalIdentifier"]) {
		id := object(x)
		value := text(id["identifier"])
		switch kind := text(id["externalIdentifierType"]); {
		case value == "":
		case kind == "packageUrl" || kind == "purl":
			c.PURLs = append(c.PURLs, value)
		case kind == "cpe22" || kind == "cpe23":
			c.CPEs = append(c.CPEs, value)
		}
	}
	return c
}
