package content

import _ "embed"

//go:embed vuln/vendors.tsv
var vendors string

// Vendors returns the names that makers of devices are known by, which package
// vuln/match reads.
func Vendors() string { return vendors }

//go:embed vuln/ssvc.tsv
var ssvc string

// SSVC returns the decision tree of CISA as a table, which package
// vuln/priority reads.
func SSVC() string { return ssvc }
