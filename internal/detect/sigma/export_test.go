package sigma

import (
	"encoding/binary"
	"hash/crc64"
)

// Sealed is a snapshot with the checksum that its content has.
func Sealed(data []byte) []byte {
	n := max(0, len(data)-snapshotTail)
	return binary.LittleEndian.AppendUint64(append([]byte(nil), data[:n]...), crc64.Checksum(data[:n], crc64.MakeTable(crc64.ECMA)))
}
