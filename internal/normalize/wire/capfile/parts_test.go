package capfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzParts: what is cut, put together again, is what was read up to where it
// broke off.
func FuzzParts(f *testing.F) {
	rec := Append(nil, Packet{Link: 1, Orig: 3, Data: []byte("abc")})
	one := append(binary.BigEndian.AppendUint32(nil, uint32(len(rec))), rec...)
	f.Add(append(bytes.Clone(one), one...))
	f.Add(one[:9])
	f.Fuzz(func(t *testing.T, data []byte) {
		next := CutParts(bufio.NewReader(bytes.NewReader(data)))
		var again []byte
		for {
			raw, at, err := next()
			if err != nil {
				break
			}
			if at != int64(len(again)) {
				t.Fatalf("offset %d of %d", at, len(again))
			}
			if _, err := Parse(raw); err != nil {
				t.Fatal(err)
			}
			again = append(binary.BigEndian.AppendUint32(again, uint32(len(raw))), raw...)
		}
		if !bytes.HasPrefix(data, again) {
			t.Fatal("other bytes came out")
		}
	})
}
