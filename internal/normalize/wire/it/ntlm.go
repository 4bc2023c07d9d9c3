package it

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// ntlm is what the messages of [MS-NLMP] tell in the open.
type ntlm struct{ domain, user, host, version string }

// findNTLM reads the first message of NTLMSSP in a security blob: the
// challenge of a server or the answer of a client.
func findNTLM(b []byte) *ntlm {
	i := bytes.Index(b, []byte("NTLMSSP\x00"))
	if i < 0 || len(b)-i < 12 {
		return nil
	}
	b = b[i:]
	n := &ntlm{}
	field := func(at int) []byte {
		if len(b) < at+8 {
			return nil
		}
		size, from := int(binary.LittleEndian.Uint16(b[at:])), int64(binary.LittleEndian.Uint32(b[at+4:]))
		if from+int64(size) > int64(len(b)) {
			return nil
		}
		return b[from : from+int64(size)]
	}
	switch binary.LittleEndian.Uint32(b[8:]) {
	case 2: // challenge
		n.domain = utf16Text(field(12))
		for info := field(40); len(info) >= 4; {
			kind, size := binary.LittleEndian.Uint16(info), int(binary.LittleEndian.Uint16(info[2:]))
			if kind == 0 || 4+size > len(info) {
				break
			}
			if kind == 1 { // the server's NetBIOS name
				n.host = utf16Text(info[4 : 4+size])
			}
			info = info[4+size:]
		}
		if len(b) >= 56 && b[48] != 0 {
			n.version = fmt.Sprintf("Windows %d.%d build %d", b[48], b[49], binary.LittleEndian.Uint16(b[50:]))
		}
	case 3: // authenticate
		n.domain, n.user, n.host = utf16Text(field(28)), utf16Text(field(36)), utf16Text(field(44))
	default:
		return nil
	}
	return n
}
