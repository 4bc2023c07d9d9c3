package taxii

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/intel/share"
)

// question is what is asked of the objects of a collection.
type question struct {
	after    time.Time
	limit    int
	ids      []string
	types    []string
	specs    []string
	versions []string
}

// ask reads the parameters. One that is not known is an error: an answer that
// leaves out a condition would be taken for one that obeys it.
func ask(values url.Values) (question, error) {
	q := question{limit: usualPage}
	for name, list := range values {
		if len(list) != 1 || len(list[0]) > 10_000 {
			return q, fault.New(fault.Invalid, "the parameter %.40q comes more than once, or is too long", name)
		}
		var err error
		switch name {
		case "limit":
			q.limit, err = strconv.Atoi(list[0])
			if err != nil || q.limit < 1 {
				err = fault.New(fault.Invalid, "the limit %.20q is no number above 0", list[0])
			}
			q.limit = min(q.limit, maxPage)
		case "added_after":
			at, bad := time.Parse(time.RFC3339, list[0])
			if bad != nil {
				err = fault.New(fault.Invalid, "added_after is no time such as 2026-01-31T12:00:00.000000Z")
			}
			q.after = later(q.after, at)
		case "next":
			n, bad := strconv.ParseInt(list[0], 36, 64)
			if bad != nil || n < 0 || n > 1<<53 {
				err = fault.New(fault.Invalid, "next is none that was given out").WithHint("ask without it, for the first page")
			}
			q.after = later(q.after, time.UnixMicro(n))
		default:
			err = q.match(name, list[0])
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (q *question) match(name, text string) error {
	list := strings.Split(text, ",")
	into := map[string]*[]string{"match[id]": &q.ids, "match[type]": &q.types, "match[spec_version]": &q.specs, "match[version]": &q.versions}[name]
	if into == nil {
		return fault.New(fault.Invalid, "there is no parameter %.40q", name).WithHint("added_after, limit, next, match[id], match[type], match[version], match[spec_version]")
	}
	if len(list) > maxListed {
		return fault.New(fault.Invalid, "%.40s has more than %d values", name, maxListed)
	}
	*into = list
	if name != "match[version]" {
		return nil
	}
	for _, v := range list {
		if v == "all" || v == "first" || v == "last" {
			continue
		}
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return fault.New(fault.Invalid, "match[version] is none of all, first, last or a time")
		}
	}
	return nil
}

// wants tells whether an object is asked for. There is one version of each.
func (q *question) wants(o *share.Object) bool {
	if !q.after.IsZero() && !o.Added.After(q.after) {
		return false
	}
	within := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return within(q.ids, o.ID) && within(q.types, o.Type) && within(q.specs, "2.1") && q.version(o)
}

func (q *question) version(o *share.Object) bool {
	if len(q.versions) == 0 || slices.ContainsFunc(q.versions, func(v string) bool { return v == "all" || v == "first" || v == "last" }) {
		return true
	}
	return slices.ContainsFunc(q.versions, func(v string) bool {
		at, err := time.Parse(time.RFC3339, v)
		return err == nil && at.Equal(versionOf(o))
	})
}

// versionOf is when an object last changed; of one that never does, when it was
// offered.
func versionOf(o *share.Object) time.Time {
	if o.Version.IsZero() {
		return o.Added
	}
	return o.Version
}

// page is the objects that are given, and which come next.
type page struct {
	list []share.Object
	next string // "" at the end
}

func (q *question) page(all []share.Object) page {
	var p page
	for i := range all {
		if !q.wants(&all[i]) {
			continue
		}
		if len(p.list) == q.limit {
			p.next = strconv.FormatInt(p.list[len(p.list)-1].Added.UnixMicro(), 36)
			break
		}
		p.list = append(p.list, all[i])
	}
	return p
}

// given is a page as it is written.
type given struct {
	body any
	page page
}

func (g given) as(read string) answer {
	a := answer{body: g.body, read: read}
	if n := len(g.page.list); n > 0 {
		a.dates = []time.Time{g.page.list[0].Added, g.page.list[n-1].Added}
	}
	return a
}

func objects(p page) given {
	out := envelope{More: p.next != "", Next: p.next}
	for i := range p.list {
		out.Objects = append(out.Objects, p.list[i].JSON)
	}
	return given{out, p}
}

func manifest(p page) given {
	out := listing{More: p.next != "", Next: p.next}
	for i := range p.list {
		o := &p.list[i]
		out.Objects = append(out.Objects, record{o.ID, share.Moment(o.Added), share.Moment(versionOf(o)), stixType})
	}
	return given{out, p}
}

func versions(p page) given {
	out := dates{More: p.next != "", Next: p.next}
	for i := range p.list {
		out.Versions = append(out.Versions, share.Moment(versionOf(&p.list[i])))
	}
	return given{out, p}
}

// What TAXII says that answers look like.
type (
	discovery struct {
		Title       string   `json:"title"`
		Description string   `json:"description"`
		Default     string   `json:"default"`
		Roots       []string `json:"api_roots"`
	}
	rootAbout struct {
		Title    string   `json:"title"`
		Versions []string `json:"versions"`
		Max      int      `json:"max_content_length"`
	}
	collections struct {
		Collections []collection `json:"collections"`
	}
	collection struct {
		ID          string   `json:"id"`
		Title       string   `json:"title"`
		Description string   `json:"description"`
		Alias       string   `json:"alias"`
		CanRead     bool     `json:"can_read"`
		CanWrite    bool     `json:"can_write"`
		MediaTypes  []string `json:"media_types"`
	}
	envelope struct {
		More    bool              `json:"more,omitempty"`
		Next    string            `json:"next,omitempty"`
		Objects []json.RawMessage `json:"objects,omitempty"`
	}
	listing struct {
		More    bool     `json:"more,omitempty"`
		Next    string   `json:"next,omitempty"`
		Objects []record `json:"objects,omitempty"`
	}
	record struct {
		ID      string `json:"id"`
		Added   string `json:"date_added"`
		Version string `json:"version"`
		Media   string `json:"media_type"`
	}
	dates struct {
		More     bool     `json:"more,omitempty"`
		Next     string   `json:"next,omitempty"`
		Versions []string `json:"versions,omitempty"`
	}
)
