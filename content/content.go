// Package content holds the data that ships inside the binary: each item in a
// folder of its own, with the licence it came under named in NOTICE.
//
// It owns bytes and nothing else: whoever needs an item parses it, and `app`
// hands it over. It must not import any package of ours.
package content

import "embed"

//go:embed oui/oui.tsv.gz
var oui embed.FS

// OUI returns the IEEE MA-L registry as gzip of lines "vendor TAB prefix
// prefix ...", which package asset reads. It was made by `go generate
// ./internal/asset`.
func OUI() ([]byte, error) { return oui.ReadFile("oui/oui.tsv.gz") }

//go:embed recog/recog.tsv.gz
var recog []byte

// Recog returns the reduced Recog fingerprints, which package
// asset/fingerprint reads and `go generate ./internal/asset/fingerprint` makes.
func Recog() []byte { return recog }
