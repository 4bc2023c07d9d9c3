package it

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// Bounds of DNS.
const (
	maxAnswers = 64
	maxAsked   = 64 // questions of a flow that wait for an answer
	maxJumps   = 32 // pointers in a name
)

// dns decodes RFC 1035, over UDP and TCP, and multicast DNS (RFC 6762). One
// event tells a question and its answer, as Zeek does.
type dns struct {
	f     *proto.Flow
	asked []question
}

type question struct {
	id   int
	at   time.Time
	name string
	kind int
	raw  []byte
}

func newDNS(f *proto.Flow) proto.Decoder { return &dns{f: f} }

func probeDNS(data []byte, _ proto.Side, onPort bool) int {
	if len(data) > 14 && int(data[0])<<8|int(data[1]) == len(data)-2 && data[4]&0x78 == 0 {
		data = data[2:] // over TCP
	}
	if len(data) < 12 || data[2]&0x78>>3 > 5 {
		return 0
	}
	if onPort {
		return 80
	}
	if data[3]&0x40 != 0 || data[4] != 0 || data[5] != 1 { // the reserved bit, and one question: most else is told by these alone
		return 0
	}
	m, ok := parseDNS(data)
	if ok && m.whole && len(m.questions) == 1 && m.z == 0 && dnsTypes[m.questions[0].kind] != "" && strings.Contains(m.questions[0].name, ".") {
		return 40
	}
	return 0
}

// Decode implements [proto.Decoder].
func (d *dns) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.f.Transport != "tcp" {
		if len(p.Data) > 0 {
			d.message(p, p.Data, out)
		}
		if p.End {
			d.unanswered(out, 0)
		}
		return len(p.Data), nil
	}
	taken := 0
	for rest := p.Data; len(rest) >= 2; rest = p.Data[taken:] {
		n := 2 + int(rest[0])<<8 + int(rest[1])
		if n < 14 {
			return taken, notThis("a DNS message without a header")
		}
		if len(rest) < n {
			break
		}
		d.message(p, rest[2:n], out)
		taken += n
	}
	if p.End {
		d.unanswered(out, 0)
	}
	return taken, nil
}

func (d *dns) message(p proto.Payload, b []byte, out proto.Out) {
	m, ok := parseDNS(b)
	if !ok && len(m.questions) == 0 && len(m.answers) == 0 {
		return
	}
	if !m.response {
		d.question(p, m, b, out)
		return
	}
	q := question{at: p.Time}
	if len(m.questions) > 0 {
		q = m.questions[0]
		q.at = p.Time
	} else if len(m.answers) > 0 {
		q.name, q.kind = m.answers[0].name, m.answers[0].kind
	}
	known := false
	for i := range d.asked {
		if a := &d.asked[i]; a.id == m.id && (a.name == q.name || len(m.questions) == 0) {
			q, known = *a, true
			d.asked = append(d.asked[:i], d.asked[i+1:]...)
			break
		}
	}
	e := d.event(out, q)
	if known {
		e.SetDuration(max(p.Time.Sub(q.at).Seconds(), 0))
	}
	e.SetRcode(named(dnsCodes, m.rcode, "RCODE"))
	e.SetStatus(event.Success)
	if m.rcode != 0 {
		e.SetStatus(event.Failure)
	}
	var answers []string
	for _, a := range m.answers {
		if a.section == 0 && a.value != "" && len(answers) < maxAnswers {
			answers = append(answers, a.value)
		}
	}
	e.SetAnswers(answers)
	if m.truncated {
		e.SetExtra("dns.truncated", "true")
	}
	out.Emit(e, b)
	if d.f.Server.Port() == 5353 || d.f.Client.Port() == 5353 {
		d.identify(p, m, b, out)
	}
}

// question keeps a question for its answer. Multicast ones are told at once,
// for whoever answers does so in another flow.
func (d *dns) question(p proto.Payload, m dnsMessage, b []byte, out proto.Out) {
	for _, q := range m.questions[:min(len(m.questions), 8)] {
		q.at = p.Time
		if d.f.Server.Addr().IsMulticast() {
			out.Emit(d.event(out, q), b)
			continue
		}
		if len(d.asked) >= maxAsked {
			d.unanswered(out, len(d.asked)-1)
		}
		q.raw = append([]byte(nil), b[:min(len(b), 128)]...)
		d.asked = append(d.asked, q)
		if len(m.questions) == 1 {
			return
		}
	}
}

// unanswered tells the oldest questions, but for the last few.
func (d *dns) unanswered(out proto.Out, keep int) {
	for len(d.asked) > keep {
		q := d.asked[0]
		d.asked = d.asked[1:]
		out.Emit(d.event(out, q), q.raw)
	}
}

