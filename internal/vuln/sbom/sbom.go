// Package sbom reads bills of materials: CycloneDX 1.0 to 1.7 (JSON, XML),
// SPDX 2.2 and 2.3 (JSON, tag-value) and, as far as it goes, SPDX 3 (JSON-LD).
// A document that breaks the rules of its format is refused with the place and
// the rule.
//
// It must not keep, match or fetch anything. What a bill says is untrusted.
package sbom

import (
	"bytes"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/schema"
)

// The formats.
const (
	CycloneDX = "cyclonedx"
	SPDX      = "spdx"
)

// Limits of one document.
const (
	MaxBytes      = 100 << 20
	maxComponents = 1_000_000
	maxText       = 4096
)

// Component is one part of a bill.
type Component struct {
	Type     string   `json:"type,omitempty"`
	Supplier string   `json:"supplier,omitempty"`
	Group    string   `json:"group,omitempty"`
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	PURLs    []string `json:"purls,omitempty"`
	CPEs     []string `json:"cpes,omitempty"`
	Licenses []string `json:"licenses,omitempty"` // as the bill names them
}

// BOM is what a document says of a product. Components has the parts at every
// depth, and not the product itself, which is Subject.
type BOM struct {
	Format     string      `json:"format"` // such as "cyclonedx 1.5 json"
	Serial     string      `json:"serial,omitempty"`
	Subject    Component   `json:"subject"`
	Components []Component `json:"components"`
}

// Count returns the number of package URLs and CPEs of the components.
func (b *BOM) Count() (purls, cpes int) {
	for i := range b.Components {
		purls += len(b.Components[i].PURLs)
		cpes += len(b.Components[i].CPEs)
	}
	return purls, cpes
}

// Read reads one document whatever its format.
func Read(data []byte, schemas *schema.Set) (*BOM, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.Limited, "the document is larger than %d MB", MaxBytes>>20).WithHint("split it, one product a file")
	}
	data, err := plain(data)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, fault.New(fault.Invalid, "the file is empty")
	case text[0] == '<':
		return readXML(data, schemas)
	case text[0] == '{':
		return readJSON(data, schemas)
	case bytes.Contains(text[:min(len(text), 1<<16)], []byte("SPDXVersion:")):
		return readTagValue(data)
	}
	return nil, fault.New(fault.Invalid, "this is no bill of materials that is known here").WithHint("CycloneDX (JSON, XML) and SPDX (JSON, tag-value) are read")
}

// plain undoes the byte orders that tools write.
func plain(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return wide(data)
	}
	return data, nil
}

func wide(data []byte) ([]byte, error) {
	big := data[0] == 0xfe
	if len(data)%2 != 0 {
		return nil, fault.New(fault.Invalid, "the UTF-16 text breaks off")
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		hi, lo := data[i+1], data[i]
		if big {
			hi, lo = lo, hi
		}
		units = append(units, uint16(hi)<<8|uint16(lo))
	}
	return []byte(decode16(units)), nil
}

func readJSON(data []byte, schemas *schema.Set) (*BOM, error) {
	doc, err := schema.Decode(data)
	if err != nil {
		return nil, err
	}
	m, _ := doc.(map[string]any)
	switch {
	case m["spdxVersion"] != nil:
		return readSPDX(m)
	case m["@graph"] != nil || strings.Contains(text(m["@context"]), "spdx.org/rdf/3"):
		return readSPDX3(m)
	case m["bomFormat"] != nil || m["specVersion"] != nil || m["components"] != nil:
		return readCycloneDX(m, schemas)
	}
	return nil, fault.New(fault.Invalid, "the JSON is no bill of materials: it has neither bomFormat nor spdxVersion").WithHint("CycloneDX and SPDX are read")
}

// text is v as a bounded string, or "".
func text(v any) string {
	s, _ := v.(string)
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func some(values ...string) []string {
	values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
	if len(values) == 0 {
		return nil
	}
	return values
}

func tooMany() error {
	return fault.New(fault.Limited, "the bill has more than %d components", maxComponents).WithHint("split it, one product a file")
}
