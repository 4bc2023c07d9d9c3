package content

import (
	"embed"
	"io/fs"
)

//go:embed all:rules
var rules embed.FS

// Rules returns the Sigma rules that ship with the program, each beside its
// test.
func Rules() fs.FS {
	sub, err := fs.Sub(rules, "rules")
	if err != nil {
		return rules // cannot be: the folder is embedded
	}
	return sub
}
