package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzSplit checks that cutting loses nothing: each record is what stands at
// its offset, offsets rise, and between the records is nothing but what
// separates them.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "a\nb\r\n\nc", "\xef\xbb\xbfa\n", "[{\"a\":1},\n{\"b\":\"}\"}]", "{\n\"a\":\"\\\"}\"\n}\n{}", "[{}] x\n{", "{\n}x\n{}\n", "[{\"a\n{}\n",
		"{\"a\":1,\n\"b\":2}\n{\"a\":3,\n\"b\":4}", "\r\r\n\r", "[]", "[\n{\n", "\x00\n\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		br := bufio.NewReaderSize(bytes.NewReader(data), HeadSize)
		head, _ := br.Peek(HeadSize)
		s := newSplitter(br, head)
		between := []byte("\r\n")
		if s.json {
			between = []byte(" \t\r\n,[]")
		}
		at := 0
		if bytes.HasPrefix(data, []byte(bom)) {
			at = len(bom)
		}
		gap := func(to int) {
			if to < at || to > len(data) {
				t.Fatalf("offset %d after %d of %d", to, at, len(data))
			}
			if lost := bytes.Trim(data[at:to], string(between)); len(lost) > 0 {
				t.Fatalf("%q is lost at %d", lost, at)
			}
		}
		last := -1
		for {
			raw, offset, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			start := int(offset)
			if start <= last {
				t.Fatalf("offset %d after %d", start, last)
			}
			gap(start)
			if end := start + len(raw); end > len(data) || !bytes.Equal(raw, data[start:end]) {
				t.Fatalf("record at %d is %q", start, raw)
			}
			if !s.json && bytes.IndexByte(raw, '\n') >= 0 {
				t.Fatalf("a line of several lines at %d", start)
			}
			last, at = start, start+len(raw)
		}
		gap(len(data))
		if _, _, err := s.next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the end: %v", err)
		}
		if got := sample(head); len(got) > 2*len(head)+16 {
			t.Fatalf("a sample of %d bytes of %d", len(got), len(head))
		}
	})
}

// stutter gives an error after its bytes, once, and then more bytes.
type stutter struct {
	n    int
	data string
}

func (r *stutter) Read(p []byte) (int, error) {
	if r.n++; r.n == 2 {
		return 0, errors.New("disk trouble")
	}
	return copy(p, r.data), nil
}

func TestNothingAfterAnError(t *testing.T) {
	for _, data := range []string{"a\nb", "{\n}\n{", "[{}x"} {
		br := bufio.NewReaderSize(&stutter{data: data}, HeadSize)
		s := newSplitter(br, []byte(data))
		var err error
		for i := 0; err == nil && i < 10; i++ {
			_, _, err = s.next()
		}
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", data, err)
		}
		if _, _, err = s.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: %v after the error", data, err)
		}
	}
}
