package netflow

import (
	"bytes"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// Nfdump is the CSV of nfdump, of version 1.6 ("-o csv") and 1.7.
func Nfdump() record.Dialect {
	return textDialect("nfdump", "netflow/flow", "nfdump", [][]string{
		{"ts", "te", "td", "sa", "da", "sp", "dp", "pr"},
		{"firstseen", "duration", "proto", "srcaddr", "srcport", "dstaddr", "dstport"},
		{"first", "last", "proto", "srcaddr", "srcport", "dstaddr", "dstport"},
	})
}

// Argus is the text that ra of Argus writes with commas and names of columns,
// known as binetflow.
func Argus() record.Dialect {
	return textDialect("argus", "argus/flow", "Argus", [][]string{{"starttime", "dur", "proto", "srcaddr", "dstaddr", "state"}, {"starttime", "proto", "srcaddr", "sport", "dstaddr", "dport"}})
}

// textDialect is one whose header has all the columns of one of the sets.
func textDialect(name, log, product string, sets [][]string) record.Dialect {
	return record.Dialect{
		Name: name,
		Detect: func(head []byte, _ string) int {
			line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n \t"), []byte("\n"))
			columns := header(string(line))
			for _, set := range sets {
				if hasAll(columns, set) {
					return 100
				}
			}
			return 0
		},
		New: func(src record.Source) record.Parser {
			return &textParser{src: src, frame: src.Frame(), log: log, product: product}
		},
	}
}

// header is a line's cells in lower case, at most maxColumns.
func header(line string) []string {
	cells := strings.SplitN(strings.TrimSpace(strings.TrimPrefix(line, "\xef\xbb\xbf")), ",", maxColumns+1)
	for i, c := range cells {
		cells[i] = strings.ToLower(strings.TrimSpace(c))
	}
	return cells[:min(len(cells), maxColumns)]
}

const maxColumns = 128

func hasAll(columns, set []string) bool {
	for _, want := range set {
		found := false
		for _, c := range columns {
			found = found || c == want
		}
		if !found {
			return false
		}
	}
	return true
}

// columnSlots are the columns that have a field, by their name in lower case.
var columnSlots = map[string]event.Slot{
	"sa": event.SlotSrcEndpointIP, "srcaddr": event.SlotSrcEndpointIP, "da": event.SlotDstEndpointIP, "dstaddr": event.SlotDstEndpointIP,
	"sp": event.SlotSrcEndpointPort, "srcport": event.SlotSrcEndpointPort, "sport": event.SlotSrcEndpointPort,
	"dp": event.SlotDstEndpointPort, "dstport": event.SlotDstEndpointPort, "dport": event.SlotDstEndpointPort,
	"pr": event.SlotConnectionInfoProtocolName, "proto": event.SlotConnectionInfoProtocolName, "td": event.SlotDuration, "dur": event.SlotDuration,
	"duration": event.SlotDuration, "ipkt": event.SlotTrafficPacketsOut, "ibyt": event.SlotTrafficBytesOut, "opkt": event.SlotTrafficPacketsIn,
	"obyt": event.SlotTrafficBytesIn, "inpackets": event.SlotTrafficPacketsOut, "inbytes": event.SlotTrafficBytesOut, "outpackets": event.SlotTrafficPacketsIn,
	"outbytes": event.SlotTrafficBytesIn, "packets": event.SlotTrafficPacketsOut, "bytes": event.SlotTrafficBytesOut,
	"in packet": event.SlotTrafficPacketsOut, "in byte": event.SlotTrafficBytesOut, "out packet": event.SlotTrafficPacketsIn, "out byte": event.SlotTrafficBytesIn,
	"totpkts": event.SlotTrafficPackets, "totbytes": event.SlotTrafficBytes, "srcbytes": event.SlotTrafficBytesOut, "srcpkts": event.SlotTrafficPacketsOut,
	"dstbytes": event.SlotTrafficBytesIn, "dstpkts": event.SlotTrafficPacketsIn, "state": event.SlotConnectionInfoState, "smac": event.SlotSrcEndpointMAC,
	"dmac": event.SlotDstEndpointMAC, "srcmac": event.SlotSrcEndpointMAC, "dstmac": event.SlotDstEndpointMAC, "svln": event.SlotConnectionInfoVLAN,
}

var beginColumns = map[string]bool{"ts": true, "firstseen": true, "first": true, "starttime": true}

type textParser struct {
	src          record.Source
	frame        moment.Frame
	log, product string
	columns      []string // in lower case
	names        []string // as they are
	over         bool     // a summary follows
	e            event.Event
}

// Parse implements [record.Parser].
func (p *textParser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := record.Text(p.src.Keep(rec.Raw))
	line := strings.TrimSpace(strings.TrimPrefix(raw, "\xef\xbb\xbf"))
	if p.columns == nil {
		p.columns, p.names = header(line), strings.Split(line, ",")
		return nil
	}
	if p.over = p.over || line == "Summary"; p.over {
		return nil // nfdump sums up at the end
	}
	cells := strings.Split(line, ",")
	if len(cells) > len(p.columns) || len(cells) < min(4, len(p.columns)) {
		return fault.New(fault.Invalid, "%d columns where the header names %d", len(cells), len(p.columns))
	}
	p.e.Reset()
	var when time.Time
	for i, cell := range cells {
		v := strings.TrimSpace(cell)
		if v == "" {
			continue
		}
		if when.IsZero() && beginColumns[p.columns[i]] {
			if when = p.frame.Any(v); !when.IsZero() {
				continue
			}
		}
		p.put(i, v)
	}
	p.meaning()
	record.Finish(&p.e, &p.src, rec, raw, 0, when)
	emit(&p.e)
	return nil
}

func (p *textParser) put(i int, v string) {
	name := strings.TrimSpace(p.names[i])
	switch column := p.columns[i]; column {
	case "pr", "proto":
		p.e.SetConnectionInfoProtocolName(protocolName(strings.ToLower(v)))
	case "dp", "dstport":
		if strings.Contains(v, ".") { // type and code of ICMP
			record.Keep(&p.e, name, v)
			return
		}
		record.Set(&p.e, event.SlotDstEndpointPort, name, v)
	case "dir":
		record.Keep(&p.e, name, v)
	default:
		slot, known := columnSlots[column]
		if !known || p.e.Has(slot) {
			record.Keep(&p.e, name, v)
			return
		}
		record.Set(&p.e, slot, name, v)
	}
}

func (p *textParser) meaning() {
	e := &p.e
	e.SetClassUID(int64(event.NetworkActivity))
	e.SetActivityName("Traffic")
	e.SetMetadataProduct(p.product)
	e.SetMetadataLogName(p.log)
	rest := func(total, out, in event.Slot) {
		if n := e.Int(total) - e.Int(out); e.Has(total) && e.Has(out) && !e.Has(in) && e.Int(out) >= 0 && n >= 0 {
			e.SetInt(in, n)
		}
	}
	rest(event.SlotTrafficBytes, event.SlotTrafficBytesOut, event.SlotTrafficBytesIn)
	rest(event.SlotTrafficPackets, event.SlotTrafficPacketsOut, event.SlotTrafficPacketsIn)
	meaning(e)
	if state := e.ConnectionInfoState(); state != "" {
		outcome(e, state)
	}
}

// outcome reads the state of Argus: for TCP the flags of both sides around a
// "_" (ra(1), "state"), else CON for an answered request.
func outcome(e *event.Event, state string) {
	client, server, tcp := strings.Cut(state, "_")
	switch {
	case !tcp && state == "CON":
		e.SetStatus(event.Success)
	case !tcp || !strings.Contains(client, "S"):
	case strings.Contains(server, "S"):
		e.SetStatus(event.Success)
	case server == "" || strings.Contains(server, "R"):
		e.SetStatus(event.Failure)
	}
}
