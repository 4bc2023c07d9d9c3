package asset

import (
	"encoding/json"
	"iter"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/store"
)

// RecordKind is the kind of the registry's records in store.Records.
const RecordKind = "device"

// recordVersion is written into each record. A reader of a later version must
// still read this one.
const recordVersion = 1

// Record is the state of one device to be kept: JSON under its uid.
type Record struct {
	ID   string
	JSON []byte
}

type savedDevice struct {
	Version    int        `json:"v"`
	UID        string     `json:"uid"`
	MergedInto string     `json:"merged_into,omitempty"`
	Evidence   []Evidence `json:"evidence,omitempty"`
	IPs        []savedIP  `json:"ips,omitempty"`
	MACs       []savedMAC `json:"macs,omitempty"`
	Reported   []string   `json:"reported,omitempty"`
	Hostnames  []string   `json:"hostnames,omitempty"`
	Software   []string   `json:"software,omitempty"`
	MergedFrom []string   `json:"merged_from,omitempty"`
	Serves     []string   `json:"serves,omitempty"`
	Guessed    []string   `json:"guessed,omitempty"`
	Speaks     []string   `json:"speaks,omitempty"`
	Polled     []string   `json:"polled,omitempty"`
	Inventory  bool       `json:"inventory,omitempty"`
	Gateway    bool       `json:"gateway,omitempty"`
	Publishes  bool       `json:"publishes,omitempty"`
	Programmed bool       `json:"programmed,omitempty"`
	Bindings   []Binding  `json:"bindings,omitempty"` // past ones
	Changes    []Change   `json:"changes,omitempty"`
	Runs       []Run      `json:"runs,omitempty"`
	Apart      []string   `json:"apart,omitempty"`
	First      time.Time  `json:"first,omitzero"`
	Last       time.Time  `json:"last,omitzero"`
}

