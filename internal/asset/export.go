package asset

import (
	"encoding/csv"
	"io"
	"strings"
	"time"

	"vedette/internal/fault"
)

// exportHeader is the header of [Registry.Export]; Import reads all but the
// last four columns.
var exportHeader = []string{
	"uid", "name", "type", "vendor", "model", "firmware", "serial", "ip", "mac", "zone", "level", "criticality", "owner", "location",
	"name_source", "type_source", "first_seen", "last_seen",
}

// Export writes all devices as CSV. Cells that a spreadsheet would take for a
// formula get an apostrophe in front, which Import takes off again.
func (r *Registry) Export(out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write(exportHeader); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing the inventory")
	}
	for _, d := range r.List() {
		row := []string{
			d.UID, d.Name(), d.Value(KeyType), d.Value(KeyVendor), d.Value(KeyModel), d.Value(KeyFirmware), d.Value(KeySerial),
			strings.Join(d.IPs, "|"), strings.Join(d.MACs, "|"), d.Value(KeyZone), d.Value(KeyLevel), d.Value(KeyCriticality), d.Value(KeyOwner),
			d.Value(KeyLocation), string(d.NameSource()), string(d.Attributes[KeyType].Source), stamp(d.FirstSeen), stamp(d.LastSeen),
		}
		for i := range row {
			row[i] = guardCell(row[i])
		}
		if err := w.Write(row); err != nil {
			return fault.Wrap(fault.Unavailable, err, "writing the inventory")
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing the inventory")
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func guardCell(s string) string {
	if looksLikeFormula(s) {
		return "'" + s
	}
	return s
}

func unguard(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && looksLikeFormula(rest) {
		return rest
	}
	return s
}

// looksLikeFormula also holds for a guarded formula, so that guarding and
// unguarding are inverse.
func looksLikeFormula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
}
