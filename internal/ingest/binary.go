package ingest

import "bytes"

// magics are the first bytes of files that people try and that hold no text.
var magics = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive: unpack it first"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x89PNG", "an image"},
	{"\xff\xd8\xff", "an image"},
	{"\x7fELF", "a program"},
	{"%PDF", "a PDF document"},
	{"\xfd7zXZ\x00", "an xz archive: unpack it first"},
	{"BZh", "a bzip2 archive: unpack it first"},
	{"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"},
	{"7z\xbc\xaf", "a 7z archive: unpack it first"},
	{"\x1f\x8b", "gzip inside gzip: unpack it first"},
	{"\xff\xfe", "text in UTF-16: convert it to UTF-8 first"},
	{"\xfe\xff", "text in UTF-16: convert it to UTF-8 first"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"PAR1", "a Parquet file"},
}

// The head of a text may hold this share of control characters: a device may
// write a few, and a sensor a hostile few, but they are no reason to refuse a
// whole log.
const controlsInHundred = 5

// binary names what a source is if it is no text: by its magic, or because too
// many bytes of its head are control characters. A run of NUL counts as one: a
// log that was open when the power failed has a hole of them.
func binary(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.what
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive: unpack it first"
	}
	controls, last := 0, byte(' ')
	for _, c := range head {
		if c < ' ' && bytes.IndexByte([]byte("\t\n\v\f\r\b\x1b"), c) < 0 && (c != 0 || last != 0) {
			controls++
		}
		last = c
	}
	if controls > 3 && controls*100 > len(head)*controlsInHundred {
		return "binary data"
	}
	return ""
}
