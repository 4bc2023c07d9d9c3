package content

import _ "embed"

//go:embed sigma/mapping.yaml
var sigmaMapping []byte

// SigmaMapping returns which events and fields the log sources of Sigma rules
// mean, which package detect/sigma reads.
func SigmaMapping() []byte { return sigmaMapping }
