package normalize

import (
	"vedette/internal/normalize/cef"
	"vedette/internal/normalize/netflow"
	"vedette/internal/normalize/nmap"
	"vedette/internal/normalize/ocsf"
	"vedette/internal/normalize/plain"
	"vedette/internal/normalize/suricata"
	"vedette/internal/normalize/syslog"
	"vedette/internal/normalize/table"
	"vedette/internal/normalize/telemetry"
	"vedette/internal/normalize/zeek"
)

// Dialects is the list of all formats that can be read. A new one is added
// here and nowhere else; see docs/new-parser.md.
func Dialects() []Dialect {
	return []Dialect{Capture(), zeek.TSV(), zeek.JSON(), suricata.EVE(), cef.CEF(), cef.LEEF(), syslog.Dialect(), ocsf.JSON(), telemetry.JSON(), telemetry.SenML(), telemetry.Sparkplug(), netflow.Export(), nmap.XML(), netflow.Nfdump(), netflow.Argus(), table.CSV(), plain.Text()}
}
