package normalize

import (
	"vedette/internal/normalize/auditd"
	"vedette/internal/normalize/cef"
	"vedette/internal/normalize/mqttlog"
	"vedette/internal/normalize/plain"
	"vedette/internal/normalize/radius"
	"vedette/internal/normalize/suricata"
	"vedette/internal/normalize/syslog"
	"vedette/internal/normalize/web"
	"vedette/internal/normalize/windows"
	"vedette/internal/normalize/zeek"
)

// Dialects is the list of all formats that can be read. A new one is added
// here and nowhere else; see docs/new-parser.md.
func Dialects() []Dialect {
	return []Dialect{
		Capture(), zeek.TSV(), zeek.JSON(), suricata.EVE(), cef.CEF(), cef.LEEF(), windows.Dialect(), auditd.Dialect(),
		web.Access(), web.Error(), web.W3C(), radius.Log(), radius.Detail(), mqttlog.Dialect(), syslog.Dialect(), plain.Text(),
	}
}
