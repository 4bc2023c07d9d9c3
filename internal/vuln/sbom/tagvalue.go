package sbom

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

func itoa(n int) string { return strconv.Itoa(n) }

// tagReader reads SPDX tag-value: "Tag: value" lines, where a value may be a
// text of many lines between <text> and </text>.
type tagReader struct {
	bom     *BOM
	head    map[string]string
	part    *Component // the package that is open
	id      string
	inFile  bool
	seen    map[string]bool
	line    int
	created int
}

func readTagValue(data []byte) (*BOM, error) {
	r := &tagReader{bom: &BOM{}, head: map[string]string{}, seen: map[string]bool{}}
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Split(anyLine)
	in.Buffer(make([]byte, 0, 1<<16), 16<<20)
	text := false
	for in.Scan() {
		r.line++
		line := in.Text()
		if text {
			text = !strings.Contains(line, "</text>")
			continue
		}
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		tag, value, ok := strings.Cut(trimmed, ":")
		if !ok || strings.ContainsAny(tag, " \t") {
			return nil, broken("line "+itoa(r.line), "%.60q is no line of the form Tag: value", trimmed)
		}
		value = strings.TrimSpace(value)
		text = strings.Contains(value, "<text>") && !strings.Contains(value, "</text>")
		if err := r.take(tag, value); err != nil {
			return nil, err
		}
	}
	if err := in.Err(); err != nil {
		return nil, fault.Wrap(fault.Limited, err, "reading line %d", r.line+1)
	}
	if text {
		return nil, broken("line "+itoa(r.line), "a <text> is not closed")
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	return r.bom, r.check()
}

// anyLine is [bufio.ScanLines] that also takes a lone carriage return for the
// end of a line.
func anyLine(data []byte, atEOF bool) (int, []byte, error) {
	at := bytes.IndexAny(data, "\r\n")
	switch {
	case at < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case at < 0:
		return 0, nil, nil
	case data[at] == '\n':
		return at + 1, data[:at], nil
	case at+1 < len(data) && data[at+1] == '\n':
		return at + 2, data[:at], nil
	case at+1 == len(data) && !atEOF:
		return 0, nil, nil // the next byte tells
	}
	return at + 1, data[:at], nil
}

func (r *tagReader) take(tag, value string) error {
	if len(value) > maxText {
		value = strings.ToValidUTF8(value[:maxText], "")
	}
	switch tag {
	case "SPDXVersion", "DataLicense", "DocumentName", "DocumentNamespace", "Created":
		if r.head[tag] != "" {
			return broken("line "+itoa(r.line), "%s is there twice", tag)
		}
		r.head[tag] = value
	case "Creator":
		if !spdxCreator(value) {
			return broken("line "+itoa(r.line), "%.80q does not begin with Person:, Organization: or Tool:", value)
		}
		r.created++
	case "PackageName":
		if err := r.close(); err != nil {
			return err
		}
		if len(r.bom.Components) >= maxComponents {
			return tooMany()
		}
		r.part, r.id, r.inFile = &Component{Name: value}, "", false
	case "FileName", "SnippetSPDXID", "LicenseID":
		if err := r.close(); err != nil {
			return err
		}
		r.inFile = true
	default:
		return r.ofPackage(tag, value)
	}
	return nil
}

func (r *tagReader) ofPackage(tag, value string) error {
	switch {
	case tag == "SPDXID" && r.part == nil:
		r.seen[value] = true // of files; tools are careless with them, and nothing here needs them
		return nil
	case tag == "SPDXID" && !strings.HasPrefix(value, "SPDXRef-"):
		return broken("line "+itoa(r.line), "SPDXID %.80q does not begin with SPDXRef-", value)
	case tag == "SPDXID":
		r.seen[value] = true
		r.id = value
	}
	if r.part == nil {
		if strings.HasPrefix(tag, "Package") && !r.inFile {
			return broken("line "+itoa(r.line), "%.40s comes before any PackageName", tag)
		}
		return nil
	}
	switch tag {
	case "PackageVersion":
		r.part.Version = value
	case "PackageSupplier":
		r.part.Supplier = spdxSupplier(value)
	case "PackageLicenseConcluded", "PackageLicenseDeclared":
		if len(r.part.Licenses) == 0 {
			r.part.Licenses = spdxLicense(value)
		}
	case "PrimaryPackagePurpose":
		r.part.Type = strings.ToLower(value)
	case "ExternalRef":
		f := strings.Fields(value)
		if len(f) < 3 {
			return broken("line "+itoa(r.line), "an ExternalRef is a category, a type and a locator")
		}
		r.part.refer(f[1], f[2])
	}
	return nil
}

// close ends the open package.
func (r *tagReader) close() error {
	if r.part == nil {
		return nil
	}
	if r.part.Name == "" || r.id == "" {
		return broken("line "+itoa(r.line), "the package %.80q has no SPDXID", r.part.Name)
	}
	r.bom.Components = append(r.bom.Components, *r.part)
	r.part = nil
	return nil
}

func (r *tagReader) check() error {
	version, err := spdxVersion(r.head["SPDXVersion"])
	if err != nil {
		return err
	}
	for _, tag := range []string{"DataLicense", "DocumentName", "DocumentNamespace", "Created"} {
		if r.head[tag] == "" {
			return broken("the head", "%s is missing", tag)
		}
	}
	switch {
	case r.head["DataLicense"] != "CC0-1.0":
		return broken("DataLicense", "it must be CC0-1.0")
	case !spdxTime.MatchString(r.head["Created"]):
		return broken("Created", "%.40q is no time like 2026-01-31T12:00:00Z", r.head["Created"])
	case r.created == 0:
		return broken("the head", "Creator is missing")
	case !r.seen["SPDXRef-DOCUMENT"]:
		return broken("the head", "SPDXID: SPDXRef-DOCUMENT is missing")
	}
	r.bom.Format = SPDX + " " + version + " tag-value"
	r.bom.Serial, r.bom.Subject.Name = r.head["DocumentNamespace"], r.head["DocumentName"]
	return nil
}
