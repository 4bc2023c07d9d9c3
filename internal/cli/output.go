package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"vedette/internal/api"
	"vedette/internal/copilot"
)

// maxCell is how many characters of a cell a table shows; the other outputs
// show all.
const maxCell = 80

// writeJSON writes one value on one line.
func (r *root) writeJSON(v any) error {
	enc := json.NewEncoder(r.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// writeRows writes rows in the asked output; whole is what --output json
// writes.
func (r *root) writeRows(columns []string, rows [][]any, whole func() any) error {
	switch r.output {
	case "json":
		return r.writeJSON(whole())
	case "ndjson":
		for _, row := range rows {
			one := copilot.AppendRows(nil, columns, [][]any{row})
			if _, err := fmt.Fprintf(r.Out, "%s\n", one[1:len(one)-1]); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		return writeCSV(r.Out, columns, rows)
	}
	return writeTable(r.Out, columns, rows)
}

func writeCSV(out io.Writer, columns []string, rows [][]any) error {
	w := csv.NewWriter(out)
	if err := w.Write(columns); err != nil {
		return err
	}
	for _, row := range rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = api.Cell(cellText(v))
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func writeTable(out io.Writer, columns []string, rows [][]any) error {
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	columns, rows = dropEmpty(columns, rows)
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = strings.ToUpper(printable(c))
	}
	fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, row := range rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = shorten(printable(cellText(v)))
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

// dropEmpty leaves out columns that are empty in every row.
func dropEmpty(columns []string, rows [][]any) ([]string, [][]any) {
	if len(rows) == 0 {
		return columns, rows
	}
	var keep []int
	for i := range columns {
		for _, row := range rows {
			if row[i] != nil && cellText(row[i]) != "" {
				keep = append(keep, i)
				break
			}
		}
	}
	outRows := make([][]any, len(rows))
	var outColumns []string
	for _, i := range keep {
		outColumns = append(outColumns, columns[i])
	}
	for n, row := range rows {
		for _, i := range keep {
			outRows[n] = append(outRows[n], row[i])
		}
	}
	return outColumns, outRows
}

func shorten(s string) string {
	if r := []rune(s); len(r) > maxCell {
		return string(r[:maxCell-1]) + "…"
	}
	return s
}

func cellText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(x, " ")
	case []any:
		parts := make([]string, len(x))
		for i, p := range x {
			parts[i] = fmt.Sprint(p)
		}
		return strings.Join(parts, " ")
	}
	return fmt.Sprint(v)
}

// printable replaces what could move the cursor, colour or reorder a terminal:
// devices wrote this text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, s)
}
