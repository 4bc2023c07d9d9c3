// Command recoggen turns the XML databases of Recog (a zip of them) into the
// compact table that package content embeds. It leaves out descriptions,
// examples and CPE names, and names each pattern that RE2 cannot express.
// It owns nothing else and must not be imported.
package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"vedette/internal/asset/fingerprint"
)

type collection struct {
	Matches string `xml:"matches,attr"`
	Prints  []struct {
		Pattern string `xml:"pattern,attr"`
		Flags   string `xml:"flags,attr"`
		Params  []struct {
			Pos   string `xml:"pos,attr"`
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"param"`
	} `xml:"fingerprint"`
}

// left out: texts that are digests, which only an active scan has.
var digests = []string{"favicon.md5", "tls.jarm"}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: recoggen RECOG.zip OUT.tsv.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "recoggen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	archive, err := zip.OpenReader(in)
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // only read
	var table bytes.Buffer
	taken, refused := 0, 0
	slices.SortFunc(archive.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range archive.File {
		if path.Ext(f.Name) != ".xml" {
			continue
		}
		t, r, err := add(&table, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		taken, refused = taken+t, refused+r
	}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(table.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d fingerprints taken, %d refused, %d bytes\n", taken, refused, zipped.Len())
	return os.WriteFile(out, zipped.Bytes(), 0o600) //nolint:gosec // G703: the path is the developer's own argument
}

func add(table io.Writer, f *zip.File) (taken, refused int, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, 0, err
	}
	defer in.Close() //nolint:errcheck // only read
	var c collection
	if err := xml.NewDecoder(in).Decode(&c); err != nil {
		return 0, 0, err
	}
	if c.Matches == "" {
		c.Matches = strings.Replace(strings.TrimSuffix(path.Base(f.Name), ".xml"), "_banners", ".banner", 1)
	}
	if slices.Contains(digests, c.Matches) {
		return 0, 0, nil
	}
	fmt.Fprintln(table, c.Matches)
	for _, p := range c.Prints {
		pattern, err := fingerprint.Translate(p.Pattern, p.Flags)
		if err != nil {
			refused++
			fmt.Fprintf(os.Stderr, "%s: %v\n", f.Name, err)
			continue
		}
		taken++
		var line strings.Builder
		line.WriteString(pattern + "\t")
		for _, q := range p.Params {
			if !strings.HasSuffix(q.Name, ".cpe23") {
				line.WriteString("\t" + q.Pos + " " + q.Name + " " + strings.Join(strings.Fields(q.Value), " "))
			}
		}
		fmt.Fprintln(table, strings.Replace(line.String(), "\t\t", "\t", 1))
	}
	return taken, refused, nil
}
