// Package icstest holds what every decoder of a plant protocol is held to.
package icstest

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// Bytes reads hexadecimal digits; spaces and line ends are for the eye.
func Bytes(tb testing.TB, digits string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// C is what a client says, S what a server says, in hexadecimal digits.
func C(tb testing.TB, digits string) prototest.Say {
	tb.Helper()
	return prototest.Say{Side: proto.Client, Data: Bytes(tb, digits)}
}

// S is what a server says; see [C].
func S(tb testing.TB, digits string) prototest.Say {
	tb.Helper()
	return prototest.Say{Side: proto.Server, Data: Bytes(tb, digits)}
}

// Text is an event as one line: class and all fields in the order they were
// set.
func Text(e *event.Event) string { return string(e.AppendJSON(nil)) }

// Lines runs a fresh decoder over what was said and returns its events as text.
func Lines(tb testing.TB, p proto.Protocol, transport string, said ...prototest.Say) []string {
	tb.Helper()
	out, err := prototest.Run(p.New(prototest.Flow(transport, 1)), transport == "tcp", said...)
	if err != nil {
		tb.Fatal(err)
	}
	lines := make([]string, len(out.Events))
	for i, e := range out.Events {
		lines[i] = Text(e)
	}
	return lines
}

// Want checks that each event has the fields asked for, as `"name":value` in
// its JSON form, in order.
func Want(tb testing.TB, lines []string, want ...[]string) {
	tb.Helper()
	if len(lines) != len(want) {
		tb.Fatalf("%d events, want %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
	}
	for i, fields := range want {
		for _, field := range fields {
			if !strings.Contains(lines[i], field) {
				tb.Errorf("event %d lacks %s:\n%s", i, field, lines[i])
			}
		}
	}
}

const (
	maxEventBytes = 64 << 10
	eventsPerByte = 4
)

// Hold checks what must hold of a decoder whatever it is shown: it takes no
// less than nothing and no more than there is, its events are bounded by its
// input, and a stream cut in two gives the same events as in one piece.
func Hold(tb testing.TB, p proto.Protocol, transport string, client, server []byte, cut int) {
	tb.Helper()
	for _, b := range [][]byte{client, server} {
		for _, onPort := range []bool{false, true} {
			if sure := p.Probe(b, proto.Client, onPort); sure < 0 || sure > 100 {
				tb.Fatalf("probe says %d", sure)
			}
		}
	}
	whole := run(tb, p, transport, prototest.Say{Side: proto.Client, Data: client}, prototest.Say{Side: proto.Server, Data: server})
	if most := 16 + eventsPerByte*(len(client)+len(server)); len(whole) > most {
		tb.Fatalf("%d events of %d bytes", len(whole), len(client)+len(server))
	}
	for _, line := range whole {
		if len(line) > maxEventBytes {
			tb.Fatalf("event of %d bytes", len(line))
		}
	}
	if transport != "tcp" {
		return
	}
	at, to := min(max(cut, 0), len(client)), min(max(cut, 0), len(server))
	halves := run(tb, p, transport,
		prototest.Say{Side: proto.Client, Data: client[:at]}, prototest.Say{Side: proto.Client, Data: client[at:]},
		prototest.Say{Side: proto.Server, Data: server[:to]}, prototest.Say{Side: proto.Server, Data: server[to:]})
	if diff := cmp.Diff(whole, halves); diff != "" {
		tb.Fatalf("cut at %d the events differ (-whole +halves):\n%s", cut, diff)
	}
}

// run decodes what was said and checks what is taken.
func run(tb testing.TB, p proto.Protocol, transport string, said ...prototest.Say) []string {
	tb.Helper()
	d := &checked{tb: tb, Decoder: p.New(prototest.Flow(transport, 1))}
	out, err := prototest.Run(d, transport == "tcp", said...)
	lines := make([]string, 0, len(out.Events)+1)
	for _, e := range out.Events {
		lines = append(lines, Text(e))
	}
	if err != nil {
		lines = append(lines, err.Error())
	}
	return lines
}

type checked struct {
	proto.Decoder
	tb testing.TB
}

// Decode implements [proto.Decoder].
func (c *checked) Decode(p proto.Payload, out proto.Out) (int, error) {
	taken, err := c.Decoder.Decode(p, out)
	if taken < 0 || taken > len(p.Data) {
		c.tb.Fatalf("took %d of %d bytes", taken, len(p.Data))
	}
	return taken, err
}
