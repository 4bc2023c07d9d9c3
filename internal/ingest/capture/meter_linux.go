package capture

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// meter tells what the sockets of an interface lost together. It belongs to the
// goroutine that puts; those that read add to stalled.
type meter struct {
	source  *Source
	socks   []*socket
	toll    toll
	since   time.Time    // of the last look
	stalled atomic.Int64 // nanoseconds
}

// send hands a batch to the one that puts, and notes how long that took.
func (m *meter) send(full chan<- []byte, batch []byte) {
	select {
	case full <- batch:
	default:
		begun := time.Now()
		full <- batch
		m.stalled.Add(int64(time.Since(begun)))
	}
}

// ask asks the kernel what it dropped since it was asked last.
func (m *meter) ask(now time.Time) {
	l := look{span: now.Sub(m.since), stalled: time.Duration(m.stalled.Swap(0) / int64(len(m.socks)))}
	m.since = now
	for _, sock := range m.socks {
		packets, drops := sock.counted()
		l.packets, l.drops = l.packets+packets, l.drops+drops
	}
	m.source.gauge.LoseMany(l.drops)
	text := m.toll.told(l, now)
	m.source.stand.show(func(st *standing) { st.loss = text })
}

// end asks for the last time, and closes the sockets.
func (m *meter) end() {
	m.ask(time.Now())
	closeAll(m.socks)
}

// counted is how many packets there were since the last call, and how many of these
// the kernel dropped. What a filter leaves out is in neither.
func (s *socket) counted() (packets, drops int64) {
	if s.ring != nil {
		if st, err := unix.GetsockoptTpacketStatsV3(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			return int64(st.Packets), int64(st.Drops)
		}
		return 0, 0
	}
	if st, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		return int64(st.Packets), int64(st.Drops)
	}
	return 0, 0
}