func (d *dns) event(out proto.Out, q question) *event.Event {
	e := out.New(event.DNSActivity)
	e.SetActivityName("query")
	e.SetQueryHostname(q.name)
	if q.kind != 0 {
		e.SetQueryType(named(dnsTypes, q.kind, "TYPE"))
	}
	e.SetExtra("dns.id", strconv.Itoa(q.id))
	return e
}

type dnsMessage struct {
	id, rcode, z        int
	response, truncated bool
	whole               bool // parsed to the last byte
	questions           []question
	answers             []dnsRecord
}

type dnsRecord struct {
	section int // 0 answer, 1 authority, 2 additional
	name    string
	kind    int
	value   string
	data    []byte
}

// parseDNS reads a message. What was read before it breaks is returned.
func parseDNS(b []byte) (m dnsMessage, ok bool) {
	if len(b) < 12 {
		return m, false
	}
	c := cursor{b: b}
	m.id = c.u16()
	flags := c.u16()
	m.response, m.truncated, m.rcode, m.z = flags&0x8000 != 0, flags&0x200 != 0, flags&15, flags>>6&1
	if flags>>11&15 > 5 {
		return m, false
	}
	var counts [4]int
	for i := range counts {
		counts[i] = c.u16()
	}
	at := 12
	for range counts[0] {
		name, n := dnsName(b, at)
		if n == 0 || n+4 > len(b) {
			return m, false
		}
		m.questions = append(m.questions, question{id: m.id, name: name, kind: int(b[n])<<8 | int(b[n+1])})
		if at = n + 4; len(m.questions) >= maxAnswers {
			return m, true
		}
	}
	for section, count := range counts[1:] {
		for range count {
			r, n := dnsAnswer(b, at)
			if n == 0 {
				return m, false
			}
			r.section, at = section, n
			if m.answers = append(m.answers, r); len(m.answers) >= 4*maxAnswers {
				return m, true
			}
		}
	}
	m.whole = at == len(b)
	return m, true
}

// dnsName reads the name at a place, and where it ends; 0 if it cannot be.
func dnsName(b []byte, at int) (name string, end int) {
	var out strings.Builder
	jumps := 0
	for at < len(b) {
		n := int(b[at])
		switch {
		case n == 0:
			if end == 0 {
				end = at + 1
			}
			return out.String(), end
		case n&0xc0 == 0xc0:
			if at+1 >= len(b) || jumps >= maxJumps {
				return "", 0
			}
			if end == 0 {
				end = at + 2
			}
			jumps++
			at = n&0x3f<<8 | int(b[at+1])
		case n > 63 || at+1+n > len(b) || out.Len() > 255:
			return "", 0
		default:
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.WriteString(text(b[at+1 : at+1+n]))
			at += 1 + n
		}
	}
	return "", 0
}

func dnsAnswer(b []byte, at int) (r dnsRecord, end int) {
	r.name, at = dnsName(b, at)
	if at == 0 || at+10 > len(b) {
		return r, 0
	}
	r.kind = int(b[at])<<8 | int(b[at+1])
	size := int(b[at+8])<<8 | int(b[at+9])
	at += 10
	if at+size > len(b) {
		return r, 0
	}
	r.data = b[at : at+size]
	r.value = dnsValue(b, r.kind, at, size)
	return r, at + size
}

// dnsValue is the data of a record as text, or "" for kinds that have none.
func dnsValue(b []byte, kind, at, size int) string {
	data := b[at : at+size]
	skip := 0
	switch {
	case kind == 1 && size == 4, kind == 28 && size == 16:
		a, _ := netip.AddrFromSlice(data)
		return a.String()
	case kind == 16:
		var all []string
		for c := (cursor{b: data}); len(c.b) > 0 && len(all) < 32; {
			all = append(all, text(c.counted(1)))
		}
		return strings.Join(all, " ")
	case kind == 2 || kind == 5 || kind == 12 || kind == 39:
	case kind == 15:
		skip = 2
	case kind == 33:
		skip = 6
	default:
		return ""
	}
	if size <= skip {
		return ""
	}
	name, _ := dnsName(b, at+skip)
	return name
}

// named is the word for a number, or the number behind a prefix.
func named(words map[int]string, n int, prefix string) string {
	if w := words[n]; w != "" {
		return w
	}
	return prefix + strconv.Itoa(n)
}

// The numbers of IANA's DNS parameters that are met.
var (
	dnsTypes = map[int]string{
		1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC",
		33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3",
		51: "NSEC3PARAM", 52: "TLSA", 59: "CDS", 60: "CDNSKEY", 64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR",
		255: "ANY", 256: "URI", 257: "CAA",
	}
	dnsCodes = map[int]string{
		0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE",
	}
)
