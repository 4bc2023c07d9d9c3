package behave

import (
	"encoding/binary"
	"hash/crc64"
	"unsafe"
)

// Sealed gives bytes the checksum of a snapshot.
func Sealed(data []byte) []byte {
	if len(data) < snapshotTail {
		return data
	}
	body := append([]byte(nil), data[:len(data)-snapshotTail]...)
	return binary.LittleEndian.AppendUint64(body, crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)))
}

// The sizes of what is kept of a device.
const (
	ProfileSize = unsafe.Sizeof(profile{})
	SeriesSize  = unsafe.Sizeof(series{}) // and of each tag
	TagSize     = unsafe.Sizeof(tag{})
	GroupSize   = unsafe.Sizeof(group{})
)
