// Package auditd reads the records of the Linux audit system as auditd and
// ausearch write them: lines of key=value pairs, several of which make one event.
//
// It must not hold back more than a bounded number of events: the records of an
// event come together, give or take those of others.
package auditd

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/pairs"
	"vedette/internal/normalize/record"
)

// Dialect is the audit log, one record a line.
func Dialect() record.Dialect {
	return record.Dialect{
		Name: "auditd",
		Detect: func(head []byte, _ string) int {
			for _, line := range bytes.SplitN(head, []byte("\n"), 20) {
				line = bytes.TrimSpace(line)
				switch {
				case len(line) == 0, bytes.HasPrefix(line, []byte("----")), bytes.HasPrefix(line, []byte("time->")):
				default:
					if shape.Match(line) {
						return 100
					}
					return 0
				}
			}
			return 0
		},
		New: func(src record.Source) record.Parser { return &parser{src: src} },
	}
}

// shape is a record; the serial number tells which event it belongs to.
var shape = regexp.MustCompile(`^(?:node=(\S+) )?type=(\S+) msg=audit\(([\d/: APM.]+):(\d+)\):\s*(.*)$`)

// The bounds of what is held back.
const (
	maxOpen    = 64      // events; the oldest is finished when there are more
	maxRecords = 64      // records of an event
	maxBytes   = 1 << 20 // of an event
)

// group is an event whose records are still coming.
type group struct {
	node, stamp, serial string
	offset              int64
	raw                 []byte
	records             []entry
}

type entry struct{ kind, text string }

type parser struct {
	src  record.Source
	open []*group // oldest first
	e    event.Event
}

// Parse implements [record.Parser]. An event is finished by its EOE record, by
// a record that stands alone, or when many others have begun since.
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	line := strings.TrimSpace(record.Text(rec.Raw))
	if strings.HasPrefix(line, "----") || strings.HasPrefix(line, "time->") {
		return nil // between the events of ausearch
	}
	m := shape.FindStringSubmatch(line)
	if m == nil {
		return fault.New(fault.Invalid, "not a record of the audit log")
	}
	g := p.group(m[1], m[3], m[4], rec.Offset)
	g.add(m[2], m[5], rec.Raw)
	switch {
	case m[2] == "EOE", alone(m[2]) && len(g.records) == 1, len(g.records) >= maxRecords, len(g.raw) >= maxBytes:
		p.finish(g, emit)
	case len(p.open) > maxOpen:
		p.finish(p.open[0], emit)
	}
	return nil
}

// alone tells the types whose record is an event of its own: what user programs
// report, 1100 to 2999 but for a few.
func alone(kind string) bool {
	return strings.HasPrefix(kind, "USER_") || strings.HasPrefix(kind, "CRED_") || strings.HasPrefix(kind, "SERVICE_") ||
		strings.HasPrefix(kind, "ADD_") || strings.HasPrefix(kind, "DEL_") || strings.HasPrefix(kind, "DAEMON_") || strings.HasPrefix(kind, "CRYPTO_") ||
		strings.HasPrefix(kind, "SYSTEM_") || kind == "LOGIN"
}

// End implements [record.Ender].
func (p *parser) End(emit func(*event.Event)) {
	for len(p.open) > 0 {
		p.finish(p.open[0], emit)
	}
}

func (p *parser) group(node, stamp, serial string, offset int64) *group {
	for _, g := range slices.Backward(p.open) {
		if g.serial == serial && g.stamp == stamp && g.node == node {
			return g
		}
	}
	g := &group{node: node, stamp: stamp, serial: serial, offset: offset}
	p.open = append(p.open, g)
	return g
}

func (g *group) add(kind, text string, raw []byte) {
	if len(g.raw) > 0 {
		g.raw = append(g.raw, '\n')
	}
	g.raw = append(g.raw, raw...)
	g.records = append(g.records, entry{strings.Clone(kind), strings.Clone(text)})
}

