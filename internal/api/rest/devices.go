package rest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
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
	w, err := wishOf(r)
	if err != nil {
		return nil, err
	}
	view, err := s.fleet.view(r.Context(), s.Service, w)
	if err != nil {
		return nil, err
	}
	v := r.URL.Query()
	if v.Get("format") == "csv" {
		f := deviceFile(view.rows)
		call := api.ReadCall{Person: person(r).Name, Door: "rest", Tool: "devices.csv", Bytes: len(f.data)}
		if err := s.RecordRead(r.Context(), call); err != nil { // what is not on record is not handed out
			return nil, err
		}
		return f, nil
	}
	var page Page[*store.Device]
	if v.Get("sort") == "" {
		page, err = pageOf(r, view.rows, func(d *store.Device) string { return d.UID })
	} else {
		page, err = pageAt(r, view.rows)
	}
	if err != nil {
		return nil, err
	}
	out := devicePage{Page: Page[deviceRow]{Rows: make([]deviceRow, len(page.Rows)), Total: page.Total, Next: page.Next}, Facets: view.facets}
	for i, row := range page.Rows {
		out.Rows[i] = shown(*row)
	}
	return out, nil
}

// wishOf reads what a request asks of the fleet.
func wishOf(r *http.Request) (wish, error) {
	v, p := r.URL.Query(), person(r)
	order, err := deviceOrder(v.Get("sort"))
	if err != nil {
		return wish{}, err
	}
	key := url.Values{"in": p.Zones}
	for _, name := range append([]string{"q", "sort", "facets"}, facetNames[:]...) {
		key[name] = v[name]
	}
	text := strings.ToLower(strings.TrimSpace(v.Get("q")))
	return wish{
		key: key.Encode(), order: order, facets: v.Get("facets") == "1",
		keep: func(d *store.Device) bool { return sees(p, d.Zone) && has(d, v) && (text == "" || mentions(d, text)) },
	}, nil
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

// deviceOrder reads a sort.
func deviceOrder(sort string) (ordering, error) {
	name, down := strings.CutPrefix(sort, "-")
	o := ordering{down: down}
	switch name {
	case "":
	case "name":
		o.text = func(d *store.Device) string { return d.Name }
	case "first_seen":
		o.at = func(d *store.Device) time.Time { return d.FirstSeen }
	case "last_seen":
		o.at = func(d *store.Device) time.Time { return d.LastSeen }
	default:
		if !slices.Contains(facetNames[:], name) {
			return o, fault.New(fault.Invalid, "devices are not sorted by %.40q", name).WithHint("name, first_seen, last_seen, %s; with - before it the other way round", strings.Join(facetNames[:], ", "))
		}
		o.text = func(d *store.Device) string { return facetOf(d, name) }
	}
	return o, nil
}

func deviceFacets(rows []*store.Device) map[string][]facetCount {
	out := make(map[string][]facetCount, len(facetNames))
	for _, name := range facetNames {
		count := map[string]int{}
		for i := range rows {
			count[facetOf(rows[i], name)]++
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

// deviceFile is the inventory as CSV, as vedette devices export writes it.
func deviceFile(rows []*store.Device) file {
	head := []string{"uid", "name", "type", "vendor", "model", "firmware", "ips", "macs", "zone", "level", "criticality", "state", "first_seen", "last_seen"}
	lines := make([][]string, len(rows))
	for i, d := range rows {
		lines[i] = []string{
			d.UID, d.Name, d.Type, d.Vendor, d.Model, d.Firmware, strings.Join(d.IPs, " "), strings.Join(d.MACs, " "), d.Zone, d.Level, d.Criticality, d.State,
			d.FirstSeen.UTC().Format(time.RFC3339), d.LastSeen.UTC().Format(time.RFC3339),
		}
	}
	return fileOf(api.CSV("vedette-devices", head, lines))
}

func fileOf(f api.File) file { return file{f.Name, f.Kind, f.Data} }

func (f file) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	_, _ = w.Write(f.data) // the client has gone if this fails
}
