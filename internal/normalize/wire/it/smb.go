package it

import (
	"encoding/binary"
	"strconv"
	"unicode/utf16"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// smb decodes the head of SMB2 and SMB3 messages ([MS-SMB2], section 2.2), and
// of SMB1 so far as to say that it is used. An event a request and answer.
type smb struct {
	f       *proto.Flow
	waiting []smbRequest
	skip    [2]int
	dialect string // agreed on
}

type smbRequest struct {
	id      uint64
	command int
	name    string // of the share or file
	login   *ntlm  // of a session
}

func newSMB(f *proto.Flow) proto.Decoder { return &smb{f: f} }

func probeSMB(data []byte, _ proto.Side, onPort bool) int {
	if len(data) >= 8 && data[0] == 0 && (string(data[4:8]) == "\xfeSMB" || string(data[4:8]) == "\xffSMB" || string(data[4:8]) == "\xfdSMB") {
		return 95
	}
	if onPort && len(data) >= 4 && data[0] == 0x81 { // a NetBIOS session
		return 40
	}
	return 0
}

var smbCommands = map[int]string{
	0: "negotiate", 1: "session_setup", 2: "logoff", 3: "tree_connect", 4: "tree_disconnect", 5: "create", 6: "close", 7: "flush", 8: "read", 9: "write",
	10: "lock", 11: "ioctl", 12: "cancel", 13: "echo", 14: "query_directory", 15: "change_notify", 16: "query_info", 17: "set_info", 18: "oplock_break",
}

var smbDialects = map[int]string{0x202: "2.02", 0x210: "2.10", 0x300: "3.00", 0x302: "3.02", 0x311: "3.11", 0x2ff: "2.FF"}

var smbStatus = map[uint32]string{
	0: "STATUS_SUCCESS", 0xc0000016: "STATUS_MORE_PROCESSING_REQUIRED", 0xc000006d: "STATUS_LOGON_FAILURE", 0xc0000022: "STATUS_ACCESS_DENIED",
	0xc0000034: "STATUS_OBJECT_NAME_NOT_FOUND", 0xc000003a: "STATUS_OBJECT_PATH_NOT_FOUND", 0xc00000cc: "STATUS_BAD_NETWORK_NAME", 0xc0000035: "STATUS_OBJECT_NAME_COLLISION",
	0xc000006e: "STATUS_ACCOUNT_RESTRICTION", 0xc0000072: "STATUS_ACCOUNT_DISABLED", 0xc0000234: "STATUS_ACCOUNT_LOCKED_OUT", 0xc0000203: "STATUS_USER_SESSION_DELETED",
	0xc0000043: "STATUS_SHARING_VIOLATION", 0xc0000225: "STATUS_NOT_FOUND", 0xc000000d: "STATUS_INVALID_PARAMETER", 0xc00000bb: "STATUS_NOT_SUPPORTED",
	0x103: "STATUS_PENDING", 0xc0000064: "STATUS_NO_SUCH_USER", 0xc000006a: "STATUS_WRONG_PASSWORD",
}

// Decode implements [proto.Decoder].
func (d *smb) Decode(p proto.Payload, out proto.Out) (int, error) {
	s := p.Side & 1
	taken := 0
	if p.Lost > 0 {
		d.skip[s] = max(d.skip[s]-p.Lost, 0)
	}
	for taken < len(p.Data) {
		b := p.Data[taken:]
		if n := min(d.skip[s], len(b)); n > 0 {
			d.skip[s] -= n
			taken += n
			continue
		}
		if len(b) < 4 {
			break
		}
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if b[0] != 0 { // other packets of NetBIOS sessions (RFC 1002, section 4.3)
			if b[0] < 0x81 || b[0] > 0x85 || size > 256 {
				if p.Lost > 0 {
					return len(p.Data), nil
				}
				return taken, notThis("no SMB message")
			}
			d.skip[s] = 4 + size
			continue
		}
		keep := min(4+size, 4096) // enough for all that is read
		if len(b) < keep {
			break
		}
		d.message(s, b[4:keep], out)
		d.skip[s] = 4 + size
	}
	if p.End && s == proto.Server {
		for len(d.waiting) > 0 {
			d.tell(d.waiting[0], nil, 0, out)
			d.waiting = d.waiting[1:]
		}
	}
	return taken, nil
}

// message reads the messages that are chained in one (section 3.2.4.1.4).
func (d *smb) message(s proto.Side, b []byte, out proto.Out) {
	if len(b) >= 32 && string(b[:4]) == "\xffSMB" {
		d.old(s, b, out)
		return
	}
	for range 16 {
		if len(b) < 64 || string(b[:4]) != "\xfeSMB" {
			return // encrypted, or compressed
		}
		le := binary.LittleEndian
		next := le.Uint32(b[20:])
		one := b
		if next >= 64 && int64(next) < int64(len(b)) {
			one = b[:next]
		}
		id, command := le.Uint64(b[24:]), int(le.Uint16(b[12:]))
		if le.Uint32(b[16:])&1 == 0 {
			d.request(id, command, one)
		} else {
			d.answer(id, command, one, out)
		}
		if next < 64 || int64(next) >= int64(len(b)) || s > 1 {
			return
		}
		b = b[next:]
	}
}

// old tells the negotiation of SMB1, which nothing should use any more.
func (d *smb) old(s proto.Side, b []byte, out proto.Out) {
	if b[4] != 0x72 || s != proto.Server {
		return
	}
	e := out.New(event.SMBActivity)
	e.SetActivityName("negotiate")
	e.SetExtra("smb.dialect", "SMB1")
	e.SetStatus(event.Success)
	out.Emit(e, b)
}

func (d *smb) request(id uint64, command int, b []byte) {
	r := smbRequest{id: id, command: command}
	le := binary.LittleEndian
	switch command {
	case 0, 2, 4:
	case 1:
		r.login = findNTLM(b)
	case 3:
		if len(b) >= 72 {
			r.name = utf16At(b, int(le.Uint16(b[68:])), int(le.Uint16(b[70:])))
		}
	case 5:
		if len(b) >= 112 {
			r.name = utf16At(b, int(le.Uint16(b[108:])), int(le.Uint16(b[110:])))
		}
	default:
		return // the daily business: reads, writes, questions
	}
	if len(d.waiting) >= 64 {
		d.waiting = d.waiting[1:]
	}
	d.waiting = append(d.waiting, r)
}

func (d *smb) answer(id uint64, command int, b []byte, out proto.Out) {
	status := binary.LittleEndian.Uint32(b[8:])
	if status == 0x103 {
		return // the answer proper is to come
	}
	for i, r := range d.waiting {
		if r.id == id && r.command == command {
			d.waiting = append(d.waiting[:i], d.waiting[i+1:]...)
			d.tell(r, b, status, out)
			return
		}
	}
	if command == 0 {
		d.tell(smbRequest{id: id}, b, status, out)
	}
}

func (d *smb) tell(r smbRequest, b []byte, status uint32, out proto.Out) {
	e := out.New(event.SMBActivity)
	e.SetActivityName(named(smbCommands, r.command, "command "))
	e.SetFileName(r.name)
	var server *ntlm
	if b != nil {
		e.SetSessionUID(strconv.FormatUint(binary.LittleEndian.Uint64(b[40:]), 10))
		word := smbStatus[status]
		if word == "" {
			word = "0x" + strconv.FormatUint(uint64(status), 16)
		}
		e.SetStatusDetail(word)
		e.SetStatus(event.Success)
		if status>>30 == 3 && status != 0xc0000016 {
			e.SetStatus(event.Failure)
		}
		if r.command == 0 && len(b) >= 70 {
			d.dialect = named(smbDialects, int(binary.LittleEndian.Uint16(b[68:])), "dialect ")
		}
		e.SetExtra("smb.dialect", d.dialect)
		if r.command == 1 {
			server = findNTLM(b)
		}
	}
	if r.login != nil && r.login.user != "" {
		e.SetUserName(r.login.user)
		e.SetSrcEndpointHostname(r.login.host)
		e.SetExtra("ntlmssp.domain", r.login.domain)
		e.SetAuthProtocol("ntlm")
	}
	out.Emit(e, b)
	if server != nil && server.host != "" {
		if c := claim(out, d.f.Server.Addr(), "smb.ntlmssp"); c != nil {
			c.SetIdentityName(server.host)
			c.SetIdentityOs(server.version)
			c.SetExtra("ntlmssp.domain", server.domain)
			out.Emit(c, b)
		}
	}
}

func utf16At(b []byte, at, n int) string {
	if at < 0 || n < 0 || at+n > len(b) {
		return ""
	}
	return utf16Text(b[at : at+n])
}

func utf16Text(b []byte) string {
	u := make([]uint16, 0, min(len(b)/2, maxText))
	for ; len(b) >= 2 && len(u) < maxText; b = b[2:] {
		u = append(u, binary.LittleEndian.Uint16(b))
	}
	return text([]byte(string(utf16.Decode(u))))
}
