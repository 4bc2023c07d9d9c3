package asset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/netip"
	"strings"
	"unicode/utf8"

	"vedette/internal/fault"
)

// The limits of an inventory file.
const (
	maxInventory = 64 << 20 // bytes
	maxProblems  = 1000     // kept; more are only counted
)

// ImportReport says what became of an inventory.
type ImportReport struct {
	Rows     int       // read, without the header and empty lines
	Created  int       // devices that were not known
	Updated  int       // rows that named a known device
	Rejected int       // rows of which nothing was taken
	Problems []Problem // what was not taken over, at most 1000
	Ignored  []string  // columns that mean nothing to us
}

// Problem is one value or row that was not taken over.
type Problem struct {
	Line     int
	Text     string
	Rejected bool // the whole row, else only one value of it
}

// column is what a column of an inventory holds: an attribute, or one of these.
const (
	columnUID     Key = "uid"
	columnIP      Key = "ip"
	columnMAC     Key = "mac"
	columnIgnored Key = ""
)

// columnOf reads a header in any usual spelling.
func columnOf(header string) Key {
	h := strings.ToLower(strings.TrimSpace(header))
	h = strings.NewReplacer("_", " ", "-", " ", ".", " ", "/", " ", "(", " ", ")", " ", ":", " ").Replace(h)
	h = strings.Join(strings.Fields(h), " ")
	switch h {
	case "uid", "device uid", "vedette uid":
		return columnUID
	case "ip", "ips", "ip address", "ip addresses", "ip addr", "address", "addresses", "ipv4", "ipv4 address", "ipv6", "ipv6 address", "device ip", "host ip", "management ip":
		return columnIP
	case "mac", "macs", "mac address", "mac addresses", "mac addr", "hardware address", "physical address", "ethernet address", "device mac", "hwaddr":
		return columnMAC
	case "name", "device name", "device", "hostname", "host name", "host", "asset name", "asset", "tag", "label", "system name":
		return KeyName
	case "type", "device type", "asset type", "role", "device role", "kind", "class", "category", "function":
		return KeyType
	case "vendor", "manufacturer", "maker", "make", "brand", "device vendor", "oem":
		return KeyVendor
	case "model", "product", "model number", "device model", "product name", "part number", "order number":
		return KeyModel
	case "firmware", "firmware version", "fw", "fw version", "version", "software version", "os version", "revision":
		return KeyFirmware
	case "serial", "serial number", "serial no", "sn", "s n":
		return KeySerial
	case "location", "place", "building", "room", "rack", "area":
		return KeyLocation
	case "zone", "segment", "network", "network zone", "security zone", "cell", "vlan name":
		return KeyZone
	case "level", "purdue", "purdue level", "isa level", "isa 95 level":
		return KeyLevel
	case "criticality", "critical", "priority", "importance", "impact", "business criticality", "asset criticality":
		return KeyCriticality
	case "owner", "asset owner", "responsible", "contact", "system owner", "department", "team":
		return KeyOwner
	}
	return synonymOf(h)
}

// Import takes over an inventory: an export of NetBox in JSON, whose entries
// count as rows, or CSV: a header line, then one device a row,
// separated by commas, semicolons or tabs; several addresses in one cell are
// separated by spaces, | or ;. A row finds its device by uid, MAC, address or
// operator-given name, and makes one if there is none. What a row says wins
// over what was learnt; a value that is already known changes nothing, so that
// importing an export does not turn learnt values into operator's words. Bad
// rows and values are reported and the rest goes on; the error is for a file
// that cannot be read at all.
func (r *Registry) Import(in io.Reader) (ImportReport, error) {
	var report ImportReport
	limited := &io.LimitedReader{R: in, N: maxInventory + 1}
	buf := bufio.NewReader(limited)
	if bom, err := buf.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = buf.Discard(3)
	}
	if isJSON(buf) {
		table, err := netBoxTable(buf)
		if err != nil {
			return report, err
		}
		buf = table
	}
	comma, err := separator(buf)
	if err != nil {
		return report, err
	}
	rows := csv.NewReader(buf)
	rows.Comma, rows.FieldsPerRecord, rows.TrimLeadingSpace = comma, -1, true
	header, err := rows.Read()
	if err != nil {
		return report, fault.Wrap(fault.Invalid, err, "reading the header line of the inventory").WithHint("the first line names the columns: name,ip,mac,type,zone,criticality,owner")
	}
	columns, err := readHeader(header, &report)
	if err != nil {
		return report, err
	}
	for {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			if limited.N <= 0 {
				return report, fault.New(fault.Limited, "reading the inventory: it is larger than %d MB, the rest was not read", maxInventory>>20).WithHint("split the file")
			}
			return report, nil
		case err != nil:
			parse, ok := errors.AsType[*csv.ParseError](err)
			if !ok {
				return report, fault.Wrap(fault.Unavailable, err, "reading the inventory after %d rows", report.Rows)
			}
			report.Rows++
			report.reject(parse.StartLine, "reading the row: "+parse.Err.Error())
			continue
		}
		line, _ := rows.FieldPos(0)
		report.Rows++
		r.importRow(&report, line, columns, row)
	}
}

func (p *ImportReport) reject(line int, text string) {
	p.Rejected++
	p.note(line, text, true)
}

func (p *ImportReport) note(line int, text string, rejected bool) {
	if len(p.Problems) < maxProblems {
		p.Problems = append(p.Problems, Problem{Line: line, Text: text, Rejected: rejected})
	}
}

