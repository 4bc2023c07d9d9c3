package windows

import (
	"strings"

	"vedette/internal/event"
)

// from says which field takes which of an event's values, the first that is
// there.
type from struct {
	slot  event.Slot
	names []string
}

// meaning is what the events of one id are.
type meaning struct {
	class    event.Class
	activity string
	status   string
	app      string
	fields   []from
	finish   func(e *event.Event)
}

// The fields of the families of events. Names are those of the event's own
// definition (Security: "Appendix L"; Sysmon: its schema).
var (
	subject = from{event.SlotActorUserName, []string{"SubjectUserName"}}
	account = from{event.SlotUserName, []string{"TargetUserName", "User", "AccountName", "SubjectUserName", "UserName"}}
	image   = []from{
		{event.SlotProcessFilePath, []string{"Image", "NewProcessName", "ProcessName", "SourceImage", "Application", "ApplicationName"}},
		{event.SlotProcessPid, []string{"ProcessId", "NewProcessId", "ProcessID", "SourceProcessId"}},
	}
	logonFields = []from{
		subject,
		{event.SlotUserName, []string{"TargetUserName", "UserName", "AccountName"}},
		{event.SlotUserUID, []string{"TargetUserSid", "TargetSid"}},
		{event.SlotSessionUID, []string{"TargetLogonId", "LogonId", "LogonID"}},
		{event.SlotSrcEndpointIP, []string{"IpAddress", "ClientAddress", "Address"}},
		{event.SlotSrcEndpointPort, []string{"IpPort"}},
		{event.SlotSrcEndpointHostname, []string{"WorkstationName", "Workstation", "ClientName"}},
		{event.SlotAuthProtocol, []string{"AuthenticationPackageName", "PackageName"}},
		{event.SlotProcessFilePath, []string{"ProcessName"}},
		{event.SlotDstEndpointHostname, []string{"TargetServerName"}},
	}
	accountFields = []from{subject, {event.SlotUserName, []string{"TargetUserName", "MemberName"}}, {event.SlotUserUID, []string{"TargetSid", "MemberSid"}}, {event.SlotSessionUID, []string{"SubjectLogonId"}}}
	startFields   = []from{
		{event.SlotProcessFilePath, []string{"Image", "NewProcessName"}},
		{event.SlotProcessPid, []string{"NewProcessId", "ProcessId"}},
		{event.SlotProcessCmdLine, []string{"CommandLine", "ProcessCommandLine"}},
		{event.SlotProcessParentFilePath, []string{"ParentImage", "ParentProcessName"}},
		{event.SlotProcessParentCmdLine, []string{"ParentCommandLine"}},
		{event.SlotUserName, []string{"User", "SubjectUserName"}},
		{event.SlotSessionUID, []string{"LogonId", "SubjectLogonId"}},
	}
	connectFields = append([]from{
		{event.SlotSrcEndpointIP, []string{"SourceIp", "SourceAddress"}},
		{event.SlotSrcEndpointPort, []string{"SourcePort"}},
		{event.SlotSrcEndpointHostname, []string{"SourceHostname"}},
		{event.SlotDstEndpointIP, []string{"DestinationIp", "DestAddress"}},
		{event.SlotDstEndpointPort, []string{"DestinationPort", "DestPort"}},
		{event.SlotDstEndpointHostname, []string{"DestinationHostname"}},
		{event.SlotConnectionInfoProtocolName, []string{"Protocol"}},
		account,
	}, image...)
	fileFields     = append([]from{{event.SlotFileName, []string{"TargetFilename", "ImageLoaded", "ObjectName", "PipeName", "Device"}}, account}, image...)
	registryFields = append([]from{{event.SlotFileName, []string{"TargetObject", "ObjectName"}}, account}, image...)
	shareFields    = []from{{event.SlotUserName, []string{"SubjectUserName"}}, {event.SlotSrcEndpointIP, []string{"IpAddress"}}, {event.SlotSrcEndpointPort, []string{"IpPort"}}, {event.SlotFileName, []string{"RelativeTargetName", "ShareName"}}}
	generalFields  = append([]from{account, {event.SlotProcessCmdLine, []string{"CommandLine", "HostApplication"}}}, image...)
	serviceFields  = []from{{event.SlotUserName, []string{"AccountName", "SubjectUserName", "ServiceAccount"}}, {event.SlotProcessFilePath, []string{"ImagePath", "ServiceFileName"}}, {event.SlotProcessName, []string{"ServiceName", "TaskName"}}}
)

// meaningOf finds what an event is. Ids mean something only in their channel.
func meaningOf(product, channel, provider, id string) (meaning, bool) {
	table := map[string]meaning(nil)
	switch {
	case product == "Sysmon":
		table = sysmon
	case strings.EqualFold(channel, "Security") || strings.Contains(provider, "Security-Auditing"):
		table = security
	case strings.EqualFold(channel, "System"):
		table = systemLog
	case strings.Contains(channel, "PowerShell"):
		table = powershell
	case strings.Contains(channel, "Windows Defender"):
		table = defender
	case strings.Contains(channel, "TerminalServices"):
		table = terminal
	}
	m, ok := table[id]
	if m.fields == nil {
		m.fields = generalFields
	}
	return m, ok
}

