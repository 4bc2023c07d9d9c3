//go:build !linux

package tree

import "io/fs"

const openFlags = 0

// Print is what the system says of a file: two equal prints are, for all that
// can be seen without reading, the same unchanged file. Here it has size and
// time of writing alone; who can set the time back can hide a change.
type Print struct {
	Size     int64
	Modified int64 // nanoseconds
}

func printOf(info fs.FileInfo) Print {
	return Print{Size: info.Size(), Modified: info.ModTime().UnixNano()}
}
