package mud

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// The limits of a file. Real ones have some hundred entries.
const (
	MaxBytes   = 4 << 20
	maxLists   = 256
	maxEntries = 10_000
	maxNotes   = 100
)

// Note is something about a file that its author or user should know. An Error
// means that the file does not say what it seems to.
type Note struct {
	Error bool   `json:"error"`
	Where string `json:"where"`
	Text  string `json:"text"`
}

// String returns the note in one line.
func (n Note) String() string { return n.Where + ": " + n.Text }

// parser reads one file.
type parser struct {
	file  *File
	notes []Note
	index map[string]int // name of a list: its place
	total int
	cut   int
}

// Parse reads a MUD file. All that is odd about it is in the notes; the error is
// for what is no MUD file at all, or is beyond the limits.
func Parse(data []byte) (*File, []Note, error) {
	if len(data) > MaxBytes {
		return nil, nil, fault.New(fault.Limited, "a MUD file of more than %d MiB", MaxBytes>>20)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "reading a MUD file")
	}
	p := &parser{file: &File{}, index: map[string]int{}}
	var body, lists json.RawMessage
	for _, key := range keys(top) {
		switch local(key) {
		case "mud":
			body = top[key]
		case "acls", "access-lists":
			lists = top[key]
		default:
			p.note(false, key, "it is not understood and was passed over")
		}
	}
	if body == nil {
		return nil, nil, fault.New(fault.Invalid, "reading a MUD file: there is no ietf-mud:mud in it").WithHint("is it a MUD file of RFC 8520?")
	}
	if err := p.lists(lists); err != nil {
		return nil, p.notes, err
	}
	if err := p.head(body); err != nil {
		return nil, p.notes, err
	}
	p.unused()
	if p.cut > 0 {
		p.notes = append(p.notes, Note{false, "file", fmt.Sprintf("%d more notes", p.cut)})
	}
	return p.file, p.notes, nil
}

func (p *parser) note(isError bool, where, format string, args ...any) {
	if len(p.notes) >= maxNotes {
		p.cut++
		return
	}
	p.notes = append(p.notes, Note{isError, clean(where), clean(fmt.Sprintf(format, args...))})
}

// clean keeps what an author wrote to one printable line.
func clean(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\ufffd' {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return text
}

// local is a name without the module that it belongs to.
func local(key string) string {
	if _, name, ok := strings.Cut(key, ":"); ok {
		return name
	}
	return key
}

func keys(m map[string]json.RawMessage) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

type head struct {
	Version       *int     `json:"mud-version"`
	URL           string   `json:"mud-url"`
	LastUpdate    string   `json:"last-update"`
	CacheValidity *int     `json:"cache-validity"`
	Supported     *bool    `json:"is-supported"`
	SystemInfo    string   `json:"systeminfo"`
	MfgName       string   `json:"mfg-name"`
	Model         string   `json:"model-name"`
	Firmware      string   `json:"firmware-rev"`
	Software      string   `json:"software-rev"`
	Documentation string   `json:"documentation"`
	Extensions    []string `json:"extensions"`
	From          *policy  `json:"from-device-policy"`
	To            *policy  `json:"to-device-policy"`
}

type policy struct {
	Lists struct {
		List []struct {
			Name string `json:"name"`
		} `json:"access-list"`
	} `json:"access-lists"`
}

