package intel

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// lastTwo is where the last two labels of a name begin; -1 when it has one.
func lastTwo(name []byte) int {
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 {
		return -1
	}
	return bytes.LastIndexByte(name[:dot], '.') + 1
}

// fixPort brings the port of a host in normal form: none for 80 and 443.
func fixPort(buf []byte, n int, port int64) int {
	for i := n - 1; i > 0 && n-i <= 6; i-- {
		switch c := buf[i]; {
		case c >= '0' && c <= '9':
			continue
		case c != ':':
		case string(buf[i:n]) == ":80" || string(buf[i:n]) == ":443":
			return i
		default:
			return n
		}
		break
	}
	if port <= 0 || port > 65535 || port == 80 || port == 443 {
		return n
	}
	buf[n] = ':'
	return len(strconv.AppendInt(buf[:n+1], port, 10))
}

// lower writes text in lower case, without a dot at its end, and returns the
// length; 0 when it does not fit.
func lower(to []byte, text string) int {
	if n := len(text); n > 0 && text[n-1] == '.' {
		text = text[:n-1]
	}
	if len(text) > len(to) {
		return 0
	}
	i := 0
	for ; i+8 <= len(text); i += 8 {
		binary.LittleEndian.PutUint64(to[i:], lower8(eight(text[i:i+8])))
	}
	for ; i < len(text); i++ {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		to[i] = c
	}
	return len(text)
}

// eight are the first eight bytes of a text.
func eight(t string) uint64 {
	_ = t[7]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// lower8 makes eight bytes lower case at once: a byte above '@' and not above
// 'Z' carries into its top bit, and that bit, moved to 0x20, is what makes a
// letter small.
func lower8(v uint64) uint64 {
	const ones = 0x0101010101010101
	low := v &^ (0x80 * ones)
	fromA := low + (0x80-'A')*ones
	afterZ := low + (0x80-'Z'-1)*ones
	return v | (fromA&^afterZ&^v&(0x80*ones))>>2
}
