package mqtt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// keepSession is how long the broker keeps what is published while we are away.
const keepSession = 24 * time.Hour

// receiveMaximum is how many messages may be on their way to us without being
// acknowledged.
const receiveMaximum = 1024

// link is one connection to a broker.
type link struct {
	ctx   context.Context //nolint:containedctx // of the run: when it ends nothing waits
	conn  net.Conn
	in    *bufio.Reader
	alive time.Duration
	held  int // acknowledgements that were not sent yet

	mu  sync.Mutex
	out *bufio.Writer
}

var errVersion = errors.New("another version of MQTT is spoken there")

// session connects, subscribes and takes messages until something ends it.
func (s *Source) session(ctx context.Context, to ingest.Spooler) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // what was written last does not matter
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(-time.Second)) })
	defer stop()
	l := &link{ctx: ctx, conn: conn, in: bufio.NewReaderSize(conn, 64<<10), out: bufio.NewWriterSize(conn, 16<<10), alive: s.cfg.Alive}
	if err := s.connect(l); err != nil {
		if errors.Is(err, errVersion) && s.cfg.Version == 0 {
			s.version = 9 - s.version // the other one, 5 or 4, next time
		}
		return err
	}
	if err := s.subscribe(l); err != nil {
		return err
	}
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	go l.ping(live)
	s.gauge.Peers(1)
	err = s.messages(live, l, to)
	if ctx.Err() != nil {
		l.bye()
	}
	return err
}

// messages takes packet after packet.
func (s *Source) messages(ctx context.Context, l *link, to ingest.Spooler) error {
	for {
		head, size, err := l.head()
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "the broker %s is away: %v", s.host, err)
		}
		if err := s.packet(ctx, l, head, size, to); err != nil {
			return err
		}
	}
}

// connect introduces us. What the broker says is told as it is.
func (s *Source) connect(l *link) error {
	pk := packets.Packet{ProtocolVersion: s.version, FixedHeader: packets.FixedHeader{Type: packets.Connect}}
	pk.Connect = packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: s.cfg.ClientID, Keepalive: uint16(s.cfg.Alive / time.Second)} //nolint:gosec // G115: a few seconds
	if s.version == 5 {
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = uint32(keepSession/time.Second), true
		pk.Properties.ReceiveMaximum = receiveMaximum
		pk.Properties.MaximumPacketSize = uint32(s.cfg.MaxMessage) + maxHeader //nolint:gosec // G115: at most a few MiB
	}
	if s.cfg.User != "" {
		pk.Connect.UsernameFlag, pk.Connect.Username = true, []byte(s.cfg.User)
	}
	if s.cfg.Password != nil {
		secret, err := s.cfg.Password()
		if err != nil {
			return err
		}
		pk.Connect.PasswordFlag, pk.Connect.Password = true, []byte(secret)
	}
	body, err := l.ask(func(buf *bytes.Buffer) error { return pk.ConnectEncode(buf) }, packets.Connack)
	if err != nil {
		return fault.Wrap(fault.Unavailable, errors.Join(err, errVersion), "the broker %s does not answer: %v", s.host, err)
	}
	ack := packets.Packet{ProtocolVersion: s.version, FixedHeader: packets.FixedHeader{Type: packets.Connack}}
	if len(body) == 2 { // that of 3.1.1, whatever was asked
		ack.ProtocolVersion = 4
	}
	if err := ack.ConnackDecode(body); err != nil {
		return fault.Wrap(fault.Unavailable, errors.Join(err, errVersion), "the broker %s answers with something else than MQTT", s.host)
	}
	if ack.ReasonCode == 0 && ack.ProtocolVersion == s.version {
		if n := ack.Properties.ServerKeepAlive; ack.Properties.ServerKeepAliveFlag && n > 0 {
			l.alive = min(l.alive, time.Duration(n)*time.Second)
		}
		return nil
	}
	return s.refusal(ack)
}

// refusal says why a broker does not let us in.
func (s *Source) refusal(ack packets.Packet) error {
	why, also := "code "+strconv.Itoa(int(ack.ReasonCode)), error(nil)
	switch ack.ReasonCode {
	case 0, 0x01, 0x84:
		why, also = "it speaks another version of MQTT", errVersion
	case 0x02, 0x85:
		why = "the client id " + strconv.Quote(s.cfg.ClientID) + " is not allowed"
	case 0x04, 0x86:
		why = "wrong user or password"
	case 0x05, 0x87:
		why = "this user may not connect"
	case 0x03, 0x88, 0x89:
		why = "it is busy"
	case 0x8a:
		why = "this client is banned"
	}
	return fault.Wrap(fault.Denied, also, "the broker %s refuses the connection: %s", s.host, why)
}

