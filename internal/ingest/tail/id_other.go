//go:build !unix

package tail

import "os"

// identity is the same for a file as long as it keeps its name: other systems do
// not tell more by its name alone.
type identity struct {
	Name string `json:"name"`
}

func idOf(info os.FileInfo) identity { return identity{info.Name()} }
