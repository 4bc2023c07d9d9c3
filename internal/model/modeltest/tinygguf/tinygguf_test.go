package tinygguf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// The file is the same for the same seed, and begins as GGUF does.
func TestModel(t *testing.T) {
	one, two, other := Model(1), Model(1), Model(2)
	if !bytes.Equal(one, two) || bytes.Equal(one, other) || len(one) != len(other) {
		t.Error("a seed does not decide the bytes")
	}
	if string(one[:4]) != "GGUF" || binary.LittleEndian.Uint32(one[4:]) != 3 || binary.LittleEndian.Uint64(one[8:]) != 21 {
		t.Errorf("it begins with % x", one[:16])
	}
	if len(one) > 600_000 || len(one)%align != 0 {
		t.Errorf("it has %d bytes", len(one))
	}
	t.Logf("%d bytes, sha256 %x", len(one), sha256.Sum256(one))
}
