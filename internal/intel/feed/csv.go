package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/intel"
)

// What a column may be called, in lower case with spaces as underscores.
var (
	valueNames      = []string{"indicator", "ioc", "ioc_value", "value", "indicator_value", "observable", "ip", "ip_address", "dst_ip", "ipv4", "address", "domain", "hostname", "host", "fqdn", "url", "sha256_hash", "sha256", "md5_hash", "md5", "sha1_hash", "sha1", "ja3_md5", "ja3", "ja4", "email"}
	typeColumn      = []string{"type", "ioc_type", "indicator_type", "kind", "observable_type"}
	familyColumn    = []string{"family", "malware_printable", "malware", "signature", "listingreason", "threat", "threat_type", "tags", "campaign"}
	confidenceNames = []string{"confidence", "confidence_level", "score"}
	firstNames      = []string{"first_seen", "firstseen", "first_seen_utc", "valid_from", "date_added", "dateadded", "listingdate"}
	untilNames      = []string{"valid_until", "expires", "expiry", "expiration", "until"}
	tlpNames        = []string{"tlp"}
)

// columns are where the fields of a row are, -1 for none.
type columns struct {
	values                                      []int
	types                                       []intel.Type // of each value by its column's name; None: told by the content
	kind, family, confidence, first, until, tlp int
}

// looksLikeCSV tells a table by its header, or by rows with as many commas.
func looksLikeCSV(head []byte) bool {
	var commas []int
	for i, line := range bytes.Split(head, []byte("\n")) {
		if i >= 40 {
			break
		}
		text := string(bytes.TrimSpace(line))
		if text == "" {
			continue
		}
		if _, ok := header(fields(strings.TrimLeft(text, "# "))); ok {
			return true
		}
		if text[0] != '#' {
			commas = append(commas, strings.Count(text, ","))
		}
	}
	return len(commas) >= 3 && commas[0] >= 2 && commas[0] == commas[1] && commas[0] == commas[2]
}

// header reads a row of names; false when it is not one.
func header(row []string) (columns, bool) {
	c := columns{kind: -1, family: -1, confidence: -1, first: -1, until: -1, tlp: -1}
	if len(row) < 2 {
		return c, false
	}
	names := make([]string, len(row))
	for i, name := range row {
		names[i] = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
	}
	at := func(words []string) int {
		for _, w := range words {
			if i := slices.Index(names, w); i >= 0 {
				return i
			}
		}
		return -1
	}
	c.kind, c.family, c.confidence = at(typeColumn), at(familyColumn), at(confidenceNames)
	c.first, c.until, c.tlp = at(firstNames), at(untilNames), at(tlpNames)
	for i, w := range valueNames {
		if at := slices.Index(names, w); at >= 0 && at != c.kind {
			c.values, c.types = append(c.values, at), append(c.types, columnType(w))
			if i < 6 {
				break // one column for all types; the others tell more of the same thing
			}
		}
	}
	return c, len(c.values) > 0
}

func columnType(name string) intel.Type {
	switch name {
	case "ja3_md5", "ja3":
		return intel.JA3
	default:
		return intel.None
	}
}

func (r *reader) csv(in *bufio.Reader) error {
	var cols columns
	known := false
	return r.eachLine(in, func(line string) error {
		text := strings.TrimSpace(line)
		if text == "" {
			return nil
		}
		if text[0] == '#' {
			if c, ok := header(fields(strings.TrimLeft(text, "# "))); ok && !known {
				cols, known = c, true
			}
			return nil
		}
		row := fields(text)
		if !known {
			known = true
			var isHeader bool
			if cols, isHeader = header(row); isHeader {
				return nil
			}
		}
		return r.row(cols, row)
	})
}

// fields splits one row. Rows do not span lines in feeds of indicators.
func fields(text string) []string {
	sep := ','
	if strings.Count(text, ";") > strings.Count(text, ",") {
		sep = ';'
	}
	if strings.Count(text, "\t") > strings.Count(text, string(sep)) {
		sep = '\t'
	}
	if !strings.Contains(text, `"`) {
		return strings.Split(text, string(sep))
	}
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.LazyQuotes, c.TrimLeadingSpace, c.FieldsPerRecord = sep, true, true, -1
	row, err := c.Read()
	if err != nil {
		return strings.Split(text, string(sep))
	}
	return row
}

func (r *reader) row(c columns, row []string) error {
	if len(c.values) == 0 {
		return r.guessRow(row)
	}
	get := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[i])
	}
	in := intel.Indicator{Family: get(c.family), First: parseTime(get(c.first)), Until: parseTime(get(c.until))}
	in.Confidence, _ = strconv.Atoi(get(c.confidence)) // none, or a word: the feed's own
	in.TLP, _ = intel.ParseTLP(get(c.tlp))
	for i, at := range c.values {
		text := get(at)
		if text == "" && len(c.values) > 1 {
			continue
		}
		t := c.types[i]
		if word := get(c.kind); word != "" && t == intel.None {
			t = typeOf(word)
		}
		if err := r.take(t, text, in); err != nil {
			return err
		}
	}
	return nil
}

// guessRow takes the first field that is an indicator.
func (r *reader) guessRow(row []string) error {
	for _, text := range row {
		if _, _, err := intel.Parse(text); err == nil {
			return r.take(intel.None, text, intel.Indicator{})
		}
	}
	r.report.Read++
	r.refuse("a row without an indicator", strings.Join(row, ","))
	return nil
}

// typeOf reads a type as feeds word it; None leaves it to the content.
func typeOf(word string) intel.Type {
	switch w := strings.ToLower(word); w {
	case "ja3", "ja3-fingerprint-md5", "ja3_fingerprint":
		return intel.JA3
	case "md5", "sha1", "sha256", "ja4":
		return intel.ParseType(w)
	case "url", "uri":
		return intel.URL
	default:
		return intel.None
	}
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05.999999", "2006-01-02 15:04", time.DateOnly}

// parseTime reads a time as feeds write it; zero when it is none.
func parseTime(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 2000 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 946684800 && n < 7258118400 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}