// subscribe asks for the topics, at quality of service 1. What is retained comes
// with a new subscription alone.
func (s *Source) subscribe(l *link) error {
	pk := packets.Packet{ProtocolVersion: s.version, PacketID: 1, FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}}
	for _, f := range s.cfg.Topics {
		if s.cfg.Share != "" {
			f = "$share/" + s.cfg.Share + "/" + f
		}
		sub := packets.Subscription{Filter: f, Qos: 1}
		if s.cfg.Share == "" {
			sub.RetainHandling = 1
		}
		pk.Filters = append(pk.Filters, sub)
	}
	var buf bytes.Buffer
	if err := pk.SubscribeEncode(&buf); err != nil {
		return fault.Wrap(fault.Internal, err, "writing the subscription")
	}
	return l.write(buf.Bytes(), true)
}

// subscribed reads what the broker says to the subscription.
func (s *Source) subscribed(body []byte) error {
	ack := packets.Packet{ProtocolVersion: s.version, FixedHeader: packets.FixedHeader{Type: packets.Suback}}
	if err := ack.SubackDecode(body); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the broker %s answers the subscription with something else", s.host)
	}
	for i, code := range ack.ReasonCodes {
		if code >= 0x80 && i < len(s.cfg.Topics) {
			return fault.New(fault.Denied, "the broker %s refuses the subscription to %s (code %d)", s.host, s.cfg.Topics[i], code)
		}
	}
	s.gauge.Set(ingest.Running, "")
	return nil
}

// maxHeader is how much a packet may have before its payload.
const maxHeader = 64 << 10

// packet takes one packet. Those that answer or end something are small; a
// message may be refused, and the connection goes on.
func (s *Source) packet(ctx context.Context, l *link, head packets.FixedHeader, size int, to ingest.Spooler) error {
	if head.Type == packets.Publish {
		return s.publish(ctx, l, head, size, to)
	}
	if size > maxHeader {
		return fault.New(fault.Unavailable, "the broker %s sent a packet of %d bytes that is no message", s.host, size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(l.in, body); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the broker %s is away: %v", s.host, err)
	}
	switch head.Type {
	case packets.Suback:
		return s.subscribed(body)
	case packets.Disconnect:
		code := 0
		if len(body) > 0 {
			code = int(body[0])
		}
		return fault.New(fault.Unavailable, "the broker %s ended the connection (code %d)", s.host, code)
	}
	return nil // an answer to a ping
}

// ask writes a packet and reads the next, which must be of a type.
func (l *link) ask(encode func(*bytes.Buffer) error, want byte) ([]byte, error) {
	var buf bytes.Buffer
	if err := encode(&buf); err != nil {
		return nil, err
	}
	if err := l.write(buf.Bytes(), true); err != nil {
		return nil, err
	}
	head, size, err := l.head()
	if err != nil {
		return nil, err
	}
	if head.Type != want || size > maxHeader {
		return nil, errVersion
	}
	body := make([]byte, size)
	_, err = io.ReadFull(l.in, body)
	return body, err //nolint:wrapcheck // the caller says what it was
}

// head reads the beginning of a packet. A broker that is not heard for long is
// away.
func (l *link) head() (h packets.FixedHeader, size int, err error) {
	if err := l.conn.SetReadDeadline(time.Now().Add(l.alive * 2)); err != nil {
		return h, 0, err //nolint:wrapcheck // the caller says what it was
	}
	if err := l.ctx.Err(); err != nil { // since the deadline that ended the wait is gone
		return h, 0, err //nolint:wrapcheck // likewise
	}
	first, err := l.in.ReadByte()
	if err != nil {
		return h, 0, err //nolint:wrapcheck // likewise
	}
	if err := h.Decode(first); err != nil {
		return h, 0, err //nolint:wrapcheck // likewise
	}
	size, _, err = packets.DecodeLength(l.in)
	return h, size, err //nolint:wrapcheck // likewise
}

// write sends bytes; those that may wait go with the next.
func (l *link) write(b []byte, now bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.alive
	if l.ctx.Err() != nil {
		wait = min(wait, farewell)
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err //nolint:wrapcheck // the caller says what it was
	}
	_, err := l.out.Write(b)
	if err == nil && now {
		err = l.out.Flush()
	}
	return err //nolint:wrapcheck // likewise
}

// farewell is how long the end of a session may take.
const farewell = 500 * time.Millisecond

// bye sends the acknowledgements that wait, says that we leave, and lets the broker
// read that: to close while something comes in would take it back.
func (l *link) bye() {
	if l.write([]byte{packets.Disconnect << 4, 0}, true) != nil {
		return
	}
	if c, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	if l.conn.SetReadDeadline(time.Now().Add(farewell)) == nil {
		_, _ = io.Copy(io.Discard, l.conn)
	}
}

// ping shows that we are there, also while the spool is full and nothing is read.
func (l *link) ping(ctx context.Context) {
	tick := time.NewTicker(l.alive / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if l.write([]byte{packets.Pingreq << 4, 0}, true) != nil {
				_ = l.conn.Close()
				return
			}
		}
	}
}
