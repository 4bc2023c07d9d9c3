package rest

import (
	"slices"

	"vedette/internal/api"
	"vedette/internal/asset"
	"vedette/internal/audit"
	"vedette/internal/authz"
	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/ingest"
	"vedette/internal/ingest/bulk"
	"vedette/internal/intel/library"
	"vedette/internal/intel/pull"
)

// Routes lists the operations there are.
func Routes() []Route {
	page := []param{{"limit", "rows of a page, 1 to 1000; 100 without it"}, {"cursor", "what the page before gave as next"}}
	devicesBy := append([]param{
		{"q", "a text in name, address, vendor, model or uid"},
		{"type", "may come several times"},
		{"zone", "as type"},
		{"vendor", "as type"},
		{"criticality", "as type"},
		{"state", "as type"},
		{"sort", "name, first_seen, last_seen or one of the above; with - before it the other way round"},
		{"facets", "1: how many devices have which values"},
		{"format", "csv: all of them as a file"},
	}, page...)
	vulnsBy := []param{{"id", "of a vulnerability"}, {"subject", "a device or product"}, {"decision", "such as act"}, {"component", "a component, by what a row or group names it"}, {"status", "affected or undetermined; with id or subject also not_affected"}}
	found := []param{{"limit", "1 to 1000"}, {"last", "a time before the newest event, such as 24h"}, {"severity", "at least this: low, medium, high, critical"}, {"rule", "id of a rule"}, {"family", "sigma, behaviour, indicator or policy"}, {"device", "uid"}}
	return append([]Route{
		{"GET /api/v1/me", authz.SelfRead, "who asks, and what they may do", me, true, shapes{nil, of[whoami](), nil}},
		{"POST /api/v1/ask", authz.Ask, "answer a question in plain words, each sentence with its evidence; with Accept: text/event-stream sentence by sentence", ask, true, shapes{of[question](), of[copilot.Answer](), nil}},
		{"POST /api/v1/query", authz.EventsRead, "run a typed query (docs/query.md)", query, true, shapes{of[queryBody](), of[tableView](), nil}},
		{"GET /api/v1/now", authz.EventsRead, "what needs a person", now, true, shapes{nil, of[overview](), nil}},
		{"GET /api/v1/events/{uid}", authz.EventsRead, "one event with all its fields and its record", oneEvent, true, shapes{nil, of[eventView](), []param{{"at", "about when it happened, which makes it quick to find"}}}},
		{"GET /api/v1/events/tail", authz.EventsRead, "follow what comes in, as server-sent events", tail, true, shapes{nil, nil, []param{{"q", "conditions of a query"}, {"select", "fields, separated by commas"}}}},
		{"GET /api/v1/fields", authz.EventsRead, "the fields that queries know", fields, true, shapes{nil, of[Page[fieldRow]](), nil}},
		{"GET /api/v1/devices", authz.DevicesRead, "list devices", devices, true, shapes{nil, of[devicePage](), devicesBy}},
		{"GET /api/v1/devices/{uid}", authz.DevicesRead, "one device, and why what is believed of it is believed", device, true, shapes{nil, of[deviceView](), nil}},
		{"GET /api/v1/devices/{uid}/behaviour", authz.EventsRead, "what a device did beside what is usual of it: by minute or hour, by peer, function and telemetry tag", deviceBehaviour, true, shapes{nil, of[api.DeviceBehaviour](), []param{{"last", "a time before the newest event, 1h to 31d; 24h without it"}}}},
		{"GET /api/v1/devices/{uid}/policy", authz.EventsRead, "a policy learnt from what a device was seen to do, and the flows of the last day that are outside of it", devicePolicy, true, shapes{nil, of[api.DeviceMUD](), []param{{"format", "mud: a MUD file (RFC 8520) of all 30 days"}}}},
		{"GET /api/v1/devices/{uid}/changes", authz.EventsRead, "events that changed, or were to change, what a device runs: program, firmware, configuration, restart; the newest first", deviceChanges, true, shapes{nil, of[Page[api.DeviceChange]](), nil}},
		{"GET /api/v1/devices/{uid}/life", authz.DevicesRead, "how a device stands in its life and how it came there", deviceLife, true, shapes{nil, of[api.DeviceLife](), nil}},
		{"PATCH /api/v1/devices/{uid}", authz.DevicesWrite, "set one attribute", setDevice, true, shapes{of[map[string]string](), of[deviceRow](), nil}},
		{"GET /api/v1/findings", authz.FindingsRead, "list findings, the newest first", findings, true, shapes{nil, of[Page[event.Finding]](), found}},
		{"GET /api/v1/findings/{uid}", authz.FindingsRead, "one finding with the events it is about", finding, true, shapes{nil, of[api.FindingDetail](), nil}},
		{"GET /api/v1/incidents", authz.IncidentsRead, "list incidents, the gravest first", incidents, true, shapes{nil, of[incidentList](), append([]param{{"status", "open (without it) or all"}, {"assignee", "a person's name, me or nobody"}}, page...)}},
		{"GET /api/v1/incidents/people", authz.IncidentsWrite, "the people whom an incident can be given to", assignable, true, shapes{nil, of[Page[api.Assignable]](), page}},
		{"GET /api/v1/incidents/{uid}", authz.IncidentsRead, "one incident with timeline, graph and similar ones", incident, true, shapes{nil, of[incidentView](), nil}},
		{"GET /api/v1/incidents/{uid}/export", authz.IncidentsRead, "one incident as a file; it is in the journal who took it", exportIncident, true, shapes{nil, of[api.IncidentFile](), []param{{"format", "json (without it), or md: a report in Markdown"}}}},
		{"POST /api/v1/incidents/{uid}/decisions", authz.IncidentsWrite, "close, reopen, split, judge, assign, write a note, or undo a judgement or note (its id as uid)", decide, true, shapes{of[api.IncidentDecision](), of[incidentView](), nil}},
		{"GET /api/v1/vulnerabilities", authz.VulnsRead, "what is affected, most urgent first", vulns, true, shapes{nil, of[named[api.VulnRow]](), append(vulnsBy, page...)}},
		{"GET /api/v1/vulnerabilities/plan", authz.VulnsRead, "what to do, by action, the most useful first", vulnPlan, true, shapes{nil, of[planPage](), append([]param{{"q", "a text in it: what, for what or on what"}, {"format", "csv: all of it as a file"}, {"limit", "rows of a page, 1 to 1000, with 100 devices of each; without limit and cursor all of it, with fewer devices of each the more actions there are"}, page[1]}, vulnsBy[:3]...)}},
		{"GET /api/v1/vulnerabilities/{id}", authz.VulnsRead, "all that is known of one vulnerability", vuln, true, shapes{nil, of[api.VulnDetail](), nil}},
		{"GET /api/v1/remediations", authz.VulnsRead, "list tasks against vulnerabilities, what is due first before the others", remediations, true, shapes{nil, of[Page[api.RemediationView]](), append([]param{{"state", "active, overdue, doubted, archived (verified long ago), or one of the states"}, {"q", "a text in what names it"}, {"owner", "a person's name, or me"}, {"subject", "such as device:UID"}, {"format", "csv: all of them as a file"}}, page...)}},
		{"POST /api/v1/remediations", authz.VulnsWrite, "open a task from an action of the plan, by its id", openRemediation, true, shapes{of[api.RemediationOpen](), of[remediationView](), nil}},
		{"GET /api/v1/remediations/{uid}", authz.VulnsRead, "one task, and what was seen of each of its devices", remediation, true, shapes{nil, of[remediationView](), nil}},
		{"GET /api/v1/remediations/{uid}/ticket", authz.VulnsRead, "one task as a ticket in Markdown", remediationTicket, true, shapes{nil, nil, nil}},
		{"POST /api/v1/remediations/{uid}/decisions", authz.VulnsWrite, "set owner, due date, window or state, write a note, or take the last change back", decideRemediation, true, shapes{of[api.RemediationDecision](), of[remediationView](), nil}},
		{"GET /api/v1/devices/{uid}/firmware", authz.DevicesRead, "which firmware was told of a device when, and by what", firmware, true, shapes{nil, of[Page[asset.Run]](), nil}},
		{"GET /api/v1/intel", authz.IntelRead, "list feeds of threat intelligence", intelFeeds, false, shapes{nil, of[Page[library.Feed]](), nil}},
		{"GET /api/v1/intel/pulls", authz.IntelRead, "how the feeds are that are pulled: last success, failing since when and why", intelPulls, false, shapes{nil, of[Page[pull.Health]](), page}},
		{"POST /api/v1/intel/lookup", authz.IntelRead, "what feeds know of values", intelLookup, true, shapes{of[lookup](), of[Page[api.IntelAnswer]](), nil}},
		{"GET /api/v1/sources", authz.SourcesRead, "how the live sources stand", sources, false, shapes{nil, of[Page[ingest.Status]](), page}},
		{"GET /api/v1/ai", authz.EgressRead, "which models may answer, and what went to them", ai, false, shapes{nil, of[api.AI](), []param{{"limit", "calls, 1 to 200"}}}},
		{"POST /api/v1/ai/find", authz.ModelsWrite, "look for model servers on the server's machine", findModels, false, shapes{of[map[string]any](), of[Page[api.FoundModel]](), nil}},
		{"POST /api/v1/ai/use", authz.ModelsWrite, "approve a model that was found", useModel, false, shapes{of[api.ModelUse](), of[api.AI](), nil}},
		{"GET /api/v1/audit", authz.AuditRead, "the newest entries of the journal", journal, false, shapes{nil, of[Page[audit.Entry]](), []param{{"limit", "1 to 1000"}}}},
		{"POST /api/v1/bulk", authz.EventsIngest, "push lines into the durable spool", push, false, shapes{nil, of[bulk.Taken](), []param{{"format", "name of a format; without it it is recognised"}}}},
		{"POST /v1/logs", authz.EventsIngest, "OTLP/HTTP export of logs, as application/json or application/x-protobuf", logs, false, shapes{of[map[string]any](), of[map[string]any](), nil}},
		{"POST /api/v1/ingest", authz.EventsIngest, "take in a file or log of any format, and answer when it is stored", take, false, shapes{nil, of[ingest.Summary](), []param{{"name", "what it is called"}, {"format", "as of bulk"}, {"filter", "of a capture: which packets are taken, in the language of tcpdump"}}}},
	}, slices.Concat(networkRoutes(), spoolRoutes(page), vulnRoutes(page), settingRoutes(page), zoneRoutes(page), feedRoutes(page), modelRoutes(page), brokerRoutes(page))...)
}

func networkRoutes() []Route {
	return []Route{
		{"GET /api/v1/network/crossings", authz.EventsRead, "what the devices of some zones exchange with other zones, of which nothing but the name is told", crossings, true, shapes{nil, of[Page[api.Crossing]](), []param{{"zone", "whose devices; may come several times. Who is limited to zones need not name them"}, {"last", "a time before the newest event, such as 24h; all without it"}}}},
		{"GET /api/v1/network/passages", authz.EventsRead, "what passes between zones, the internet and addresses in no zone, which conduits cover it, and what of the site's policy it violates", passages, true, shapes{nil, of[api.Passages](), []param{{"zone", "one end is in it; may come several times"}, {"last", "a time before the newest event, such as 24h; all without it"}}}},
		{"GET /api/v1/conduits", authz.EventsRead, "what the site allows between its zones, as it is in force; to who is limited to zones, what touches them", zonePolicy, true, shapes{nil, of[api.ZonePolicy](), nil}},
		{"GET /api/v1/conduits/draft", authz.EventsRead, "conduits that would allow what was seen, as a policy file for a person to read", draftPolicy, false, shapes{nil, nil, []param{{"last", "a time before the newest event, such as 24h; 7d without it"}}}},
	}
}
