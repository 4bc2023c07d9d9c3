package it

import (
	"bytes"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// ssh decodes the open part of RFC 4253: the banners and the first key
// exchange message of each side. One event a connection.
type ssh struct {
	f       *proto.Flow
	banners [2]string
	hassh   [2]string
	done    [2]bool
	told    bool
	raw     []byte
}

func newSSH(f *proto.Flow) proto.Decoder { return &ssh{f: f} }

func probeSSH(data []byte, _ proto.Side, _ bool) int {
	if bytes.HasPrefix(data, []byte("SSH-2.0-")) || bytes.HasPrefix(data, []byte("SSH-1.")) {
		return 95
	}
	return 0
}

const maxSSHPacket = 35000 // RFC 4253, section 6.1

// Decode implements [proto.Decoder].
func (d *ssh) Decode(p proto.Payload, out proto.Out) (int, error) {
	s := p.Side & 1
	if p.Lost > 0 {
		d.done[s] = true
	}
	taken := 0
	for !d.done[s] && taken < len(p.Data) {
		n, err := d.step(s, p.Data[taken:], out)
		if err != nil {
			return taken, err
		}
		if n == 0 {
			break
		}
		taken += n
	}
	if d.done[s] {
		taken = len(p.Data)
	}
	if !d.told && (d.done[0] && d.done[1] || p.End && s == proto.Server) {
		d.tell(out)
	}
	return taken, nil
}

// step takes a line before the banner, the banner, or a packet.
func (d *ssh) step(s proto.Side, b []byte, out proto.Out) (int, error) {
	if d.banners[s] == "" {
		line, n := cutLine(b)
		if n == 0 {
			if len(b) > maxText {
				return 0, notThis("no SSH banner")
			}
			return 0, nil
		}
		if !bytes.HasPrefix(line, []byte("SSH-")) {
			return n, nil // a server may say more first (section 4.2)
		}
		d.banners[s] = text(line)
		if parts := bytes.SplitN(line, []byte("-"), 3); s == proto.Server && len(parts) == 3 {
			d.raw = bytes.Clone(b[:n])
			banner(out, d.f.Server.Addr(), "ssh.banner", parts[2], b[:n])
		}
		return n, nil
	}
	if len(b) < 6 {
		return 0, nil
	}
	c := cursor{b: b}
	size := c.u32()
	if size < 2 || size > maxSSHPacket {
		d.done[s] = true
		return 0, nil
	}
	if len(c.b) < size {
		return 0, nil
	}
	packet := cursor{b: c.take(size)}
	packet.u8() // padding
	if packet.u8() == 20 {
		d.hassh[s] = hassh(packet, s)
	}
	d.done[s] = true
	return 4 + size, nil
}

// hassh is the fingerprint of a key exchange message, of either side
// (github.com/salesforce/hassh).
func hassh(c cursor, s proto.Side) string {
	c.take(16) // cookie
	var lists [10]string
	for i := range lists {
		lists[i] = string(c.counted(4))
	}
	if c.short {
		return ""
	}
	n := int(s) // the lists come in pairs: client to server, server to client
	return md5Hex(strings.Join([]string{lists[0], lists[2+n], lists[4+n], lists[6+n]}, ";"))
}

func (d *ssh) tell(out proto.Out) {
	d.told = true
	if d.banners[0] == "" && d.banners[1] == "" {
		return
	}
	e := out.New(event.SSHActivity)
	e.SetActivityName("Session")
	e.SetSSHClient(d.banners[proto.Client])
	e.SetSSHServer(d.banners[proto.Server])
	e.SetSSHHassh(d.hassh[proto.Client])
	e.SetExtra("ssh.hassh_server", d.hassh[proto.Server])
	out.Emit(e, d.raw)
}
