package telemetry

import (
	"bufio"
	"strings"

	"vedette/internal/fault"
)

// maxPack is the longest pack of a file.
const maxPack = 4 << 20

// cutPacks cuts a file into its outermost arrays. What stands between them is
// given as it is, up to the line's end.
func cutPacks(in *bufio.Reader) func() ([]byte, int64, error) {
	var buf []byte
	at := int64(0)
	return func() ([]byte, int64, error) {
		buf = buf[:0]
		start, depth, quoted, escaped := at, 0, false, false
		for {
			c, err := in.ReadByte()
			if err != nil {
				if len(buf) > 0 {
					return buf, start, nil // the parser says what is wrong with it
				}
				return nil, at, err
			}
			at++
			if len(buf) == 0 && strings.IndexByte(" \t\r\n,", c) >= 0 {
				start = at
				continue
			}
			if buf = append(buf, c); len(buf) > maxPack {
				return nil, start, fault.New(fault.Limited, "a SenML pack longer than %d MiB", maxPack>>20)
			}
			switch {
			case escaped:
				escaped = false
			case quoted && c == '\\':
				escaped = true
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '[':
				depth++
			case c == ']':
				depth--
			}
			if depth <= 0 && (c == ']' || c == '\n') {
				return buf, start, nil
			}
		}
	}
}