// separator guesses from the first line.
func separator(buf *bufio.Reader) (rune, error) {
	head, err := buf.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return 0, fault.Wrap(fault.Unavailable, err, "reading the inventory")
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return 0, fault.New(fault.Invalid, "reading the inventory: it is empty")
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return 0, fault.New(fault.Invalid, "reading the inventory: it is not a text file").WithHint("export it as CSV in UTF-8")
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, c := range ";\t" {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best, nil
}

func readHeader(header []string, report *ImportReport) ([]Key, error) {
	columns := make([]Key, len(header))
	identifying := false
	for i, h := range header {
		columns[i] = columnOf(h)
		switch columns[i] {
		case columnIgnored:
			report.Ignored = append(report.Ignored, clean(h))
		case columnUID, columnIP, columnMAC, KeyName:
			identifying = true
		default:
		}
	}
	if !identifying {
		return nil, fault.New(fault.Invalid, "reading the header line of the inventory: no column says which device a row is about").
			WithHint("name a column uid, ip, mac or name")
	}
	return columns, nil
}

// parsedRow is one row of an inventory, checked.
type parsedRow struct {
	uid    string
	addrs  []netip.Addr
	macs   []string
	values []keyValue
	name   string
}

type keyValue struct {
	key   Key
	value string
}

func (r *Registry) importRow(report *ImportReport, line int, columns []Key, cells []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(cells) > len(columns) {
		report.reject(line, "the row has more cells than the header has columns")
		return
	}
	for _, c := range cells {
		if !utf8.ValidString(c) {
			report.reject(line, "the row is not UTF-8 text")
			return
		}
	}
	row := r.parseRow(report, line, columns, cells)
	if row.uid == "" && len(row.addrs) == 0 && len(row.macs) == 0 && row.name == "" {
		report.reject(line, "the row has no usable uid, address, MAC or name")
		return
	}
	o := observation{at: r.now().UnixNano()}
	n := r.match(row)
	if n != nil {
		report.Updated++
	} else if n = r.create(&o, row.firstIdentity(), "inventory"); n == nil {
		report.reject(line, "the registry is full")
		return
	} else {
		n.first, n.last = 0, 0 // named, not seen
		report.Created++
	}
	r.applyRow(&o, report, line, n, row)
}

func (r *Registry) parseRow(report *ImportReport, line int, columns []Key, cells []string) parsedRow {
	var row parsedRow
	for i, cell := range cells {
		cell = strings.TrimSpace(unguard(cell))
		if cell == "" {
			continue
		}
		for _, err := range row.take(r, columns[i], cell) {
			text, hint := fault.Public(err)
			report.note(line, strings.TrimSuffix(text+"; "+hint, "; "), false)
		}
	}
	return row
}

// take reads one cell.
func (p *parsedRow) take(r *Registry, key Key, cell string) (problems []error) {
	switch key {
	case columnIgnored:
	case columnUID:
		p.uid = cell
	case columnIP:
		for _, part := range splitCell(cell) {
			addr, err := parseOwnIP(part)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			p.addrs = append(p.addrs, addr)
		}
	case columnMAC:
		for _, part := range splitCell(cell) {
			mac, ok := CanonicalMAC(part)
			if !ok {
				problems = append(problems, fault.New(fault.Invalid, "reading device MAC %q: not a MAC of a device", clean(part)))
				continue
			}
			p.macs = append(p.macs, mac)
		}
	default:
		value, err := r.checkValue(key, cell)
		if err != nil {
			return []error{err}
		}
		if key == KeyName {
			p.name = value
		}
		p.values = append(p.values, keyValue{key, value})
	}
	return problems
}

func splitCell(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '|' || r == ';' || r == ',' || r == '\n' || r == '\t' })
}

func (p parsedRow) firstIdentity() string {
	switch {
	case len(p.macs) > 0:
		return "mac:" + p.macs[0]
	case len(p.addrs) > 0:
		return "ip:" + p.addrs[0].String()
	case p.name != "":
		return "name:" + strings.ToLower(p.name)
	}
	return "uid:" + p.uid
}

// match finds the device of a row by its strongest identity.
func (r *Registry) match(row parsedRow) *node {
	if n := r.byUID(row.uid); n != nil {
		return n
	}
	for _, mac := range row.macs {
		if h := r.macs.get(mac); h != nil && h.node != nil {
			return h.node
		}
	}
	for _, addr := range row.addrs {
		if a := r.ips.get(addr.String()); a != nil {
			return a.node
		}
	}
	if row.name == "" || len(row.macs)+len(row.addrs) > 0 && r.names[strings.ToLower(row.name)] == nil {
		return nil
	}
	return r.names[strings.ToLower(row.name)]
}

func (r *Registry) applyRow(o *observation, report *ImportReport, line int, n *node, row parsedRow) {
	for _, mac := range row.macs {
		if err := r.giveMAC(o, n, mac); err != nil {
			report.note(line, err.Error(), false)
		}
		n = r.byUID(n.uid)
	}
	for _, addr := range row.addrs {
		if err := r.pin(o, n, addr); err != nil {
			report.note(line, err.Error(), false)
		}
		n = r.byUID(n.uid)
	}
	for _, kv := range row.values {
		if n.attr(kv.key).Value == kv.value {
			continue
		}
		if kv.key == KeyName && n.export().Name() == kv.value {
			continue // an export wrote the address where there was no name
		}
		r.assert(o, n, kv.key, kv.value, "inventory")
	}
	n.inventory = true
	r.touch(n)
}
