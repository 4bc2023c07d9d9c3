package library

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"strconv"

	"vedette/internal/fault"
)

func itoa(n int) string { return strconv.Itoa(n) }

func unzip(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := in.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the file is damaged")
	}
	return z, nil
}
