package rest

import (
	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
	vulnlib "vedette/internal/vuln/library"
	"vedette/internal/vuln/vex"
)

// vulnRoutes lists the operations on vulnerabilities, bills of materials and
// feeds beside those of the list.
func vulnRoutes(page []param) []Route {
	groupsBy := append([]param{
		{"by", "device, component or advisory"},
		{"q", "a text in name, component, id or title"},
		{"status", "affected or undetermined"},
		{"decision", "act, attend, track* or track"},
		{"format", "csv or json: all of them as a file; it is in the journal who took it"},
	}, page...)
	named := param{"name", "of the file"}
	return []Route{
		{"GET /api/v1/vulnerabilities/groups", authz.VulnsRead, "what is affected, counted by what has it", vulnGroups, true, shapes{nil, of[groupsPage](), groupsBy}},
		{"GET /api/v1/vulnerabilities/statements", authz.VulnsRead, "the site's own statements (VEX), the newest first", statements, true, shapes{nil, of[Page[vex.Statement]](), append([]param{{"id", "of a vulnerability"}, {"all", "1: those too that others took the place of"}}, page...)}},
		{"POST /api/v1/vulnerabilities/statements", authz.VulnsWrite, "state whether a product has a vulnerability, and why; withdrawn takes it back", state, false, shapes{of[api.VexRequest](), of[vex.Statement](), nil}},
		{"GET /api/v1/devices/{uid}/vulnerabilities", authz.VulnsRead, "what one device is affected by, may be, or is cleared of", deviceVulns, true, shapes{nil, of[Page[api.VulnRow]](), append([]param{{"status", "affected, undetermined or not_affected"}, {"decision", "such as act"}}, page...)}},
		{"GET /api/v1/devices/{uid}/bills", authz.VulnsRead, "the bills of materials that count for a device, and its former ones", deviceBills, true, shapes{nil, of[Page[api.BillEntry]](), nil}},
		{"GET /api/v1/devices/{uid}/bills/{id}", authz.VulnsRead, "one of them with its components and their vulnerabilities", deviceBill, true, shapes{nil, of[api.BillView](), nil}},
		{"GET /api/v1/bills", authz.VulnsRead, "list bills of materials, the newest first", billList, true, shapes{nil, of[Page[api.BillEntry]](), append([]param{{"subject", "a device or product"}}, page...)}},
		{"POST /api/v1/bills", authz.VulnsWrite, "take in a bill of materials: CycloneDX or SPDX", takeBill, false, shapes{nil, of[vulnlib.BillReport](), []param{{"device", "uid of the device that it is of"}, {"product", "or the product; neither: what it says itself"}, named}}},
		{"GET /api/v1/bills/diff", authz.VulnsRead, "what a later bill has otherwise than an earlier one", billDiff, true, shapes{nil, of[api.BillDiff](), []param{{"before", "id of the earlier"}, {"after", "id of the later"}}}},
		{"GET /api/v1/bills/{id}", authz.VulnsRead, "one bill with its components and their vulnerabilities", oneBill, true, shapes{nil, of[api.BillView](), nil}},
		{"GET /api/v1/advisories", authz.VulnsRead, "which advisories are kept, by kind and publisher", advisoryFeeds, false, shapes{nil, of[api.AdvisoryFeeds](), nil}},
		{"POST /api/v1/advisories", authz.IntelWrite, "take in advisories: CSAF, CVE, OSV, KEV, EPSS, OpenVEX, CycloneDX VEX", takeAdvisories, false, shapes{nil, of[vulnlib.Report](), []param{named}}},
		{"POST /api/v1/intel", authz.IntelWrite, "take in a feed of indicators: STIX, MISP, CSV or a list", takeFeed, false, shapes{nil, of[library.Report](), []param{named, {"confidence", "0 to 100, where the feed gives none"}, {"days", "until what has no end ends"}}}},
		{"DELETE /api/v1/intel/{name}", authz.IntelWrite, "forget a feed of indicators", dropFeed, false, shapes{nil, of[done](), nil}},
		{"POST /api/v1/intel/pulls/{name}", authz.FeedsWrite, "pull a feed now", pullNow, false, shapes{of[pullBody](), of[pull.Health](), nil}},
		{"GET /api/v1/intel/seen", authz.FindingsRead, "devices that met an indicator in 90 days and techniques seen in 30, counted over all findings", intelSeen, true, shapes{nil, of[api.IntelSeen](), nil}},
		{"GET /api/v1/intel/techniques/{id}", authz.IntelRead, "what is known here of a technique of ATT&CK or ATLAS: rules, findings, devices, who uses it, measures", technique, true, shapes{nil, of[api.TechniqueAnswer](), nil}},
		{"GET /api/v1/intel/allow", authz.IntelRead, "the list of values that no feed counts for", allowList, false, shapes{nil, of[Page[library.Allowed]](), page}},
		{"POST /api/v1/intel/allow", authz.IntelWrite, "put values on the allow-list or take them off it, and why", allowValues, false, shapes{of[allowBody](), of[Page[library.Allowed]](), nil}},
	}
}
