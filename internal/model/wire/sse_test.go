package wire

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func read(r io.Reader, limit int) (list []string, err error) {
	s := NewSSE(r, limit)
	for {
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, e.Name+"|"+string(e.Data))
	}
}

func TestSSE(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "data: a\n\ndata: b\n\n", []string{"|a", "|b"}},
		{"crlf", "event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []string{"x|a", "|b"}},
		{"cr", "data: a\r\rdata: b\r\r", []string{"|a", "|b"}},
		{"mixed", "data: a\n\r\n\rdata: b\r\n\n", []string{"|a", "|b"}},
		{"lines", "data: a\ndata:b\ndata\n\n", []string{"|a\nb\n"}},
		{"comment", ": hello\n\n:\ndata: a\n\n", []string{"|a"}},
		{"mark", "\ufeffdata: a\n\n", []string{"|a"}},
		{"other-fields", "id: 1\nretry: 5\nnonsense\ndata: a\n\n", []string{"|a"}},
		{"name-without-data", "event: x\n\ndata: a\n\n", []string{"|a"}},
		{"no-end", "data: a\n\ndata: [DONE]", []string{"|a", "|[DONE]"}},
		{"space", "data:  a\n\n", []string{"| a"}},
		{"empty", "", nil},
		{"empty-data", "data:\n\n", []string{"|"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, err := read(r, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	for _, long := range []string{"data: " + strings.Repeat("x", 2000), strings.Repeat("data: xxxx\n", 500), strings.Repeat("x", 5000), ":" + strings.Repeat("x", 5000)} {
		if _, err := read(strings.NewReader(long), 1000); err == nil {
			t.Errorf("%.20q... of %d bytes passed a bound of 1000", long, len(long))
		}
	}
}

// FuzzSSE: events do not depend on how the bytes are cut, and hold no more than
// the bound nor more than came.
func FuzzSSE(f *testing.F) {
	f.Add([]byte("event: a\ndata: b\r\n\r\n: c\rdata\r\r"))
	f.Add([]byte("\ufeffdata: a\n\ndata: [DONE]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		const limit = 256
		whole, err := read(bytes.NewReader(raw), limit)
		cut, cutErr := read(iotest.OneByteReader(bytes.NewReader(raw)), limit)
		if diff := cmp.Diff(whole, cut); diff != "" || (err == nil) != (cutErr == nil) {
			t.Fatalf("cut in bytes it differs: %v, %v\n%s", err, cutErr, diff)
		}
		all := 0
		for _, e := range whole {
			all += len(e)
			if len(e) > limit+65 {
				t.Fatalf("an event has %d bytes", len(e))
			}
		}
		if all > len(raw)+2*len(whole) {
			t.Fatalf("%d bytes made events of %d", len(raw), all)
		}
	})
}