func (p *parser) finish(g *group, emit func(*event.Event)) {
	p.open = slices.DeleteFunc(p.open, func(o *group) bool { return o == g })
	e := &p.e
	e.Reset()
	e.SetDeviceHostname(g.node)
	e.SetExtra("serial", g.serial)
	t := newTelling(e, g.records[0].kind)
	for _, r := range g.records {
		t.record(r.kind, r.text)
	}
	t.done()
	record.Finish(e, &p.src, record.Record{Raw: g.raw, Offset: g.offset}, record.Text(g.raw), 0, timeOf(g.stamp, p.src.Frame()))
	emit(e)
}

// timeOf reads seconds since 1970, or the interpreted time of ausearch -i.
func timeOf(stamp string, frame moment.Frame) time.Time { return frame.Any(stamp) }

// Read reads one record that came in a line of syslog, with or without its
// type's name; ok is false if it is none.
func Read(e *event.Event, text string, frame moment.Frame) (when time.Time, ok bool) {
	text = strings.TrimPrefix(text, "audit: ")
	kernel := kernelShape.FindStringSubmatch(text)
	if kernel != nil {
		text = "type=" + kernel[1] + " msg=" + kernel[2]
	}
	m := shape.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	if m[1] != "" {
		e.SetDeviceHostname(m[1])
	}
	kind := m[2]
	if name, known := kinds[kind]; known {
		kind = name
	}
	e.SetExtra("serial", m[4])
	t := newTelling(e, kind)
	t.record(kind, m[5])
	t.done()
	return timeOf(m[3], frame), true
}

// kernelShape is how the kernel itself says it when no auditd listens.
var kernelShape = regexp.MustCompile(`^(?:\[ *[\d.]+\] )?(?:audit: )?type=(\d+) (audit\(.*)$`)

// kinds are the numbers of the types that the kernel writes (linux/audit.h).
var kinds = map[string]string{
	"1300": "SYSCALL", "1302": "PATH", "1305": "CONFIG_CHANGE", "1307": "CWD", "1309": "EXECVE", "1326": "SECCOMP", "1327": "PROCTITLE",
	"1400": "AVC", "1100": "USER_AUTH", "1101": "USER_ACCT", "1105": "USER_START", "1106": "USER_END", "1112": "USER_LOGIN", "1325": "NETFILTER_CFG", "1334": "BPF", "1130": "SERVICE_START", "1131": "SERVICE_STOP",
}

// encoded are the fields that are written in hexadecimal when they hold a space,
// a quote or a byte that is no plain text.
var encoded = map[string]bool{"proctitle": true, "name": true, "cwd": true, "comm": true, "exe": true, "cmd": true, "acct": true, "data": true, "dir": true, "key": true, "path": true, "ocomm": true, "old": true, "new": true}

// decoded undoes it; what is no such text stays as it is. NUL stands between
// the words of a command.
func decoded(kind, key, v string, wasQuoted bool) string {
	argument := kind == "EXECVE" && len(key) > 1 && key[0] == 'a' && key[1] >= '0' && key[1] <= '9'
	if wasQuoted || len(v)%2 != 0 || len(v) < 2 || !encoded[key] && !argument {
		return v
	}
	out := make([]byte, 0, len(v)/2)
	for i := 0; i < len(v); i += 2 {
		n, err := strconv.ParseUint(v[i:i+2], 16, 8)
		if err != nil || v[i] >= 'a' {
			return v
		}
		out = append(out, byte(n))
	}
	return record.Text(bytes.TrimRight(bytes.ReplaceAll(out, []byte{0}, []byte(" ")), " "))
}

// each calls put for the pairs of a record, those in its quoted msg among them,
// and gives the words that are no pair.
func each(kind, text string, put func(key, v string)) string {
	return pairs.Each(text, func(key, v string) {
		if key != "msg" || !strings.Contains(v, "=") {
			put(key, decoded(kind, key, v, strings.Contains(text, key+`="`)))
			return
		}
		words := pairs.Each(v, func(key, inner string) {
			put(key, decoded(kind, key, inner, strings.Contains(v, key+`="`)))
		})
		if words != "" {
			put("msg", words)
		}
	})
}
