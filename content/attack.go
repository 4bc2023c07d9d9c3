package content

import _ "embed"

//go:embed attack/techniques.tsv
var techniques []byte

// Techniques returns the techniques of MITRE ATT&CK (Enterprise, ICS) and
// ATLAS with their tactics, which package correlate reads and `go generate
// ./internal/correlate` makes.
func Techniques() []byte { return techniques }
