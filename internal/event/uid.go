package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// SourceHeadSize is how many leading bytes of a file identify it.
const SourceHeadSize = 4096

// SourceID identifies a source by its first bytes (at most [SourceHeadSize]
// are used), so that a renamed or copied file is still the same source. For a
// live source pass its kind and address as head.
func SourceID(head []byte) string {
	if len(head) > SourceHeadSize {
		head = head[:SourceHeadSize]
	}
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:12])
}

// UID is the identity of a record: the hash of its source's identity, its
// offset or sequence number in it, and its raw bytes. The same record read
// again has the same UID; two equal records in one source do not. 32 hex
// digits (128 bits of SHA-256).
func UID(sourceID string, offset int64, raw []byte) string {
	var text [UIDSize]byte
	return string(AppendUID(text[:0], sourceID, offset, raw))
}

// UIDSize is the length of a [UID].
const UIDSize = 32

// AppendUID appends the [UID] of a record to b.
func AppendUID(b []byte, sourceID string, offset int64, raw []byte) []byte {
	sum := sumOf(sourceID, offset, raw)
	return hex.AppendEncode(b, sum[:UIDSize/2])
}

func sumOf(sourceID string, offset int64, raw []byte) [sha256.Size]byte {
	var short [1024]byte // a usual record is hashed without an allocation
	if len(sourceID)+8+len(raw) > len(short) {
		return longSum(sourceID, offset, raw)
	}
	b := binary.BigEndian.AppendUint64(append(short[:0], sourceID...), uint64(offset)) //nolint:gosec // G115: only the bits matter
	return sha256.Sum256(append(b, raw...))
}

func longSum(sourceID string, offset int64, raw []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte(sourceID))
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(offset)) //nolint:gosec // G115: only the bits matter
	h.Write(n[:])
	h.Write(raw)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

func shortHex(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:UIDSize/2]) }
