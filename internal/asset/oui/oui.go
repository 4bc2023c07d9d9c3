// Package oui tells the maker of a network interface from its MAC, by the
// listing of the IEEE that package content embeds, and shortens the registered
// names of companies to what people call them. It must not know devices.
package oui

//go:generate go run ./ouigen ../../../../shared/data/asset/ieee-oui.csv.gz ../../../content/oui/oui.tsv.gz

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// Table tells the maker of a network interface from the first three bytes of its
// MAC. It is read-only after [Parse].
type Table struct {
	prefixes []uint64 // prefix<<32 | position in names, sorted
	names    []string
}

// maxTable bounds the decompressed table: the whole IEEE listing is about 1 MB.
const maxTable = 64 << 20

// Parse reads the table that package content embeds: gzip of lines
// "vendor TAB prefix prefix ...", prefixes as six hex digits.
func Parse(zipped []byte) (*Table, error) {
	zip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the table of MAC vendors")
	}
	o := &Table{}
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 1<<20)
	for read := 0; lines.Scan() && read < maxTable; read += len(lines.Bytes()) {
		name, prefixes, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			continue
		}
		at := uint64(len(o.names))
		o.names = append(o.names, strings.Clone(name))
		for p := range strings.FieldsSeq(prefixes) {
			n, err := strconv.ParseUint(p, 16, 24)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "reading the prefixes of MAC vendor %q", name)
			}
			o.prefixes = append(o.prefixes, n<<32|at)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the table of MAC vendors")
	}
	slices.Sort(o.prefixes)
	return o, nil
}

// Len returns how many prefixes are known.
func (o *Table) Len() int {
	if o == nil {
		return 0
	}
	return len(o.prefixes)
}

// Vendor returns the registered name of the maker of a MAC in canonical form,
// and a short one for display. Locally administered MACs have no vendor.
func (o *Table) Vendor(mac string) (full, short string, ok bool) {
	if o == nil || len(mac) != 17 {
		return "", "", false
	}
	var prefix uint64
	for _, at := range [...]int{0, 1, 3, 4, 6, 7} {
		d := strings.IndexByte("0123456789abcdef", mac[at])
		if d < 0 {
			return "", "", false
		}
		prefix = prefix<<4 | uint64(d)
	}
	if prefix>>16&2 != 0 {
		return "", "", false
	}
	at, _ := slices.BinarySearch(o.prefixes, prefix<<32)
	if at == len(o.prefixes) || o.prefixes[at]>>32 != prefix {
		return "", "", false
	}
	full = o.names[uint32(o.prefixes[at])] //nolint:gosec // G115: the lower half is the position
	return full, ShortVendor(full), true
}

// companyWords end a registered name without telling vendors apart.
var companyWords = map[string]bool{
	"inc": true, "incorporated": true, "ltd": true, "limited": true, "llc": true, "co": true, "corp": true, "corporation": true,
	"company": true, "gmbh": true, "ag": true, "kg": true, "se": true, "sa": true, "s.a": true, "s.a.s": true, "sas": true,
	"spa": true, "s.p.a": true, "srl": true, "s.r.l": true, "bv": true, "b.v": true, "nv": true, "n.v": true, "ab": true,
	"oy": true, "oyj": true, "as": true, "a/s": true, "plc": true, "pty": true, "pte": true, "kk": true, "k.k": true,
	"sdn": true, "bhd": true, "&": true, "gmbh&co": true, "mbh": true, "s.l": true, "sl": true, "international": true,
	"technologies": true, "technology": true, "electronics": true, "electronic": true, "systems": true, "digital": true,
	"co.,ltd": true, "co.,limited": true, "co.ltd": true, "headquarters": true, "corporate": true, "headquarter": true, "(china)": true,
}

// vendorAliases are makers whose registered name is not what people call them.
// The key is the start of the registered name, in lower case.
var vendorAliases = []struct{ start, short string }{
	{"siemens", "Siemens"},
	{"rockwell automation", "Rockwell Automation"},
	{"allen-bradley", "Rockwell Automation"},
	{"schneider electric", "Schneider Electric"},
	{"telemecanique", "Schneider Electric"},
	{"hangzhou hikvision", "Hikvision"},
	{"zhejiang dahua", "Dahua"},
	{"axis communications", "Axis"},
	{"philips lighting", "Signify (Philips Hue)"},
	{"signify", "Signify (Philips Hue)"},
	{"pcs systemtechnik", "VirtualBox"},
	{"hewlett packard enterprise", "HPE"},
	{"hewlett packard", "HP"},
	{"cisco systems", "Cisco"},
	{"samsung electronics", "Samsung"},
	{"lg electronics", "LG"},
	{"tp-link", "TP-Link"},
	{"abb ", "ABB"},
	{"ge medical", "GE Healthcare"},
	{"honeywell", "Honeywell"},
	{"mitsubishi electric", "Mitsubishi Electric"},
	{"omron", "Omron"},
	{"phoenix contact", "Phoenix Contact"},
	{"wago", "WAGO"},
	{"beckhoff", "Beckhoff"},
	{"moxa", "Moxa"},
	{"raspberry pi", "Raspberry Pi"},
	{"amazon technologies", "Amazon"},
	{"google", "Google"},
}

// ShortVendor makes a registered company name short enough for a column.
func ShortVendor(full string) string {
	lower := strings.ToLower(full)
	for _, a := range vendorAliases {
		if strings.HasPrefix(lower, a.start) {
			return a.short
		}
	}
	words := strings.Fields(full)
	for len(words) > 1 && companyWords[strings.ToLower(strings.Trim(words[len(words)-1], ".,()"))] {
		words = words[:len(words)-1]
	}
	return strings.TrimRight(strings.Join(words, " "), ".,;& ")
}
