package ot_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/wire"
	"vedette/internal/normalize/wire/capfile"
	"vedette/internal/normalize/wire/ot"
)

// sharedZip opens one of the public archives, or skips the test.
func sharedZip(t *testing.T, name string) *zip.ReadCloser {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if z, err := zip.OpenReader(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			t.Cleanup(func() { z.Close() })
			return z
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return nil
}

// decode returns the events of a capture in an archive.
func decode(t *testing.T, z fs.FS, name string) []*event.Event {
	t.Helper()
	b, err := fs.ReadFile(z, name)
	if err != nil {
		t.Fatal(err)
	}
	var all []*event.Event
	keep := func(h wire.Happening) {
		if h.Raw != nil {
			all = append(all, h.Event.Clone())
		}
	}
	engine := wire.New(wire.DefaultLimits(), ot.Protocols())
	next := capfile.Cut(bufio.NewReader(bytes.NewReader(b)))
	for {
		raw, _, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Logf("%s: %v", name, err)
			break
		}
		if p, err := capfile.Parse(raw); err == nil {
			_ = engine.Packet(p, keep) // what cannot be read is the core's to tell
		}
	}
	engine.End(keep)
	return all
}

// rec is one message on either side: what it is, by which it is matched with
// the same message of the other side in order, and its fields.
type rec struct {
	conn, function string
	fields         map[string]string
}

// comparison holds one kind of Zeek log against our events.
type comparison struct {
	log     string
	zeek    func(col []string) []rec
	ours    func(e *event.Event) *rec
	collate bool // several rows of Zeek's are one event of ours
}

var traces = map[string]string{
	"bacnet/baseline/analyzer.basic": "bacnet/traces/bacnet_example.pcap", "bacnet/baseline/analyzer.error-reject-abort": "bacnet/traces/bacnet_error_reject_abort.pcap",
	"bacnet/baseline/analyzer.segmented_data": "bacnet/traces/bacnet_segmented_data.pcap", "dnp3/baseline/analyzer.basic": "dnp3/traces/dnp3_example.pcap",
	"enip/baseline/analyzer.basic": "enip/traces/enip_cip_example.pcap", "modbus/baseline/analyzer.basic": "modbus/traces/modbus_example.pcap",
	"opcua-binary/baseline/analyzer.basic":             "opcua-binary/traces/open62541_client-server_mainloop.pcap",
	"opcua-binary/baseline/analyzer.no-handshake":      "opcua-binary/traces/open62541_client-server_mainloop-no-handshake.pcap",
	"opcua-binary/baseline/analyzer.non-standard-port": "opcua-binary/traces/open62541_client-server_mainloop-not-localhost-non-standard-port.pcap",
	"s7comm/baseline/analyzer.s7ident":                 "s7comm/traces/s7ident.pcap", "s7comm/baseline/analyzer.snap7": "s7comm/traces/snap7.pcap",
}

// score counts how often a field agrees.
type score struct{ zeek, ours, agree int }

// floor is how much of each function and field must agree. Exceptions are
// known differences.
const floor = 0.95

var exceptions = map[string]float64{
	"bacnet_discovery vendor":     0.12, // we know well-known makers only, the capture has made-up ones
	"bacnet_property array_index": 0.60, // Zeek writes 0 where the request has none
}

func TestSharedAgreement(t *testing.T) {
	z := sharedZip(t, "net/zeek-icsnpp.zip")
	functions, fields := map[string]*score{}, map[string]*score{}
	for folder, trace := range traces {
		events := decode(t, z, trace)
		for _, c := range comparisons() {
			b, err := fs.ReadFile(z, folder+"/"+c.log+".log")
			if err != nil {
				continue
			}
			compare(t, c, rows(string(b)), events, functions, fields)
		}
	}
	if len(functions) < 10 {
		t.Fatalf("only %d kinds of logs were compared", len(functions))
	}
	report(t, "function", functions)
	report(t, "field", fields)
}

// rows are the records of a Zeek log.
func rows(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != '#' {
			all = append(all, strings.Split(line, "\t"))
		}
	}
	return all
}

