package tree

import (
	"io/fs"
	"syscall"
)

// openFlags keep an open from waiting for the other end of a pipe that was put
// where a file had been.
const openFlags = syscall.O_NONBLOCK

// Print is what the system says of a file: two equal prints are, for all that
// can be seen without reading, the same unchanged file. On Linux it has the
// inode and the time of its last change of any kind, which a program cannot set
// back.
type Print struct {
	Size                 int64
	Modified, Changed    int64 // nanoseconds
	Device, Inode, Links uint64
}

func printOf(info fs.FileInfo) Print {
	p := Print{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		p.Changed = s.Ctim.Nano()
		p.Device, p.Inode, p.Links = uint64(s.Dev), uint64(s.Ino), uint64(s.Nlink) // the widths differ between machines
	}
	return p
}
