package content

import (
	"embed"
	"io/fs"
)

//go:embed rules
var rules embed.FS

// Rules returns the built-in detection rules with their tests, one file a rule
// in a folder for its area, which package detect/sigma reads.
func Rules() fs.FS {
	dir, err := fs.Sub(rules, "rules")
	if err != nil {
		return rules // cannot be: the folder is embedded
	}
	return dir
}
