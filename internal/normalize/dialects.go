package normalize

import (
	"vedette/internal/normalize/auditd"
	"vedette/internal/normalize/cef"
	"vedette/internal/normalize/mqttlog"
	"vedette/internal/normalize/netflow"
	"vedette/internal/normalize/nmap"
	"vedette/internal/normalize/ocsf"
	"vedette/internal/normalize/plain"
	"vedette/internal/normalize/radius"
	"vedette/internal/normalize/suricata"
	"vedette/internal/normalize/syslog"
	"vedette/internal/normalize/table"
	"vedette/internal/normalize/telemetry"
	"vedette/internal/normalize/web"
	"vedette/internal/normalize/windows"
	"vedette/internal/normalize/zeek"
)

// Dialects is the list of all formats that can be read. A new one is added
// here and nowhere else; see docs/new-parser.md.
func Dialects() []Dialect {
	return []Dialect{
		Capture(), Packets(), netflow.Export(), nmap.XML(), zeek.TSV(), zeek.JSON(), suricata.EVE(), cef.CEF(), cef.LEEF(), windows.Dialect(), auditd.Dialect(),
		web.Access(), web.Error(), web.W3C(), radius.Log(), radius.Detail(), mqttlog.Dialect(), syslog.Dialect(), ocsf.JSON(), telemetry.JSON(),
		telemetry.SenML(), telemetry.Sparkplug(), telemetry.Value(), netflow.Nfdump(), netflow.Argus(), table.CSV(), plain.Text(),
	}
}