type savedIP struct {
	IP     string    `json:"ip"`
	MAC    string    `json:"mac,omitempty"`
	Bound  time.Time `json:"bound"`
	Last   time.Time `json:"last,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	Pinned bool      `json:"pinned,omitempty"`
	Leased bool      `json:"leased,omitempty"`
}

type savedMAC struct {
	MAC     string   `json:"mac"`
	Shared  bool     `json:"shared,omitempty"`
	Foreign []string `json:"foreign,omitempty"`
}

// Dirty returns the records of the devices that changed since they were last
// handed out (a later last-seen time alone counts once a minute), and their
// rows of the table that queries join. If keeping them fails,
// hand the uids to [Registry.Retry].
func (r *Registry) Dirty() (records []Record, rows []store.Device, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep()
	take := r.dirty
	r.dirty, r.fresh = r.dirty[:0], r.fresh[:0]
	return r.handOut(take)
}

// Fresh is Dirty for those devices alone that were never handed out, and for
// merged ones: what must be kept before events that name them are.
func (r *Registry) Fresh() (records []Record, rows []store.Device, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	take := r.fresh
	r.fresh = r.fresh[:0]
	return r.handOut(take)
}

// handOut encodes nodes. One that Fresh took is in r.dirty still, and is left
// out there by its mark.
func (r *Registry) handOut(take []*node) (records []Record, rows []store.Device, err error) {
	for _, n := range take {
		if n.gone || !n.dirty {
			continue
		}
		n.dirty = false
		raw, merr := json.Marshal(n.saved())
		if merr != nil { // cannot happen: only strings, times and numbers
			err = fault.Wrap(fault.Internal, merr, "encoding device %s", n.uid)
			continue
		}
		n.savedLast, n.kept = n.last, true
		records = append(records, Record{ID: n.uid, JSON: raw})
		n.state, _ = r.stateOf(n)
		rows = r.appendRows(rows, n)
	}
	for _, uid := range r.dropped {
		raw, merr := json.Marshal(savedDevice{Version: recordVersion, UID: uid, MergedInto: r.alias[uid]})
		if merr != nil {
			err = fault.Wrap(fault.Internal, merr, "encoding merged device %s", uid)
			continue
		}
		records = append(records, Record{ID: uid, JSON: raw})
	}
	r.dropped = r.dropped[:0]
	return records, rows, err
}

// Retry marks devices as changed again.
func (r *Registry) Retry(uids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, uid := range uids {
		if n := r.nodes[uid]; n != nil {
			r.touch(n)
		} else if _, ok := r.alias[uid]; ok {
			r.dropped = append(r.dropped, uid)
		}
	}
}

// Aliases returns the uids that are known by another one now, as old to new:
// events stored under an old uid belong to the device of the new one.
func (r *Registry) Aliases() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.alias)
}

func (n *node) saved() savedDevice {
	s := savedDevice{
		Version: recordVersion, UID: n.uid, Evidence: n.evidence, Reported: n.reported, Hostnames: n.hostnames,
		Software: n.software, MergedFrom: n.merged, Serves: n.serves.names(), Guessed: n.guessed.names(), Speaks: n.speaks.names(),
		Inventory: n.inventory, Gateway: n.gateway, Publishes: n.publishes, Programmed: n.programmed,
		Bindings: n.bindings, Changes: n.changes, Runs: n.runs, Apart: n.apart, First: instant(n.first), Last: instant(n.last),
	}
	for _, a := range n.ips {
		ip := savedIP{IP: a.text, Bound: instant(a.bound), Last: instant(a.last), Ended: instant(a.ended), Pinned: a.pinned, Leased: a.leased}
		if a.hw != nil {
			ip.MAC = a.hw.mac
		}
		s.IPs = append(s.IPs, ip)
	}
	for _, h := range n.macs {
		s.MACs = append(s.MACs, savedMAC{MAC: h.mac, Shared: h.shared, Foreign: h.foreign})
	}
	for _, p := range n.polled {
		s.Polled = append(s.Polled, p.uid)
	}
	return s
}

// Restore loads the records of an earlier run into an empty registry, some at
// a time, so that not all of them are in memory twice. A record that cannot be
// read is skipped; the returned problems name it.
func (r *Registry) Restore(records iter.Seq[Record]) (problems []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	polled := make(map[*node][]string)
	same := make(sharing)
	for rec, s := range decode(records) {
		if s.bad != nil || s.UID == "" || s.Version < 1 || s.Version > recordVersion {
			problems = append(problems, fault.Wrap(fault.Invalid, s.bad, "restoring device %s: the record is damaged or of a later version (%d)", rec.ID, s.Version))
			continue
		}
		if s.MergedInto != "" {
			r.alias[s.UID] = s.MergedInto
			continue
		}
		s.Evidence = same.evidence(s.Evidence)
		if n := r.restore(s.savedDevice); len(s.Polled) > 0 {
			polled[n] = s.Polled
		}
	}
	r.swept = r.newest
	for _, n := range r.nodes {
		n.state, _ = r.stateOf(n)
	}
	for n, uids := range polled {
		for _, uid := range uids {
			n.poll(r.byUID(uid))
		}
	}
	return problems
}

// sharing keeps one copy of texts that many devices have, such as vendors and
// the names of sources: a fleet's evidence is half as large with it.
type sharing map[string]string

// maxShared bounds the texts that are compared; values beyond them stay as
// they are.
const maxShared = 1 << 16

func (t sharing) text(s string) string {
	if one, ok := t[s]; ok {
		return one
	}
	if len(t) < maxShared {
		t[s] = s
	}
	return s
}

// evidence returns the list without room to grow.
func (t sharing) evidence(list []Evidence) []Evidence {
	out := make([]Evidence, len(list))
	for i, ev := range list {
		ev.Key, ev.Value, ev.Source, ev.What = Key(t.text(string(ev.Key))), t.text(ev.Value), Source(t.text(string(ev.Source))), t.text(ev.What)
		out[i] = ev
	}
	return out
}

// decoded is a record that was read, or why it cannot be.
type decoded struct {
	savedDevice
	bad error
}

// decodeAtOnce is how many records are decoded before they are taken over, so
// that a million of them are not all in memory at once.
const decodeAtOnce = 8192

// decode yields the records in order; reading JSON is what takes the time of a
// start, and is done on all processors.
func decode(records iter.Seq[Record]) iter.Seq2[Record, decoded] {
	return func(yield func(Record, decoded) bool) {
		out := make([]decoded, decodeAtOnce)
		part := make([]Record, 0, decodeAtOnce)
		give := func() bool {
			decodePart(part, out)
			for i, rec := range part {
				if !yield(rec, out[i]) {
					return false
				}
			}
			part = part[:0]
			return true
		}
		for rec := range records {
			if part = append(part, rec); len(part) == decodeAtOnce && !give() {
				return
			}
		}
		give()
	}
}

func decodePart(part []Record, out []decoded) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(part); i += workers {
				out[i] = decoded{}
				out[i].bad = json.Unmarshal(part[i].JSON, &out[i].savedDevice)
			}
		})
	}
	wg.Wait()
}

func (r *Registry) restore(s savedDevice) *node {
	n := &node{
		uid: s.UID, evidence: s.Evidence, hostnames: s.Hostnames, software: s.Software, merged: s.MergedFrom,
		serves: protocolsByName(s.Serves), guessed: protocolsByName(s.Guessed), speaks: protocolsByName(s.Speaks),
		inventory: s.Inventory, gateway: s.Gateway, publishes: s.Publishes, programmed: s.Programmed, bindings: s.Bindings, changes: s.Changes, runs: s.Runs, apart: s.Apart, first: nanos(s.First), last: nanos(s.Last), savedLast: nanos(s.Last),
		kept: true,
	}
	r.nodes[s.UID] = n
	r.newest = max(r.newest, n.last)
	if len(n.runs) == 0 {
		n.runsOfEvidence()
	}
	r.updates(n)
	for _, m := range s.MACs {
		if h := r.hardwareOf(m.MAC); h != nil && h.node == nil {
			h.node, h.shared, h.foreign = n, m.Shared, m.Foreign
			n.macs = append(n.macs, h)
		}
	}
	for _, ip := range s.IPs {
		addr, err := netip.ParseAddr(ip.IP)
		if err != nil || r.ips.get(addr.String()) != nil {
			continue
		}
		a := r.newAddress(addr)
		a.node, a.bound, a.last, a.ended, a.pinned, a.leased = n, nanos(ip.Bound), nanos(ip.Last), nanos(ip.Ended), ip.Pinned, ip.Leased
		a.hw = r.hardwareOf(ip.MAC)
		n.ips = append(n.ips, a)
		r.ips.put(a.text, a)
	}
	for _, name := range s.Reported {
		if lower := strings.ToLower(name); r.names[lower] == nil {
			r.names[lower] = n
			n.reported = append(n.reported, lower)
		}
	}
	n.forget(func(ev Evidence) bool { return keyIndex(ev.Key) < 0 && ev.Key != keyIdentity && ev.Key != keySoftware })
	for _, k := range allKeys {
		n.choose(k)
	}
	for _, name := range slices.Concat(n.hostnames, n.reported, []string{n.attr(KeyName).Value}) {
		if name != "" {
			r.index(n, name)
		}
	}
	r.rezone(n) // the configuration may have changed
	return n
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
