// Command ouigen turns the IEEE MA-L listing (CSV, gzip) into the compact table
// that package content embeds: one line for each vendor, with all its prefixes.
// It owns nothing else and must not be imported.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ouigen IEEE-OUI.csv.gz OUT.tsv.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "ouigen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	vendors, err := read(in)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(vendors))
	for name := range vendors {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		slices.Sort(vendors[name])
		if _, err := fmt.Fprintf(zip, "%s\t%s\n", name, strings.Join(slices.Compact(vendors[name]), " ")); err != nil {
			return err
		}
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, buf.Bytes(), 0o600) //nolint:gosec // G703: the path is the developer's own argument
}

func read(path string) (map[string][]string, error) {
	file, err := os.Open(path) //nolint:gosec // G304: the path is the developer's own argument
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	zip, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(zip)
	vendors := make(map[string][]string)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return vendors, nil
		}
		if err != nil {
			return nil, err
		}
		if len(row) < 3 || row[0] != "MA-L" || len(row[1]) != 6 {
			continue
		}
		name := strings.Join(strings.Fields(row[2]), " ")
		vendors[name] = append(vendors[name], row[1])
	}
}
