package sbom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf16"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"vedette/internal/fault"
	"vedette/internal/vuln/schema"
)

func decode16(units []uint16) string { return string(utf16.Decode(units)) }

func readCycloneDX(m map[string]any, schemas *schema.Set) (*BOM, error) {
	version := text(m["specVersion"])
	if err := CheckCycloneDX(m, schemas); err != nil {
		return nil, err
	}
	b := &BOM{Format: CycloneDX + " " + version + " json", Serial: text(m["serialNumber"])}
	return b, b.fromCycloneDX(m)
}

// CheckCycloneDX holds a decoded JSON document against the schema of its
// version and the rules that the schema cannot say.
func CheckCycloneDX(m map[string]any, schemas *schema.Set) error {
	version := text(m["specVersion"])
	name := schema.CycloneDX(version)
	if name == "" {
		return fault.New(fault.Invalid, "there is no CycloneDX version %q in JSON", version).WithHint("versions 1.2 to 1.7 are read; set specVersion to the one the file follows")
	}
	if m["bomFormat"] == nil {
		return fault.New(fault.Invalid, "at the top: bomFormat is missing").WithHint(`add "bomFormat": "CycloneDX"`)
	}
	where, had := m["$schema"]
	delete(m, "$schema") // tools write many addresses there; which schema holds, specVersion says
	err := schemas.Check(name, m)
	if had {
		m["$schema"] = where
	}
	if err != nil {
		return err
	}
	return uniqueRefs(m)
}

// uniqueRefs refuses a document in which two things carry one bom-ref: a
// dependency on it would mean either.
func uniqueRefs(m map[string]any) error {
	seen := map[string]bool{}
	var walk func(v any) error
	one := func(c map[string]any) error {
		ref := text(c["bom-ref"])
		if ref != "" && seen[ref] {
			return fault.New(fault.Invalid, "the bom-ref %q is there twice", ref).WithHint("give each component and service a bom-ref of its own")
		}
		seen[ref] = true
		if err := walk(c["components"]); err != nil {
			return err
		}
		return walk(c["services"])
	}
	walk = func(v any) error {
		for _, x := range list(v) {
			if err := one(object(x)); err != nil {
				return err
			}
		}
		return nil
	}
	if c := object(object(m["metadata"])["component"]); c != nil {
		if err := one(c); err != nil {
			return err
		}
	}
	if err := walk(m["components"]); err != nil {
		return err
	}
	return walk(m["services"])
}

func (b *BOM) fromCycloneDX(m map[string]any) error {
	if c := object(object(m["metadata"])["component"]); c != nil {
		b.Subject = component(c)
	}
	return b.collect(list(m["components"]))
}

func (b *BOM) collect(parts []any) error {
	for _, p := range parts {
		c := object(p)
		if c == nil {
			continue
		}
		if len(b.Components) >= maxComponents {
			return tooMany()
		}
		b.Components = append(b.Components, component(c))
		if err := b.collect(list(c["components"])); err != nil {
			return err
		}
	}
	return nil
}

func component(c map[string]any) Component {
	supplier := text(object(c["supplier"])["name"])
	if supplier == "" {
		supplier = text(object(c["manufacturer"])["name"])
	}
	if supplier == "" {
		supplier = text(c["publisher"])
	}
	return Component{
		Type: text(c["type"]), Supplier: supplier, Group: text(c["group"]), Name: text(c["name"]), Version: text(c["version"]),
		PURLs: some(text(c["purl"])), CPEs: some(text(c["cpe"])), Licenses: licenses(list(c["licenses"])),
	}
}

// maxLicenses bounds those of one component.
const maxLicenses = 20

func licenses(l []any) []string {
	var out []string
	for _, x := range l {
		m := object(x)
		one := object(m["license"])
		out = append(out, text(m["expression"]), text(one["id"]), text(one["name"]))
	}
	out = some(out...)
	return out[:min(len(out), maxLicenses)]
}

// readXML reads CycloneDX as XML: the names are held against those of the
// version's XML schema, then the document is turned into the JSON form, which
// has the same rules, and held against that schema.
func readXML(data []byte, schemas *schema.Set) (*BOM, error) {
	version, err := scanXML(data)
	if err != nil {
		return nil, err
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatXML).Decode(&bom); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the XML is no CycloneDX %s", version)
	}
	bom.BOMFormat = cdx.BOMFormat
	if bom.Version == 0 { // the XML form may leave it out, which means 1
		bom.Version = 1
	}
	as := max(bom.SpecVersion, cdx.SpecVersion1_2) // there was no JSON before
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).EncodeVersion(&bom, as); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the XML is no CycloneDX %s", version)
	}
	doc, err := schema.Decode(out.Bytes())
	if err != nil {
		return nil, err
	}
	m := object(doc)
	b := &BOM{Format: CycloneDX + " " + version + " xml", Serial: text(m["serialNumber"])}
	if err := CheckCycloneDX(m, schemas); err != nil {
		return nil, err
	}
	return b, b.fromCycloneDX(m)
}

const xmlSpace = "http://cyclonedx.org/schema/bom/"

// scanXML looks at every token: no declarations of types or entities, bounded
// depth, one root, and only names that the version has. Elements of other
// namespaces are the makers' own and pass.
func scanXML(data []byte) (string, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	var names schema.Names
	version, depth := "", 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fault.Wrap(fault.Invalid, err, "the XML is damaged")
		}
		switch t := tok.(type) {
		case xml.Directive:
			return "", fault.New(fault.Invalid, "the XML declares types or entities, which is refused").WithHint("write it without <!DOCTYPE …>")
		case xml.StartElement:
			if depth++; depth > schema.MaxDepth {
				return "", fault.New(fault.Limited, "it is nested deeper than %d levels", schema.MaxDepth)
			}
			if version == "" {
				if version, names, err = rootXML(t); err != nil {
					return "", err
				}
			}
			if err := knownXML(t, version, names); err != nil {
				return "", err
			}
		case xml.EndElement:
			depth--
		}
	}
	if version == "" {
		return "", fault.New(fault.Invalid, "the XML has no element")
	}
	return version, nil
}

func rootXML(t xml.StartElement) (string, schema.Names, error) {
	version, ok := strings.CutPrefix(t.Name.Space, xmlSpace)
	if !ok || t.Name.Local != "bom" {
		return "", schema.Names{}, fault.New(fault.Invalid, "the XML is no CycloneDX: its root is %.80q", t.Name.Local).WithHint(`it must be <bom xmlns="%s1.6">`, xmlSpace)
	}
	names, ok := schema.XMLNames(version)
	if !ok {
		return "", names, fault.New(fault.Invalid, "there is no CycloneDX version %.20q", version).WithHint("versions 1.0 to 1.7 are read")
	}
	return version, names, nil
}

func knownXML(t xml.StartElement, version string, names schema.Names) error {
	if t.Name.Space != xmlSpace+version {
		return nil
	}
	if !names.Elements[t.Name.Local] {
		return fault.New(fault.Invalid, "CycloneDX %s has no element %.80q", version, t.Name.Local)
	}
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" && !names.Attributes[a.Name.Local] {
			return fault.New(fault.Invalid, "CycloneDX %s has no attribute %.80q (at %s)", version, a.Name.Local, t.Name.Local)
		}
	}
	return nil
}
