package api

import (
	"encoding/csv"
	"strings"
)

// CSVKind is the media type of a CSV file.
const CSVKind = "text/csv; charset=utf-8"

// CSV writes a head and rows for a spreadsheet; see [Cell].
func CSV(name string, head []string, rows [][]string) File {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(head) // a strings.Builder takes everything
	for _, cells := range rows {
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = Cell(c)
		}
		_ = w.Write(line) // as above
	}
	w.Flush()
	return File{Name: name + ".csv", Kind: CSVKind, Data: []byte(b.String())}
}

// Cell keeps a spreadsheet from running what a device wrote: what it would take for
// a formula gets a quote before it.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !isNumber(s) {
		return "'" + s
	}
	return s
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789.-+eE") == "" }
