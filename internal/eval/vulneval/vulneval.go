// Package vulneval measures how well package vuln/match tells affected devices
// from others. It reads CSAF documents by itself and makes devices of them as
// inventories write them, at versions inside, at the edge of and beside the
// affected ranges.
//
// It must share no code with the matcher: its reading of names and versions is
// its own, simpler one, and what it cannot read for sure it leaves out and
// counts.
package vulneval

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Device is a device as an inventory writes it, with the truth.
type Device struct {
	Vendor, Product, Version string
	Form                     string // how it is written
	Place                    string // inside, edge, beside, unknown
	CVE                      string
	Want                     string // affected, not_affected, undetermined
	From                     string // advisory and range
	Exact                    Listed // for the matcher by exact strings
}

// Listed is what the advisory wrote, word by word.
type Listed struct{ Vendor, Product, Range string }

type branch struct {
	Category, Name string
	Branches       []branch
	Product        *struct {
		ID     string `json:"product_id"`
		Helper struct {
			Models []string `json:"model_numbers"`
		} `json:"product_identification_helper"`
	}
}

type document struct {
	Document struct {
		Tracking struct{ ID string }
	}
	Tree            struct{ Branches []branch } `json:"product_tree"`
	Vulnerabilities []struct {
		CVE    string
		Status map[string][]string `json:"product_status"`
	}
}

// interval is a range of simple versions.
type interval struct {
	low, high       []int
	lowOut, highOut bool
	prefix, suffix  string // how its versions are written
	all             bool
}

type product struct {
	vendor, name string
	models       []string
}

// Corpus gathers documents.
type Corpus struct {
	affected map[string]map[string][]string // vendor/product: CVE: ranges
	seen     map[string]*product
	order    []string
	from     map[string]string
	// Left counts ranges that are not read, by their text with digits as 9.
	Left map[string]int
	Read int
}

// NewCorpus makes an empty one.
func NewCorpus() *Corpus {
	return &Corpus{affected: map[string]map[string][]string{}, seen: map[string]*product{}, from: map[string]string{}, Left: map[string]int{}}
}

// Add reads a CSAF document.
func (c *Corpus) Add(raw []byte) error {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	type leaf struct{ key, text string }
	leaves := map[string]leaf{}
	var walk func(list []branch, vendor, name string)
	walk = func(list []branch, vendor, name string) {
		for _, b := range list {
			v, n := vendor, name
			switch b.Category {
			case "vendor":
				v = b.Name
			case "product_name":
				n = b.Name
			}
			if b.Product != nil {
				key := v + "\x00" + n
				p := c.seen[key]
				if p == nil {
					p = &product{vendor: v, name: n}
					c.seen[key] = p
					c.order = append(c.order, key)
				}
				p.models = append(p.models, b.Product.Helper.Models...)
				leaves[b.Product.ID] = leaf{key, b.Name}
			}
			walk(b.Branches, v, n)
		}
	}
	walk(d.Tree.Branches, "", "")
	for _, v := range d.Vulnerabilities {
		if v.CVE == "" {
			continue
		}
		for _, id := range v.Status["known_affected"] {
			l, ok := leaves[id]
			if !ok {
				continue
			}
			if c.affected[l.key] == nil {
				c.affected[l.key] = map[string][]string{}
			}
			c.affected[l.key][v.CVE] = append(c.affected[l.key][v.CVE], l.text)
			c.from[l.key+"\x00"+v.CVE] = d.Document.Tracking.ID
		}
	}
	return nil
}

var (
	shape   = regexp.MustCompile(`^(?:vers:all/)?\s*(?:(>=?)\s*([^<>|]+?))?\s*\|?\s*(?:(<=?)\s*([^<>|]+?))?\s*$`)
	simple  = regexp.MustCompile(`^([A-Za-z]{0,2}?)(\d+(?:\.\d+)*)((?: (?:SP|Update|Upd|HF)\s?)\d+)?$`)
	digits  = regexp.MustCompile(`\d+`)
	rangeOp = regexp.MustCompile(`[<>*]`)
)

// readRange reads the common shapes of ranges.
func readRange(text string) (interval, bool) {
	text = strings.TrimSpace(text)
	if text == "vers:all/*" || text == "*" || strings.EqualFold(text, "all versions") {
		return interval{all: true}, true
	}
	if !rangeOp.MatchString(text) {
		v, pre, suf, ok := readVersion(text)
		return interval{low: v, high: v, prefix: pre, suffix: suf}, ok
	}
	m := shape.FindStringSubmatch(text)
	if m == nil || m[1] == "" && m[3] == "" {
		return interval{}, false
	}
	var in interval
	ok := true
	if m[1] != "" {
		in.low, in.prefix, in.suffix, ok = readVersion(m[2])
		in.lowOut = m[1] == ">"
	}
	if m[3] != "" && ok {
		in.high, in.prefix, in.suffix, ok = readVersion(m[4])
		in.highOut = m[3] == "<"
	}
	return in, ok
}

// readVersion reads V2.8.3 and V17 Update 6; the last part is after the suffix.
func readVersion(text string) (parts []int, prefix, suffix string, ok bool) {
	m := simple.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return nil, "", "", false
	}
	for d := range strings.SplitSeq(m[2], ".") {
		n, err := strconv.Atoi(d)
		if err != nil || len(d) > 8 {
			return nil, "", "", false
		}
		parts = append(parts, n)
	}
	if m[3] != "" {
		word := digits.ReplaceAllString(m[3], "")
		n, err := strconv.Atoi(digits.FindString(m[3]))
		if err != nil {
			return nil, "", "", false
		}
		return append(parts, -1, n), m[1], strings.TrimRight(word, " "), true
	}
	return parts, m[1], "", true
}