func process(activity string, fields []from) meaning {
	return meaning{class: event.ProcessActivity, activity: activity, fields: fields, finish: finishProcess}
}

func file(activity string) meaning {
	return meaning{class: event.FileActivity, activity: activity, fields: fileFields, finish: finishFile}
}

func registry(activity string) meaning {
	return meaning{class: event.BaseEvent, activity: activity, fields: registryFields, finish: finishProcess}
}

// sysmon are the events of Sysmon by id.
var sysmon = map[string]meaning{
	"1": process("Launch", startFields), "5": process("Terminate", generalFields), "2": file("Set Attributes"),
	"3": {class: event.NetworkActivity, activity: "Open", fields: connectFields, finish: finishConnection},
	"4": {class: event.ApplicationLifecycle, activity: "Sysmon state changed"}, "16": {class: event.ApplicationLifecycle, activity: "Sysmon configuration changed"},
	"6": file("Load driver"), "7": {class: event.ProcessActivity, activity: "Load module", fields: fileFields, finish: finishFile},
	"8": process("Inject", generalFields), "9": file("Raw read"), "10": process("Open", generalFields), "25": process("Tamper", generalFields),
	"11": file("Create"), "15": file("Create stream"), "23": file("Delete"), "26": file("Delete"), "27": file("Create blocked"), "28": file("Shred blocked"), "29": file("Create"),
	"12": registry("Registry key"), "13": registry("Registry value set"), "14": registry("Registry rename"),
	"17": file("Create pipe"), "18": file("Connect pipe"), "19": {class: event.BaseEvent, activity: "WMI filter"}, "20": {class: event.BaseEvent, activity: "WMI consumer"}, "21": {class: event.BaseEvent, activity: "WMI binding"},
	"22": {class: event.DNSActivity, activity: "Query", app: "dns", fields: append([]from{{event.SlotQueryHostname, []string{"QueryName"}}, account}, image...), finish: finishQuery},
	"24": process("Clipboard", generalFields), "255": {class: event.BaseEvent, activity: "Error"},
}

func logon(activity, status string) meaning {
	return meaning{class: event.Authentication, activity: activity, status: status, fields: logonFields, finish: finishLogon}
}

func changed(activity string) meaning {
	return meaning{class: event.BaseEvent, activity: activity, status: event.Success, fields: accountFields}
}

func filtered(activity, disposition, status string) meaning {
	return meaning{class: event.NetworkActivity, activity: activity, status: status, fields: connectFields, finish: func(e *event.Event) {
		e.SetDisposition(disposition)
		finishConnection(e)
	}}
}

// security are the events of the Security channel by id. "Logon" is what counts
// as an attempt; a ticket or a validation beside it is named as what it is.
var security = map[string]meaning{
	"4624": logon("Logon", event.Success), "4625": logon("Logon", event.Failure), "4634": logon("Logoff", event.Success), "4647": logon("Logoff", event.Success),
	"4648": logon("Explicit credentials", ""), "4672": {class: event.Authentication, activity: "Special privileges", status: event.Success, fields: []from{{event.SlotUserName, []string{"SubjectUserName"}}, {event.SlotSessionUID, []string{"SubjectLogonId"}}}},
	"4627": logon("Group membership", event.Success), "4768": logon("Authentication ticket", ""), "4769": logon("Service ticket", ""), "4770": logon("Ticket renewed", ""), "4771": logon("Preauth", event.Failure), "4776": logon("Credential validation", ""),
	"4778": logon("Session reconnected", ""), "4779": logon("Session disconnected", ""), "4800": logon("Workstation locked", ""), "4801": logon("Workstation unlocked", ""), "4740": logon("Account locked out", event.Failure),
	"4688": process("Launch", startFields), "4689": process("Terminate", generalFields), "4696": process("Token assigned", generalFields), "4703": process("Privileges adjusted", generalFields),
	"4673": process("Privileged service", generalFields), "4674": process("Privileged operation", generalFields),
	"4720": changed("Create account"), "4722": changed("Enable account"), "4723": changed("Change password"), "4724": changed("Reset password"), "4725": changed("Disable account"), "4726": changed("Delete account"), "4738": changed("Change account"), "4767": changed("Unlock account"), "4781": changed("Rename account"),
	"4727": changed("Create group"), "4728": changed("Add to group"), "4729": changed("Remove from group"), "4730": changed("Delete group"), "4731": changed("Create group"), "4732": changed("Add to group"), "4733": changed("Remove from group"), "4734": changed("Delete group"), "4735": changed("Change group"), "4756": changed("Add to group"), "4757": changed("Remove from group"),
	"4741": changed("Create computer account"), "4742": changed("Change computer account"), "4743": changed("Delete computer account"), "4704": changed("Assign right"), "4705": changed("Remove right"), "4719": changed("Change audit policy"), "4739": changed("Change domain policy"),
	"4656": file("Request handle"), "4658": file("Close handle"), "4660": file("Delete"), "4661": file("Request handle"), "4663": file("Access"), "4670": file("Set permissions"), "4690": file("Duplicate handle"), "4657": registry("Registry value set"),
	"4697": {class: event.ApplicationLifecycle, activity: "Install service", fields: serviceFields}, "4698": {class: event.ApplicationLifecycle, activity: "Create scheduled task", fields: serviceFields}, "4699": {class: event.ApplicationLifecycle, activity: "Delete scheduled task", fields: serviceFields}, "4702": {class: event.ApplicationLifecycle, activity: "Change scheduled task", fields: serviceFields},
	"5140": {class: event.SMBActivity, activity: "Access share", app: "smb", fields: shareFields}, "5145": {class: event.SMBActivity, activity: "Check share", app: "smb", fields: shareFields},
	"5152": filtered("Drop packet", "Blocked", event.Failure), "5154": filtered("Listen", "Allowed", event.Success), "5156": filtered("Open", "Allowed", event.Success), "5157": filtered("Open", "Blocked", event.Failure), "5158": filtered("Bind", "Allowed", event.Success), "5159": filtered("Bind", "Blocked", event.Failure),
	"1102": {class: event.BaseEvent, activity: "Clear log", status: event.Success}, "1100": {class: event.ApplicationLifecycle, activity: "Event log stopped"},
	"4608": {class: event.ApplicationLifecycle, activity: "Windows starts"}, "4616": {class: event.DeviceConfigState, activity: "Change system time"}, "4946": {class: event.DeviceConfigState, activity: "Add firewall rule"}, "4947": {class: event.DeviceConfigState, activity: "Change firewall rule"}, "4948": {class: event.DeviceConfigState, activity: "Delete firewall rule"}, "5447": {class: event.DeviceConfigState, activity: "Change filter"},
}

