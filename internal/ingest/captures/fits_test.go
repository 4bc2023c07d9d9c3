package captures

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/ingest"
)

// heap keeps what it is given.
type heap struct{ data []byte }

func (h *heap) Put(_ context.Context, p ingest.Payload) error {
	h.data = append(h.data, p.Data...)
	return nil
}

// What does not fit is passed over, and how far a file was read goes on: nothing is
// read twice, and a file of which nothing fits is done.
func TestFits(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a.pcap", "b.pcap"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte{byte(10 * i), byte(10*i + 1), byte(10*i + 2), byte(10*i + 3)}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	s, err := New(Config{
		Name: "c", Paths: []string{filepath.Join(dir, "*.pcap")}, State: filepath.Join(t.TempDir(), "state"), Settle: time.Nanosecond, Poll: time.Hour,
		Fits: func(raw []byte) (bool, error) { asked++; return raw[0] < 10 && raw[0]%2 == 1, nil },
		Cut: func(in *bufio.Reader) func() ([]byte, int64, error) {
			return func() ([]byte, int64, error) {
				b, err := in.ReadByte()
				if err != nil {
					return nil, 0, io.EOF
				}
				return []byte{b}, int64(b), nil
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.restore(); err != nil {
		t.Fatal(err)
	}
	to := &heap{}
	for range 3 {
		if err := s.round(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	if string(to.data) != "\x00\x00\x00\x01\x01\x00\x00\x00\x01\x03" || asked != 8 {
		t.Errorf("% x, asked %d times", to.data, asked)
	}
	if st := s.Status(); st.State == ingest.Failing {
		t.Errorf("%+v", st)
	}
}
