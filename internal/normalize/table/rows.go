package table

import "strings"

// delimiters are what may stand between cells, the likeliest first.
const delimiters = ",;\t|"

// delimiterOf is the one that the header has most of.
func delimiterOf(header string) (byte, int) {
	best, most := byte(','), 0
	for i := range len(delimiters) {
		if n := strings.Count(header, delimiters[i:i+1]); n > most {
			best, most = delimiters[i], n
		}
	}
	return best, most
}

// split cuts a row into its cells (RFC 4180, section 2). open tells that it
// ends inside a quoted cell: the row goes on after a line break. A quote inside
// a cell that does not begin with one is a character like any other.
func split(row string, delimiter byte, cells []string) (out []string, open bool) {
	for {
		if !strings.HasPrefix(row, `"`) {
			i := strings.IndexByte(row, delimiter)
			if i < 0 {
				return append(cells, row), false
			}
			cells, row = append(cells, row[:i]), row[i+1:]
			continue
		}
		cell, rest, closed := quoted(row[1:])
		if !closed {
			return append(cells, cell), true
		}
		i := strings.IndexByte(rest, delimiter)
		if i < 0 {
			return append(cells, cell+rest), false
		}
		cells, row = append(cells, cell+rest[:i]), rest[i+1:]
	}
}

// quoted reads a cell behind its opening quote; two quotes stand for one.
func quoted(s string) (cell, rest string, closed bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			b.WriteString(s)
			return b.String(), "", false
		}
		b.WriteString(s[:i])
		if s = s[i+1:]; !strings.HasPrefix(s, `"`) {
			return b.String(), s, true
		}
		b.WriteByte('"')
		s = s[1:]
	}
}
