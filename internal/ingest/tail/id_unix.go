//go:build unix

package tail

import (
	"os"
	"syscall"
)

// identity is the same for a file whatever it is called.
type identity struct {
	Device uint64 `json:"dev"`
	Inode  uint64 `json:"ino"`
}

func idOf(info os.FileInfo) identity {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{uint64(st.Dev), st.Ino} //nolint:unconvert // its type differs between systems
}
