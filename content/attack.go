package content

import _ "embed"

//go:embed attack/techniques.tsv
var techniques []byte

// Techniques returns the techniques of MITRE ATT&CK (Enterprise, ICS) and
// ATLAS with their tactics, which package correlate reads and `go generate
// ./internal/correlate` makes.
func Techniques() []byte { return techniques }

//go:embed attack/answers.tsv
var answers []byte

// Answers returns what counters each technique - mitigations of MITRE ATT&CK,
// techniques of MITRE D3FEND - and which patterns of CAPEC it is, which package
// intel/answer reads and `go generate ./internal/correlate` makes.
func Answers() []byte { return answers }
