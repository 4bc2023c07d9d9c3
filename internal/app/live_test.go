package app

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/ingest/syslog"
)

const failedLogin = "<38>Dec 10 09:32:20 gw-1 sshd[24680]: Failed password for invalid user admin from 203.0.113.%d port 38926 ssh2\n"

func openForLive(t *testing.T) *App {
	t.Helper()
	a, err := Open(t.Context(), Config{Dir: t.TempDir(), Now: func() time.Time { return time.Date(2025, 12, 10, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func countOf(t *testing.T, a *App, text string) int64 {
	t.Helper()
	table, err := a.Query(t.Context(), text+" | count, distinct(metadata.uid)", a.cfg.Now())
	if err != nil {
		t.Fatal(err)
	}
	if table.Rows[0][0] != table.Rows[0][1] {
		t.Fatalf("events are there twice: %v", table.Rows[0])
	}
	return table.Rows[0][0].(int64)
}

// run lets the live way work until check is content.
func run(t *testing.T, l *Live, check func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); !check(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it never came to that")
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What was put before a kill is stored after it, and what was stored without
// being taken from the spool is not stored again.
func TestLiveSurvivesAKill(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Peer: "192.0.2.7", Received: a.cfg.Now(), Data: fmt.Appendf(nil, failedLogin+failedLogin, i, i+100)}); err != nil {
			t.Fatal(err)
		}
	}
	r := l.spool.Read()
	batch, last, damaged, _, err := gatherPayloads(t.Context(), r)
	if err != nil || len(batch) != 5 || last != 4 || len(damaged) != 0 {
		t.Fatalf("%d payloads, last %d, %v", len(batch), last, err)
	}
	if err := l.store(t.Context(), batch[:3], false); err != nil { // and then the process is killed: nothing is acknowledged
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.spool.Close(); err != nil {
		t.Fatal(err)
	}
	if n := countOf(t, a, "authentication"); n != 6 {
		t.Fatalf("%d events before the kill", n)
	}
	if l, err = a.OpenLive(0); err != nil {
		t.Fatal(err)
	}
	run(t, l, func() bool { return countOf(t, a, "authentication") == 10 && l.spool.Stats().Pending == 0 })
	if l, err = a.OpenLive(0); err != nil { // and once more: nothing is left
		t.Fatal(err)
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if n := countOf(t, a, "authentication"); n != 10 {
		t.Errorf("%d events in the end", n)
	}
}

// Two payloads with one key are one, whenever they come; equal ones without are
// two.
func TestIdempotencyKey(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	one := []byte(fmt.Sprintf(failedLogin, 1))
	for _, key := range []string{"k1", "k1", "k2", "", ""} {
		if err := l.Put(t.Context(), ingest.Payload{Source: "s", Key: key, Received: a.cfg.Now(), Data: one, Meta: map[string]string{"plant.line": "7"}}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if n := countOf(t, a, "authentication plant.line=7"); n != 4 {
		t.Errorf("%d events of five payloads, two with one key", n)
	}
}

// What nobody can read is counted with its reason, and nothing stops.
func TestLiveRejects(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []ingest.Payload{
		{Source: "s", Peer: "a", Format: "no such format", Data: []byte("x\n")},
		{Source: "s", Peer: "b", Key: "k", Format: "no such format", Data: []byte("x\n")},
		{Source: "s", Peer: "c", Data: []byte("\x00\x01\x02\xff\xfe binary \x00")},
		{Source: "s", Peer: "d", Data: fmt.Appendf(nil, failedLogin, 9)},
	} {
		if err := l.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Put(t.Context(), ingest.Payload{Source: "s", Data: make([]byte, ingest.MaxPayload+1)}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a payload that is too large: %v", err)
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
	if c := l.counts["s"]; c == nil || c.events != 1 || c.rejected != 3 || len(c.reasons) == 0 {
		t.Errorf("%+v", c)
	}
}

// A record of the spool that cannot be read is passed over, alone or among others.
func TestDamagedSpoolRecord(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range []string{"\x05abc", "\xff", "\x02{]"} {
		if _, err := l.spool.Append([]byte(rec)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, l, func() bool { return l.spool.Stats().Pending == 0 })
}

// A full spool lets a source wait, says so, and gives up when the source does.
func TestFullSpoolWaits(t *testing.T) {
	a := openForLive(t)
	l, err := a.OpenLive(40 << 20)
	if err != nil {
		t.Fatal(err)
	}
	p := ingest.Payload{Source: "s", Data: []byte(strings.Repeat(fmt.Sprintf(failedLogin, 1), 9000))}
	var full error
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		full = l.Put(ctx, p)
		cancel()
		if full != nil {
			break
		}
	}
	if fault.KindOf(full) != fault.Limited {
		t.Fatalf("a spool of 40 MB never was full: %v", full)
	}
	if err := l.spool.Close(); err != nil {
		t.Fatal(err)
	}
}

// From a message on the wire to a row, and the states that people see.
func TestSyslogToStore(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	_ = ln.Close()
	a := openForLive(t)
	src, err := syslog.New(syslog.Config{Name: "gateways", Listen: address, TCP: true, Now: a.cfg.Now})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.OpenLive(0, src)
	if err != nil {
		t.Fatal(err)
	}
	sent := false
	run(t, l, func() bool {
		if !sent && src.Status().State == ingest.Running {
			var d net.Dialer
			conn, err := d.DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				fmt.Fprintf(conn, failedLogin, i)
			}
			_ = conn.Close()
			sent = true
		}
		list, err := a.Sources(t.Context())
		return err == nil && len(list) == 1 && list[0].Events == 100 && list[0].State == ingest.Running
	})
	if n := countOf(t, a, "authentication status=Failure"); n != 100 {
		t.Errorf("%d failed logins of 100 messages", n)
	}
	if list, err := a.Sources(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the end: %v, %v", list, err)
	}
}
