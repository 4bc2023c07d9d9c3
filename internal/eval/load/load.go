// Package load makes log lines of a large simulated fleet, to measure with:
// connections, DNS look-ups, Modbus operations and web requests of any number
// of devices with few peers each, as Zeek writes them in JSON, in the order of
// time. The same plan gives the same bytes.
//
// It must not hold anything in memory but the line it writes, and its lines
// are no proof of what the product understands: they are for rates and sizes.
package load

import (
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"
)

// Plan says how much of what.
type Plan struct {
	Events  int
	Devices int
	Start   time.Time
	Span    time.Duration // the events are spread over it evenly
	Seed    uint64
}

// sourceEvents is how many lines one source has at most.
const sourceEvents = 1_000_000

// Source is one log file of the load.
type Source struct {
	Name   string
	Events int
	io.Reader
}

// Sources yields the load as log files, in the order of time.
func (p Plan) Sources() iter.Seq[Source] {
	return func(yield func(Source) bool) {
		for from := 0; from < p.Events; from += sourceEvents {
			n := min(sourceEvents, p.Events-from)
			if !yield(Source{Name: fmt.Sprintf("load-%04d.log", from/sourceEvents), Events: n, Reader: p.reader(from, n)}) {
				return
			}
		}
	}
}

func (p Plan) reader(from, n int) *lines {
	return &lines{plan: p, next: from, end: from + n, rnd: rand.New(rand.NewPCG(p.Seed, uint64(from)))} //nolint:gosec // G404, G115: figures to measure with
}

// lines writes line after line into the reader's buffer.
type lines struct {
	plan      Plan
	next, end int
	rnd       *rand.Rand
	buf       []byte
	rest      []byte
}

// Read implements [io.Reader].
func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		if l.next == l.end {
			return 0, io.EOF
		}
		l.buf = l.buf[:0]
		for l.next < l.end && len(l.buf) < len(p) {
			l.buf = l.line(l.buf)
			l.next++
		}
		l.rest = l.buf
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// line appends the next line: of ten, six are connections, two Modbus
// operations, one a look-up and one a web request.
func (l *lines) line(b []byte) []byte {
	at := l.plan.Start.Add(time.Duration(float64(l.plan.Span) * float64(l.next) / float64(l.plan.Events)))
	src := l.rnd.IntN(l.plan.Devices)
	dst := l.peer(src)
	kind := l.rnd.IntN(10)
	path, port := "conn", [...]int{502, 443, 1883, 80, 53, 123}[l.rnd.IntN(6)]
	switch {
	case kind < 2:
		path, port = "modbus_detailed", 502
	case kind == 2:
		path, port = "dns", 53
	case kind == 3:
		path, port = "http", 80
	}
	b = append(b, `{"_path":"`...)
	b = append(b, path...)
	b = append(b, `","ts":`...)
	b = strconv.AppendFloat(b, float64(at.UnixMicro())/1e6, 'f', 6, 64)
	b = append(b, `,"uid":"C`...)
	b = strconv.AppendUint(b, l.rnd.Uint64(), 36)
	b = append(b, `","id.orig_h":"`...)
	b = address(b, 10, src)
	b = append(b, `","id.orig_p":`...)
	b = strconv.AppendInt(b, int64(1024+l.rnd.IntN(60000)), 10)
	b = append(b, `,"id.resp_h":"`...)
	b = address(b, 172, dst)
	b = append(b, `","id.resp_p":`...)
	b = strconv.AppendInt(b, int64(port), 10)
	switch path {
	case "modbus_detailed":
		b = l.modbus(b)
	case "dns":
		b = fmt.Appendf(b, `,"proto":"udp","query":"host%d.plant.example","qtype_name":"A","rcode_name":"%s"`, l.rnd.IntN(5000), [...]string{"NOERROR", "NOERROR", "NOERROR", "NXDOMAIN"}[l.rnd.IntN(4)])
	case "http":
		b = fmt.Appendf(b, `,"method":"GET","host":"hmi%d","uri":"/page/%d","user_agent":"panel/1.%d","status_code":%d`, dst, l.rnd.IntN(2000), l.rnd.IntN(9), [...]int{200, 200, 200, 404}[l.rnd.IntN(4)])
	default:
		b = l.conn(b)
	}
	return append(b, "}\n"...)
}

// peer is whom a device talks to: one of four of its own, and one time in a
// hundred any other, as of a fleet with habits.
func (l *lines) peer(src int) int {
	servers := max(1, l.plan.Devices/50)
	if l.rnd.IntN(100) == 0 {
		return l.rnd.IntN(servers)
	}
	return (src*31 + l.rnd.IntN(4)*7) % servers
}

func (l *lines) conn(b []byte) []byte {
	b = append(b, `,"proto":"tcp","service":"modbus","duration":0.`...)
	b = strconv.AppendInt(b, int64(100+l.rnd.IntN(900)), 10)
	b = append(b, `,"orig_bytes":`...)
	b = strconv.AppendInt(b, int64(l.rnd.IntN(5000)), 10)
	b = append(b, `,"resp_bytes":`...)
	b = strconv.AppendInt(b, int64(l.rnd.IntN(9000)), 10)
	b = append(b, `,"conn_state":"`...)
	b = append(b, [...]string{"SF", "SF", "SF", "S0", "REJ"}[l.rnd.IntN(5)]...)
	b = append(b, `","history":"ShADadFf","orig_pkts":`...)
	b = strconv.AppendInt(b, int64(l.rnd.IntN(40)), 10)
	b = append(b, `,"resp_pkts":`...)
	return strconv.AppendInt(b, int64(l.rnd.IntN(40)), 10)
}

func (l *lines) modbus(b []byte) []byte {
	b = append(b, `,"tid":`...)
	b = strconv.AppendInt(b, int64(l.rnd.IntN(65536)), 10)
	b = append(b, `,"unit":1,"func":"`...)
	b = append(b, [...]string{"READ_HOLDING_REGISTERS", "READ_HOLDING_REGISTERS", "READ_COILS", "WRITE_SINGLE_REGISTER"}[l.rnd.IntN(4)]...)
	b = append(b, `","request_response":"REQUEST","address":`...)
	b = strconv.AppendInt(b, int64(l.rnd.IntN(400)), 10)
	return append(b, `,"quantity":2`...)
}

// address writes address n of a network of sixteen million.
func address(b []byte, net, n int) []byte {
	b = strconv.AppendInt(b, int64(net), 10)
	if net == 172 {
		b = append(b, ".16."...)
	} else {
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(n/62500%250), 10)
		b = append(b, '.')
	}
	b = strconv.AppendInt(b, int64(n/250%250), 10)
	b = append(b, '.')
	return strconv.AppendInt(b, int64(n%250+1), 10)
}