func compare(t *testing.T, c comparison, log [][]string, events []*event.Event, functions, fields map[string]*score) {
	t.Helper()
	theirs, ours := map[string][]rec{}, map[string][]rec{}
	before := ""
	for _, row := range log {
		for _, r := range c.zeek(row) {
			r.conn = between(row[2], row[3], row[4], row[5])
			k := r.conn + " " + r.function
			if have := theirs[k]; c.collate && k == before && strings.HasSuffix(k, "object-list") && r.fields["array_index"] == "-" {
				have[len(have)-1].fields["value"] += "," + r.fields["value"]
				continue
			}
			theirs[k], before = append(theirs[k], r), k
		}
	}
	known := map[string]bool{}
	for k := range theirs {
		known[strings.SplitN(k, " ", 2)[1]] = true
	}
	for _, e := range events {
		if r := c.ours(e); r != nil && known[r.function] {
			r.conn = between(e.Str(event.SlotSrcEndpointIP), strconv.Itoa(int(e.SrcEndpointPort())), e.Str(event.SlotDstEndpointIP), strconv.Itoa(int(e.DstEndpointPort())))
			k := r.conn + " " + r.function
			ours[k] = append(ours[k], *r)
		}
	}
	f := at(functions, c.log)
	for k := range mergeKeys(theirs, ours) {
		a, b := theirs[k], ours[k]
		f.zeek, f.ours, f.agree = f.zeek+len(a), f.ours+len(b), f.agree+min(len(a), len(b))
		if len(a) != len(b) {
			t.Logf("%s: %s: %d by Zeek, %d by us", c.log, k, len(a), len(b))
		}
		for i := range min(len(a), len(b)) {
			compareFields(t, c.log, k, a[i], b[i], fields)
		}
	}
}

func compareFields(t *testing.T, log, k string, a, b rec, fields map[string]*score) {
	t.Helper()
	for name, want := range a.fields {
		if want == "-" || want == "N/A" || want == "(empty)" || want == "" || strings.Contains(want, "XXXX") {
			continue
		}
		got := b.fields[name]
		s := at(fields, log+" "+name)
		s.zeek++
		if got != "" {
			s.ours++
		}
		if same(want, got) {
			s.agree++
		} else if s.zeek-s.agree < 4 {
			t.Logf("%s: %s: %s: Zeek has %.80q, we %.80q", log, k, name, want, got)
		}
	}
}

// same compares values; numbers may be written differently, and of long lists
// we keep the beginning.
func same(want, got string) bool {
	if strings.EqualFold(want, got) {
		return true
	}
	if start, cut := strings.CutSuffix(strings.TrimSuffix(got, ","), "..."); cut && strings.HasPrefix(want, strings.TrimSuffix(start, ",")) {
		return true
	}
	a, errA := strconv.ParseFloat(want, 64)
	b, errB := strconv.ParseFloat(got, 64)
	return errA == nil && errB == nil && a-b < 1e-5*max(1, a) && b-a < 1e-5*max(1, a)
}

func between(a, portA, b, portB string) string {
	ends := []string{a + ":" + portA, b + ":" + portB}
	slices.Sort(ends)
	return strings.Join(ends, "=")
}

func at(m map[string]*score, k string) *score {
	if m[k] == nil {
		m[k] = &score{}
	}
	return m[k]
}

func mergeKeys(a, b map[string][]rec) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

func report(t *testing.T, what string, m map[string]*score) {
	t.Helper()
	var names []string
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	var sb strings.Builder
	for _, k := range names {
		s := m[k]
		share := float64(s.agree) / float64(max(s.zeek, s.ours, 1))
		fmt.Fprintf(&sb, "%-8s %-60s zeek %5d ours %5d agree %5d %6.1f %%\n", what, k, s.zeek, s.ours, s.agree, 100*share)
		least := floor
		if known, ok := exceptions[k]; ok {
			least = known
		}
		if share < least {
			t.Errorf("%s %s: %d of %d agree", what, k, s.agree, max(s.zeek, s.ours))
		}
	}
	t.Logf("\n%s", sb.String())
}
