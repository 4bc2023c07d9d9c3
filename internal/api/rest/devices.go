package rest

import (
	"cmp"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// facetValues is how many values of a facet are told, the most frequent first.
const facetValues = 20

// facetNames are what devices are counted and kept by.
var facetNames = [...]string{"type", "zone", "vendor", "criticality", "state"} //nolint:gochecknoglobals // a table

func facetOf(d *store.Device, name string) string {
	switch name {
	case "type":
		return d.Type
	case "zone":
		return d.Zone
	case "vendor":
		return d.Vendor
	case "criticality":
		return d.Criticality
	}
	return d.State
}

// devicePage is a page of devices and, where they were asked for, how many have
// which values.
type devicePage struct {
	Page[deviceRow]
	Facets map[string][]facetCount `json:"facets,omitempty"`
}

type facetCount struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// devices lists the devices that who asks may see: ?q= finds a text in name,
// address, vendor, model or uid; ?type= and the other facets keep those with a
// value; ?sort=FIELD or -FIELD orders, by uid without it; ?facets=1 counts
// values; ?format=csv gives all of them as a file.
func devices(s *server, r *http.Request) (any, error) {
	list, err := s.Devices(r.Context())
	if err != nil {
		return nil, err
	}
	v := r.URL.Query()
	by, err := deviceOrder(v.Get("sort"))
	if err != nil {
		return nil, err
	}
	p, text := person(r), strings.ToLower(strings.TrimSpace(v.Get("q")))
	rows := make([]store.Device, 0, len(list))
	for i := range list {
		row := list[i].Row()
		if sees(p, row.Zone) && has(&row, v) && (text == "" || mentions(&row, text)) {
			rows = append(rows, row)
		}
	}
	if v.Get("format") == "csv" {
		slices.SortStableFunc(rows, by)
		return deviceFile(rows), nil
	}
	var page Page[store.Device]
	if v.Get("sort") == "" {
		page, err = pageOf(r, rows, func(d store.Device) string { return d.UID })
	} else {
		slices.SortStableFunc(rows, by)
		page, err = pageAt(r, rows)
	}
	if err != nil {
		return nil, err
	}
	out := devicePage{Page: Page[deviceRow]{Rows: make([]deviceRow, len(page.Rows)), Total: page.Total, Next: page.Next}}
	for i, row := range page.Rows {
		out.Rows[i] = shown(row)
	}
	if v.Get("facets") == "1" {
		out.Facets = deviceFacets(rows)
	}
	return out, nil
}

func has(d *store.Device, v map[string][]string) bool {
	for _, name := range facetNames {
		if !matches(v[name], facetOf(d, name)) {
			return false
		}
	}
	return true
}

// mentions reports whether a text of lower case is in what a device is known by.
func mentions(d *store.Device, text string) bool {
	in := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return in(d.Name) || in(d.UID) || in(d.Vendor) || in(d.Model) || slices.ContainsFunc(d.IPs, in) || slices.ContainsFunc(d.MACs, in)
}

// deviceOrder reads a sort; ties are in the order of uids.
func deviceOrder(sort string) (func(a, b store.Device) int, error) {
	name, down := strings.CutPrefix(sort, "-")
	text := func(get func(d *store.Device) string) func(a, b store.Device) int {
		return func(a, b store.Device) int {
			return cmp.Compare(strings.ToLower(get(&a)), strings.ToLower(get(&b)))
		}
	}
	var by func(a, b store.Device) int
	switch name {
	case "":
		by = func(store.Device, store.Device) int { return 0 }
	case "name":
		by = text(func(d *store.Device) string { return d.Name })
	case "first_seen":
		by = func(a, b store.Device) int { return a.FirstSeen.Compare(b.FirstSeen) }
	case "last_seen":
		by = func(a, b store.Device) int { return a.LastSeen.Compare(b.LastSeen) }
	default:
		if !slices.Contains(facetNames[:], name) {
			return nil, fault.New(fault.Invalid, "devices are not sorted by %.40q", name).WithHint("name, first_seen, last_seen, %s; with - before it the other way round", strings.Join(facetNames[:], ", "))
		}
		by = text(func(d *store.Device) string { return facetOf(d, name) })
	}
	return func(a, b store.Device) int {
		n := by(a, b)
		if down {
			n = -n
		}
		return cmp.Or(n, strings.Compare(a.UID, b.UID))
	}, nil
}

func deviceFacets(rows []store.Device) map[string][]facetCount {
	out := make(map[string][]facetCount, len(facetNames))
	for _, name := range facetNames {
		count := map[string]int{}
		for i := range rows {
			count[facetOf(&rows[i], name)]++
		}
		list := make([]facetCount, 0, len(count))
		for value, n := range count {
			list = append(list, facetCount{value, n})
		}
		slices.SortFunc(list, func(a, b facetCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
		out[name] = list[:min(facetValues, len(list))]
	}
	return out
}

// file is an answer that a browser saves.
type file struct {
	name string
	kind string
	data []byte
}

// deviceFile is the inventory as CSV, as vedette devices export writes it. A cell
// that a spreadsheet would run gets a quote before it.
func deviceFile(rows []store.Device) file {
	var b strings.Builder
	w := csv.NewWriter(&b)
	head := []string{"uid", "name", "type", "vendor", "model", "firmware", "ips", "macs", "zone", "level", "criticality", "state", "first_seen", "last_seen"}
	_ = w.Write(head) // a strings.Builder takes everything
	for i := range rows {
		d := &rows[i]
		cells := []string{
			d.UID, d.Name, d.Type, d.Vendor, d.Model, d.Firmware, strings.Join(d.IPs, " "), strings.Join(d.MACs, " "), d.Zone, d.Level, d.Criticality, d.State,
			d.FirstSeen.UTC().Format(time.RFC3339), d.LastSeen.UTC().Format(time.RFC3339),
		}
		for k, c := range cells {
			if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
				cells[k] = "'" + c
			}
		}
		_ = w.Write(cells) // as above
	}
	w.Flush()
	return file{"vedette-devices.csv", "text/csv; charset=utf-8", []byte(b.String())}
}

func (f file) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	_, _ = w.Write(f.data) // the client has gone if this fails
}
