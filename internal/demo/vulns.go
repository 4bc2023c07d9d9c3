package demo

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed vulns/*.json vulns/*.jsonl vulns/*.csv
var vulnFiles embed.FS

// Document is a file that the plant's owner would take in.
type Document struct {
	Name string
	Text []byte
}

// Bill is a bill of materials of a device of the plant.
type Bill struct {
	Document
	Device string // its name
}

const (
	billEnd = ".cdx.json"
	feedEnd = ".csv"
)

// Advisories returns advisories that speak of some of the plant's devices: real
// ones, and one of the demo's own on its invented camera, which says so.
func (p *Plant) Advisories() []Document {
	return slices.DeleteFunc(documents(), func(d Document) bool {
		return strings.HasSuffix(d.Name, billEnd) || strings.HasSuffix(d.Name, feedEnd)
	})
}

// Indicators is a list of addresses that are nobody's on the internet and that
// the plant's attackers come from.
func (p *Plant) Indicators() Document {
	all := documents()
	return all[slices.IndexFunc(all, func(d Document) bool { return strings.HasSuffix(d.Name, feedEnd) })]
}

// Bills returns the bills of materials of the invented camera, the older first.
func (p *Plant) Bills() []Bill {
	var out []Bill
	for _, d := range documents() {
		if strings.HasSuffix(d.Name, billEnd) {
			out = append(out, Bill{d, dockCam.name})
		}
	}
	return out
}

// documents are the embedded files by name.
func documents() []Document {
	names, err := fs.Glob(vulnFiles, "vulns/*")
	if err != nil {
		panic(err) // the pattern is right
	}
	out := make([]Document, 0, len(names))
	for _, name := range names {
		text, err := vulnFiles.ReadFile(name)
		if err != nil {
			panic(err) // what is embedded can be read
		}
		out = append(out, Document{path.Base(name), text})
	}
	return out
}
