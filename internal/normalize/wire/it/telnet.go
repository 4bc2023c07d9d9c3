package it

import (
	"bytes"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// telnet reads what a server greets with (RFC 854), up to the first prompt.
// What is typed is not looked at: it may be a password.
type telnet struct {
	f     *proto.Flow
	words []byte
	told  bool
}

func newTelnet(f *proto.Flow) proto.Decoder { return &telnet{f: f} }

// The command that leads options (RFC 854), and those that have a body.
const (
	telnetIAC = 255
	telnetSB  = 250
	telnetSE  = 240
)

func probeTelnet(data []byte, _ proto.Side, onPort bool) int {
	options := len(data) >= 3 && data[0] == telnetIAC && data[1] >= telnetSB && data[1] < telnetIAC
	switch {
	case options && onPort:
		return 80
	case onPort && prompt(data) != "":
		return 50
	}
	return 0
}

// prompt is what a server asks for at the end of what it said.
func prompt(b []byte) string {
	low := strings.ToLower(strings.TrimRight(string(b[max(0, len(b)-32):]), " \r\n\x00"))
	for _, word := range []string{"login:", "username:", "user:", "password:"} {
		if strings.HasSuffix(low, word) {
			return strings.TrimSuffix(word, ":")
		}
	}
	return ""
}

const maxGreeting = 1024

// Decode implements [proto.Decoder].
func (d *telnet) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.told || p.Side == proto.Client {
		return len(p.Data), nil
	}
	if p.Lost > 0 && len(d.words) > 0 {
		d.words = append(d.words, '\n')
	}
	taken := 0
	for taken < len(p.Data) && !d.told {
		c := p.Data[taken]
		if c != telnetIAC {
			d.words = append(d.words, c)
			taken++
			if asked := c == ':' || c == ' '; len(d.words) >= maxGreeting || asked && prompt(d.words) != "" {
				d.tell(out)
			}
			continue
		}
		n := telnetCommand(p.Data[taken:])
		if n == 0 {
			break
		}
		taken += n
	}
	if p.End && !d.told {
		d.tell(out)
	}
	if d.told {
		taken = len(p.Data)
	}
	return taken, nil
}

// telnetCommand is how long the command is that begins with IAC, or 0.
func telnetCommand(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] < telnetSB || b[1] == telnetIAC:
		return 2
	case b[1] > telnetSB:
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	if i := bytes.Index(b, []byte{telnetIAC, telnetSE}); i > 0 {
		return i + 2
	}
	if len(b) > maxGreeting {
		return 2
	}
	return 0
}

func (d *telnet) tell(out proto.Out) {
	d.told = true
	words := bytes.TrimSpace(d.words)
	e := out.New(event.NetworkActivity)
	e.SetActivityName("Open")
	e.SetMessage(text(words))
	e.SetExtra("telnet.prompt", prompt(words))
	out.Emit(e, words)
	banner(out, d.f.Server.Addr(), "telnet.banner", words, words)
	d.words = nil
}
