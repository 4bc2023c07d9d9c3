package broker

import (
	"context"
	"maps"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	server "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// guard decides what clients may do, and hands on what they publish. It is a hook
// of the broker.
type guard struct {
	server.HookBase
	s      *Source
	ctx    context.Context //nolint:containedctx // of the run
	to     ingest.Spooler
	server *server.Server

	mu       sync.Mutex
	failures map[string]failed // by address
	rates    map[*server.Client]*bucket
	as       map[*server.Client]*User // whom each was let in as; nil: anybody
}

// ID implements [server.Hook].
func (g *guard) ID() string { return "vedette" }

// Provides implements [server.Hook].
func (g *guard) Provides(b byte) bool {
	switch b {
	case server.OnConnect, server.OnConnectAuthenticate, server.OnACLCheck, server.OnPacketRead, server.OnPublish, server.OnWill, server.OnWillSent, server.OnSessionEstablished, server.OnDisconnect, server.OnClientExpired:
		return true
	}
	return false
}

// OnConnect implements [server.Hook]: a client must be heard now and then.
func (g *guard) OnConnect(cl *server.Client, _ packets.Packet) error {
	if cl.State.Keepalive == 0 || cl.State.Keepalive > longestAlive {
		cl.State.Keepalive, cl.State.ServerKeepalive = longestAlive, true
	}
	return nil
}

// OnConnectAuthenticate implements [server.Hook]. A client id belongs to the user
// who connected with it first: another would take over their session.
func (g *guard) OnConnectAuthenticate(cl *server.Client, pk packets.Packet) bool {
	from, _ := address(cl.Net.Conn)
	known, taken := g.server.Clients.Get(cl.ID)
	u, let := g.may(pk)
	ok := len(cl.ID) <= 256 && let && (!taken || string(known.Properties.Username) == string(pk.Connect.Username))
	if ok && !taken && g.server.Clients.Len() >= 2*g.s.cfg.MaxClients { // sessions of those who have left
		ok = false
	} else if !ok {
		g.failed(from)
	}
	if ok && pk.Connect.WillFlag && !g.allowed(g.s.user(string(pk.Connect.Username)), pk.Connect.WillTopic, true) {
		ok = false // the broker would publish it without asking again
	}
	if !ok {
		g.s.gauge.Refuse()
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.as) >= 2*g.s.cfg.MaxClients { // some went before they were welcomed, which nobody tells
		maps.DeleteFunc(g.as, func(cl *server.Client, _ *User) bool { return cl.Closed() })
	}
	g.as[cl] = u
	return true
}

// may checks user and password. An unknown user takes as long as a wrong password.
func (g *guard) may(pk packets.Packet) (*User, bool) {
	users := *g.s.users.Load()
	if len(users) == 0 {
		return nil, true
	}
	u := users[string(pk.Connect.Username)]
	if u == nil {
		for _, other := range users {
			other.hash.is(pk.Connect.Password)
			break
		}
		return nil, false
	}
	return u, u.hash.is(pk.Connect.Password)
}

// stands reports whether a client was let in as somebody who is still the same.
func (g *guard) stands(cl *server.Client) (*User, bool) {
	now := g.s.user(string(cl.Properties.Username))
	g.mu.Lock()
	defer g.mu.Unlock()
	return now, g.as[cl] == now && (now != nil || len(*g.s.users.Load()) == 0)
}

// OnSessionEstablished implements [server.Hook]: users may have been set between the
// password and this moment, and whoever set them did not see the client yet.
func (g *guard) OnSessionEstablished(cl *server.Client, _ packets.Packet) {
	if _, ok := g.stands(cl); !ok {
		g.letGo(cl)
	}
}

// letGo ends a client and its session. Its will is not published: who set users may have
// taken that from it.
func (g *guard) letGo(cl *server.Client) {
	atomic.StoreUint32(&cl.Properties.Will.Flag, 0)
	cl.Stop(packets.ErrNotAuthorized)
	g.server.UnsubscribeClient(cl)
	cl.ClearInflights()
}

// OnACLCheck implements [server.Hook].
func (g *guard) OnACLCheck(cl *server.Client, topic string, write bool) bool {
	u, same := g.stands(cl)
	ok := len(topic) <= 1024 && same && g.allowed(u, topic, write)
	if !write && cl.State.Subscriptions.Len() >= maxSubscriptions {
		ok = false
	}
	if !ok {
		g.s.gauge.Refuse()
	}
	return ok
}

// allowed reports whether a user may publish under a topic, or subscribe to a
// filter.
func (g *guard) allowed(u *User, topic string, write bool) bool {
	if rest, shared := strings.CutPrefix(topic, "$share/"); shared && !write {
		_, topic, _ = strings.Cut(rest, "/")
	}
	if topic == "" {
		return false
	}
	if len(*g.s.users.Load()) == 0 {
		return !strings.HasPrefix(topic, "$")
	}
	if u == nil {
		return false
	}
	list := u.Subscribe
	if write {
		list = u.Publish
	}
	for _, f := range list {
		if covers(f, topic) {
			return true
		}
	}
	return false
}

// OnPacketRead implements [server.Hook]: a client that is too fast waits.
func (g *guard) OnPacketRead(cl *server.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type == packets.Connect { // it may not come in at all
		return pk, nil
	}
	g.mu.Lock()
	b := g.rates[cl]
	if b == nil {
		b = &bucket{left: float64(g.s.cfg.Rate), at: time.Now()}
		g.rates[cl] = b
	}
	g.mu.Unlock()
	if wait := b.take(float64(g.s.cfg.Rate), time.Now()); wait > 0 {
		select {
		case <-g.ctx.Done():
		case <-time.After(wait):
		}
	}
	return pk, nil
}

// bucket is what a client may still send. It is for the client's own goroutine.
type bucket struct {
	left float64
	at   time.Time
}

// take takes one packet at a rate of so many a second, and tells how long to wait.
func (b *bucket) take(rate float64, now time.Time) time.Duration {
	b.left = min(rate, b.left+now.Sub(b.at).Seconds()*rate) - 1
	b.at = now
	if b.left >= 0 {
		return 0
	}
	return time.Duration(-b.left / rate * float64(time.Second))
}

// OnPublish implements [server.Hook]: the broker acknowledges when it returns. What
// the spool does not take is not acknowledged, and the client is let go, so that it
// sends it again. Nothing is retained.
func (g *guard) OnPublish(cl *server.Client, pk packets.Packet) (packets.Packet, error) {
	began := time.Now()
	if err := g.bear(cl, pk); err != nil {
		cl.Stop(err)
		return pk, packets.ErrRejectPacket
	}
	if cl.Net.Conn != nil && time.Since(began) > time.Second { // it has waited for room
		_ = cl.Net.Conn.SetDeadline(time.Now().Add(time.Duration(cl.State.Keepalive) * 3 / 2 * time.Second))
	}
	pk.FixedHeader.Retain = false
	return pk, nil
}

// bear hands a message on. One that we fail on is refused and acknowledged: the
// client would send it for ever.
func (g *guard) bear(cl *server.Client, pk packets.Packet) (err error) {
	from, _, _ := net.SplitHostPort(cl.Net.Remote) // empty for a session whose client is away
	if ingest.Bear(g.to, "source broker", g.s.cfg.Name, from, pk.Payload, func() { err = g.put(cl, pk.TopicName, pk.Payload) }) != nil {
		g.s.gauge.Refuse()
		return nil
	}
	return err
}

func (g *guard) put(cl *server.Client, topic string, payload []byte) error {
	p := g.s.naming.Payload(g.s.cfg.Name, topic, payload, g.s.cfg.Now())
	p.Meta[ingest.MetaClient] = strings.ToValidUTF8(cl.ID, "\uFFFD")
	if len(cl.Properties.Username) > 0 {
		p.Meta["mqtt.user"] = strings.ToValidUTF8(string(cl.Properties.Username), "\uFFFD")
	}
	err := g.to.Put(g.ctx, p)
	if err == nil {
		g.s.gauge.Take(len(payload))
		g.s.gauge.Set(ingest.Running, "")
		return nil
	}
	g.s.gauge.Lose()
	if g.ctx.Err() == nil {
		text, _ := fault.Public(err)
		g.s.gauge.Set(ingest.Failing, text)
	}
	return err
}

// OnWill implements [server.Hook].
func (g *guard) OnWill(_ *server.Client, will server.Will) (server.Will, error) {
	will.Retain = false
	return will, nil
}

// OnWillSent implements [server.Hook]: that a client went without a word is a
// message like any other.
func (g *guard) OnWillSent(cl *server.Client, pk packets.Packet) {
	_ = g.bear(cl, pk) // it is counted; nobody waits for it
}

// OnDisconnect implements [server.Hook].
func (g *guard) OnDisconnect(cl *server.Client, _ error, _ bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.rates, cl)
	delete(g.as, cl)
}

// OnClientExpired implements [server.Hook]: the broker itself forgets the session
// and keeps its subscriptions.
func (g *guard) OnClientExpired(cl *server.Client) { g.server.UnsubscribeClient(cl) }

// The bounds of trying passwords: after so many failures an address is not let in
// for a while.
const (
	maxFailures = 10
	banFor      = time.Minute
	maxFailed   = 10_000 // addresses that are remembered
)

type failed struct {
	n    int
	last time.Time
}

func (g *guard) failed(from string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.failures) >= maxFailed {
		clear(g.failures)
	}
	f := g.failures[from]
	if g.s.cfg.Now().Sub(f.last) > banFor {
		f.n = 0
	}
	g.failures[from] = failed{f.n + 1, g.s.cfg.Now()}
}

func (g *guard) banned(from string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.failures[from]
	return f.n >= maxFailures && g.s.cfg.Now().Sub(f.last) <= banFor
}