func (p *parser) head(raw json.RawMessage) error {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading ietf-mud:mud")
	}
	f := p.file
	f.URL, f.SystemInfo, f.Manufacturer, f.Model = clean(h.URL), clean(h.SystemInfo), clean(h.MfgName), clean(h.Model)
	f.Firmware, f.Software, f.Documentation = clean(h.Firmware), clean(h.Software), clean(h.Documentation)
	f.Version, f.CacheValidity = value(h.Version), value(h.CacheValidity)
	f.Supported = h.Supported != nil && *h.Supported
	if f.Version != 1 {
		p.note(true, "mud-version", "it is %d, and 1 is what there is", f.Version)
	}
	if u, err := url.Parse(h.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		p.note(false, "mud-url", "it is no https URL")
	}
	if h.LastUpdate != "" {
		t, err := time.Parse(time.RFC3339, h.LastUpdate)
		if err != nil {
			p.note(false, "last-update", "it is no time of RFC 3339")
		}
		f.LastUpdate = t.UTC()
	}
	if h.CacheValidity != nil && (f.CacheValidity < 1 || f.CacheValidity > 168) {
		p.note(false, "cache-validity", "it is not within 1 to 168 hours")
	}
	for _, x := range h.Extensions {
		p.note(false, "extensions", "%s is not understood", x)
	}
	f.From, f.To = p.policy("from-device-policy", h.From), p.policy("to-device-policy", h.To)
	return nil
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// policy resolves the names of a policy's lists. A list counts once however
// often it is named, so that a file cannot make us go round.
func (p *parser) policy(where string, in *policy) []int {
	if in == nil {
		return nil
	}
	var out []int
	for _, l := range in.Lists.List {
		i, ok := p.index[l.Name]
		switch {
		case !ok:
			p.note(true, where, "there is no list %q", l.Name)
		case slices.Contains(out, i):
			p.note(false, where, "the list %q is named twice", l.Name)
		default:
			out = append(out, i)
		}
	}
	return out
}

func (p *parser) unused() {
	for i, l := range p.file.Lists {
		if !slices.Contains(p.file.From, i) && !slices.Contains(p.file.To, i) {
			p.note(false, "list "+l.Name, "no policy names it")
		}
	}
}

type rawLists struct {
	List []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Entries struct {
			Entry []rawEntry `json:"ace"`
		} `json:"aces"`
	} `json:"acl"`
}

type rawEntry struct {
	Name    string                     `json:"name"`
	Matches map[string]json.RawMessage `json:"matches"`
	Actions struct {
		Forwarding string `json:"forwarding"`
	} `json:"actions"`
}

func (p *parser) lists(raw json.RawMessage) error {
	if raw == nil {
		p.note(true, "file", "there are no access control lists in it")
		return nil
	}
	var in rawLists
	if err := json.Unmarshal(raw, &in); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the access control lists")
	}
	if len(in.List) > maxLists {
		return fault.New(fault.Limited, "more than %d access control lists", maxLists)
	}
	for _, l := range in.List {
		if p.total += len(l.Entries.Entry); p.total > maxEntries {
			return fault.New(fault.Limited, "more than %d access control entries", maxEntries)
		}
		if _, twice := p.index[l.Name]; twice {
			p.note(true, "list "+l.Name, "there are two of that name; the first counts")
			continue
		}
		list := List{Name: clean(l.Name), Type: clean(local(l.Type)), Entries: make([]Entry, 0, len(l.Entries.Entry))}
		for _, e := range l.Entries.Entry {
			list.Entries = append(list.Entries, p.entry(l.Name, e))
		}
		p.index[l.Name] = len(p.file.Lists)
		p.file.Lists = append(p.file.Lists, list)
	}
	return nil
}

func (p *parser) entry(list string, in rawEntry) Entry {
	e := Entry{Name: clean(in.Name)}
	where := list + "/" + in.Name
	switch local(in.Actions.Forwarding) {
	case "accept":
		e.Accept = true
	case "drop", "reject":
	default:
		p.note(true, where, "its action %q is none of accept, drop and reject; it drops", in.Actions.Forwarding)
	}
	m := &matcher{parser: p, where: where, out: &e.Match}
	m.group("", in.Matches, 0)
	m.sense()
	return e
}

// sense notes what an entry says that cannot mean what it seems to.
func (m *matcher) sense() {
	for _, prefix := range []netip.Prefix{m.out.SrcPrefix, m.out.DstPrefix} {
		a := prefix.Addr()
		if prefix.IsValid() && (a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback()) {
			m.note(false, m.where, "the private range %s means something else on every network; local-networks or a controller would not", prefix)
		}
	}
	if c := m.out.Controller; c != "" && c == m.out.Model {
		m.note(false, m.where, "controller and model are the same")
	}
}