var systemLog = map[string]meaning{
	"7045": {class: event.ApplicationLifecycle, activity: "Install service", fields: serviceFields}, "7034": {class: event.ApplicationLifecycle, activity: "Service crashed", fields: serviceFields}, "7036": {class: event.ApplicationLifecycle, activity: "Service changed state", fields: serviceFields},
	"7040": {class: event.DeviceConfigState, activity: "Change service start", fields: serviceFields}, "7000": {class: event.ApplicationLifecycle, activity: "Service failed to start", status: event.Failure, fields: serviceFields}, "7009": {class: event.ApplicationLifecycle, activity: "Service timed out", status: event.Failure, fields: serviceFields},
	"104": {class: event.BaseEvent, activity: "Clear log", status: event.Success}, "6005": {class: event.ApplicationLifecycle, activity: "Event log started"}, "6006": {class: event.ApplicationLifecycle, activity: "Event log stopped"}, "6008": {class: event.ApplicationLifecycle, activity: "Unexpected shutdown"},
}

var powershell = map[string]meaning{
	"4103": process("Run pipeline", generalFields), "4104": {class: event.ProcessActivity, activity: "Run script block", fields: append([]from{{event.SlotProcessCmdLine, []string{"ScriptBlockText"}}}, generalFields...)},
	"400": process("Start engine", generalFields), "403": process("Stop engine", generalFields), "600": process("Start provider", generalFields), "800": process("Run pipeline", generalFields),
}

var defender = map[string]meaning{
	"1116": threat("Detect"), "1117": threat("Remediate"), "1118": threat("Remediation failed"), "1119": threat("Remediation failed critically"), "1006": threat("Detect"),
	"5001": {class: event.DeviceConfigState, activity: "Disable real-time protection"}, "5007": {class: event.DeviceConfigState, activity: "Change configuration"},
}

func threat(activity string) meaning {
	return meaning{class: event.DetectionFinding, activity: activity, fields: []from{
		{event.SlotFindingInfoTitle, []string{"Threat Name"}},
		{event.SlotFindingInfoUID, []string{"Threat ID"}},
		{event.SlotFindingInfoCategory, []string{"Category Name"}},
		{event.SlotUserName, []string{"Detection User", "Remediation User"}},
		{event.SlotFileName, []string{"Path"}},
		{event.SlotDisposition, []string{"Action Name"}},
		{event.SlotProcessFilePath, []string{"Process Name"}},
	}}
}

var terminal = map[string]meaning{
	"21": {class: event.Authentication, activity: "Session opened", status: event.Success, app: "rdp", fields: logonFields}, "23": {class: event.Authentication, activity: "Logoff", app: "rdp", fields: logonFields},
	"24": {class: event.Authentication, activity: "Session disconnected", app: "rdp", fields: logonFields}, "25": {class: event.Authentication, activity: "Session reconnected", status: event.Success, app: "rdp", fields: logonFields},
}
