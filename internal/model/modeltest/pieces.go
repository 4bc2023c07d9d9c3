package modeltest

import (
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"vedette/internal/model"
	"vedette/internal/model/wire"
)

// Pieces is the property of a decoder that fuzzing looks for a break of: bytes
// become pieces or a typed error, the text is no longer than six times what
// came (one byte that is no UTF-8 becomes three, an escape sign six become
// fewer), and where the bytes are cut makes no difference.
func Pieces(t *testing.T, raw []byte, decoder func() wire.Decoder) {
	t.Helper()
	whole, wholeErr := decode(t, &constant{raw: raw, size: len(raw) + 1}, decoder())
	for _, size := range []int{1, 3} {
		part, partErr := decode(t, &constant{raw: raw, size: size}, decoder())
		if part != whole || kindOf(partErr) != kindOf(wholeErr) {
			t.Fatalf("in cuts of %d: %+v, %v; whole: %+v, %v", size, part, partErr, whole, wholeErr)
		}
	}
	if len(whole.Text) > 6*len(raw) {
		t.Fatalf("%d bytes made a text of %d", len(raw), len(whole.Text))
	}
}

// decode reads a stream as the client does.
func decode(t *testing.T, r io.Reader, d wire.Decoder) (model.Piece, error) {
	t.Helper()
	events, text := wire.NewSSE(iotest.DataErrReader(r), 1<<16), ""
	for {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return model.Piece{}, err
		}
		more, done, err := d.Event(e)
		if err != nil {
			return model.Piece{}, err
		}
		text += more
		if done {
			break
		}
	}
	last, ok := d.End()
	if !ok {
		return model.Piece{}, io.ErrUnexpectedEOF
	}
	if last.Finish == "" || last.Usage.In < 0 || last.Usage.Out < 0 || len(last.Model) > 200 {
		t.Fatalf("the last piece is %+v", last)
	}
	last.Text = text + last.Text
	return last, nil
}

func kindOf(err error) string {
	if e, ok := errors.AsType[*model.Error](err); ok {
		return e.Kind.String()
	}
	if err != nil {
		return "error"
	}
	return ""
}

// constant reads at most size bytes at a time.
type constant struct {
	raw  []byte
	size int
}

func (c *constant) Read(p []byte) (int, error) {
	if len(c.raw) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.raw)
	c.raw = c.raw[n:]
	return n, nil
}
