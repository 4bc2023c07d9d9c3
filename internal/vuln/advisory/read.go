package advisory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/vuln/cvss"
	"vedette/internal/vuln/schema"
)

func severity(s Score) string { return cvss.Severity(s.Version, s.Base) }

// Read reads one document whose format its content tells.
func Read(data []byte, schemas *schema.Set) (*Advisory, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text := bytes.TrimLeft(data, " \t\r\n")
	if len(text) == 0 {
		return nil, fault.New(fault.Invalid, "the document is empty")
	}
	if text[0] != '{' {
		if looksLikeEPSS(text) {
			return readEPSSCSV(text)
		}
		return nil, fault.New(fault.Invalid, "this is no advisory that is known here").WithHint("CSAF, CVE 5, OSV, KEV, EPSS, OpenVEX and CycloneDX are read")
	}
	doc, err := schema.Decode(text)
	if err != nil {
		return nil, err
	}
	m, _ := doc.(map[string]any)
	switch format(m) {
	case CSAF:
		return readCSAF(text, doc, schemas)
	case CVE:
		return readCVE(text)
	case KEV:
		return readKEV(text)
	case EPSS:
		return readEPSSJSON(text)
	case OpenVEX:
		return readOpenVEX(text)
	case CycloneVE:
		return readCycloneVEX(m, text, schemas)
	case OSV:
		return readOSV(text)
	}
	return nil, fault.New(fault.Invalid, "the JSON is no advisory: it has none of the marks of CSAF, CVE, OSV, KEV, EPSS, OpenVEX or CycloneDX").WithHint("feeds and provider files list advisories and have none themselves")
}

func looksLikeEPSS(text []byte) bool {
	head := strings.ToLower(string(text[:min(len(text), 300)]))
	return strings.Contains(head, "cve,epss") || strings.HasPrefix(head, "#model_version")
}

// format tells the format of a JSON document by its marks.
func format(m map[string]any) string {
	document, _ := m["document"].(map[string]any)
	context, _ := m["@context"].(string)
	switch {
	case document != nil && (document["csaf_version"] != nil || document["tracking"] != nil || document["publisher"] != nil):
		return CSAF
	case m["cveMetadata"] != nil || m["dataType"] == "CVE_RECORD":
		return CVE
	case m["catalogVersion"] != nil && m["vulnerabilities"] != nil:
		return KEV
	case strings.Contains(context, "openvex"):
		return OpenVEX
	case m["bomFormat"] != nil:
		return CycloneVE
	case m["id"] != nil && (m["affected"] != nil || m["modified"] != nil):
		return OSV
	case m["statements"] != nil && m["author"] != nil:
		return OpenVEX
	}
	if list, ok := m["data"].([]any); ok && len(list) > 0 {
		if one, ok := list[0].(map[string]any); ok && one["epss"] != nil {
			return EPSS
		}
	}
	return ""
}

// Each reads a file of one or many documents: one JSON document, lines of them,
// a list of them, or an EPSS table; gzip is undone. f gets each, or why it was
// refused. The error is of the file as a whole.
func Each(in io.Reader, schemas *schema.Set, f func(a *Advisory, err error) error) error {
	buf := bufio.NewReaderSize(in, 1<<16)
	for range 2 {
		magic, _ := buf.Peek(2)
		if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			break
		}
		z, err := gzip.NewReader(buf)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "the file is damaged")
		}
		buf = bufio.NewReaderSize(z, 1<<16)
	}
	first, err := readLine(buf)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if t := bytes.TrimSpace(first); len(t) > 1 && t[0] == '{' && json.Valid(t) {
		return eachLine(buf, first, schemas, f)
	}
	rest, err := io.ReadAll(io.LimitReader(buf, MaxBytes+1))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the file is damaged or breaks off")
	}
	data := append(first, rest...)
	if len(data) > MaxBytes {
		return fault.New(fault.Limited, "the document is larger than %d MB", MaxBytes>>20)
	}
	if t := bytes.TrimSpace(data); len(t) > 0 && t[0] == '[' {
		return eachOf(t, schemas, f)
	}
	return f(Read(data, schemas))
}

// readLine reads one line of at most MaxBytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxBytes {
			return nil, fault.New(fault.Limited, "a line is longer than %d MB", MaxBytes>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return line, fault.Wrap(fault.Invalid, err, "the file is damaged or breaks off")
		}
		return line, err
	}
}

func eachLine(in *bufio.Reader, line []byte, schemas *schema.Set, f func(*Advisory, error) error) error {
	for {
		if t := bytes.TrimSpace(line); len(t) > 0 {
			if err := f(Read(t, schemas)); err != nil {
				return err
			}
		}
		var err error
		line, err = readLine(in)
		if errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
}

func eachOf(data []byte, schemas *schema.Set, f func(*Advisory, error) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return fault.Wrap(fault.Invalid, err, "it is no whole JSON document")
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fault.Wrap(fault.Invalid, err, "the list of documents breaks off")
		}
		if err := f(Read(raw, schemas)); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fault.Wrap(fault.Invalid, err, "the list of documents breaks off")
	}
	return nil
}