// cmp compares parts; -1 stands before the number of an update.
func compare(a, b []int) int {
	for i := range max(len(a), len(b)) {
		x, y := 0, 0
		if i < len(a) {
			x = max(a[i], 0)
		}
		if i < len(b) {
			y = max(b[i], 0)
		}
		if x != y {
			return x - y
		}
	}
	return 0
}

func (in interval) holds(v []int) bool {
	if in.all {
		return true
	}
	if in.low != nil {
		if n := compare(v, in.low); n < 0 || n == 0 && in.lowOut {
			return false
		}
	}
	if in.high != nil {
		if n := compare(v, in.high); n > 0 || n == 0 && in.highOut {
			return false
		}
	}
	return true
}

// write words a version as its advisory does.
func write(v []int, prefix, suffix string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for i, n := range v {
		switch {
		case n == -1:
			fmt.Fprintf(&b, "%s %d", suffix, v[i+1])
			return b.String()
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// step returns the version next to v, up or down, by its last part; nil when
// there is none below.
func step(v []int, by int) []int {
	out := append([]int(nil), v...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] == -1 {
			return nil
		}
		if out[i]+by >= 0 {
			out[i] += by
			for j := i + 1; j < len(out) && by < 0; j++ {
				out[j] = 9
			}
			return out
		}
	}
	return nil
}

// Devices makes the devices of every n-th product and hands each to emit. Of the
// vulnerabilities of a product with the same ranges one is asked for: the
// others would be right or wrong with it.
func (c *Corpus) Devices(n int, emit func(Device)) {
	for i, key := range c.order {
		if i%n != 0 {
			continue
		}
		same := map[string]bool{}
		cves := slices.Sorted(maps.Keys(c.affected[key]))
		for _, cve := range cves {
			texts := c.affected[key][cve]
			if all := strings.Join(texts, "\x00"); !same[all] {
				same[all] = true
				c.devicesOf(c.seen[key], key, cve, texts, emit)
			}
		}
	}
}

func (c *Corpus) devicesOf(p *product, key, cve string, texts []string, emit func(Device)) {
	var list []interval
	for _, t := range texts {
		in, ok := readRange(t)
		if !ok {
			c.Left[digits.ReplaceAllString(t, "9")]++
			return
		}
		list = append(list, in)
	}
	c.Read++
	single := true
	for _, in := range list {
		single = single && in.low != nil && in.high != nil && compare(in.low, in.high) == 0
	}
	truth := func(v []int) string {
		for _, in := range list {
			if in.holds(v) {
				return "affected"
			}
		}
		if single { // the advisory says nothing of other versions
			return "undetermined"
		}
		return "not_affected"
	}
	for i, in := range list {
		base := Device{CVE: cve, From: c.from[key+"\x00"+cve] + " " + texts[i], Exact: Listed{p.vendor, p.name, texts[i]}}
		for _, s := range samples(in) {
			d := base
			d.Place, d.Version, d.Want = s.place, write(s.v, in.prefix, in.suffix), truth(s.v)
			forms(p, d, s.v, in, emit)
		}
		d := base
		d.Place, d.Version, d.Want = "unknown", "", "undetermined"
		if truth(nil) == "affected" && in.all {
			d.Want = "affected"
		}
		d.Vendor, d.Product, d.Form = p.vendor, p.name, "as written"
		if !mixed(list) {
			emit(d)
		}
	}
}

func mixed(list []interval) bool {
	for _, in := range list {
		if in.all != list[0].all {
			return true
		}
	}
	return false
}

type sample struct {
	place string
	v     []int
}

func samples(in interval) []sample {
	if in.all {
		return []sample{{"inside", []int{2, 3, 1}}}
	}
	var out []sample
	add := func(place string, v []int) {
		if v != nil {
			out = append(out, sample{place, v})
		}
	}
	if in.high != nil {
		add("inside", step(in.high, -1))
		add("edge", in.high)
		add("beside", step(in.high, 1))
	}
	if in.low != nil {
		add("edge", in.low)
		add("inside", step(in.low, 1))
		add("beside", step(in.low, -1))
	}
	return out
}

// forms writes one device in the ways of inventories and banners.
func forms(p *product, d Device, v []int, in interval, emit func(Device)) {
	as := func(form, vendor, product, version string) {
		e := d
		e.Form, e.Vendor, e.Product, e.Version = form, vendor, product, version
		emit(e)
	}
	bare := write(v, "", in.suffix)
	as("as written", p.vendor, p.name, d.Version)
	as("lower case, no V", strings.ToLower(p.vendor), strings.ToLower(p.name), bare)
	as("upper case, FW V", strings.ToUpper(p.vendor), strings.ToUpper(p.name), "FW V"+bare)
	as("underscores", p.vendor, strings.NewReplacer(" ", "_", "-", "_").Replace(p.name), "v"+bare)
	as("legal form, vendor in name", p.vendor+" GmbH", p.vendor+" "+p.name, "Firmware: "+bare)
	if len(p.models) > 0 && len(p.models[0]) >= 8 && strings.ContainsAny(p.models[0], "0123456789") && !strings.ContainsAny(p.models[0], "*?xX()/, ") {
		as("order number", p.vendor, p.models[0], d.Version)
		as("order number, spaced", p.vendor, p.models[0][:4]+" "+p.models[0][4:], d.Version)
	}
}

// ExactString is the matcher to compare with: names equal letter by letter, and
// the version that of the advisory or all.
func ExactString(d *Device) string {
	if d.Vendor != d.Exact.Vendor || d.Product != d.Exact.Product {
		return ""
	}
	switch {
	case d.Exact.Range == "vers:all/*", d.Version != "" && d.Version == d.Exact.Range:
		return "affected"
	}
	return "not_affected"
}
