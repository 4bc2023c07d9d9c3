package event

import "strings"

// Class is an OCSF class id.
type Class int64

// The classes that Vedette uses. DeviceTelemetry is our own extension.
const (
	FileActivity         Class = 1001
	ProcessActivity      Class = 1007
	VulnerabilityFinding Class = 2002
	ComplianceFinding    Class = 2003
	DetectionFinding     Class = 2004
	IncidentFinding      Class = 2005
	Authentication       Class = 3002
	NetworkActivity      Class = 4001
	HTTPActivity         Class = 4002
	DNSActivity          Class = 4003
	DHCPActivity         Class = 4004
	SMBActivity          Class = 4006
	SSHActivity          Class = 4007
	FTPActivity          Class = 4008
	EmailActivity        Class = 4009
	NetworkFileActivity  Class = 4010
	DeviceInventoryInfo  Class = 5001
	DeviceConfigState    Class = 5019
	SoftwareInventory    Class = 5020
	ApplicationLifecycle Class = 6002
	DeviceTelemetry      Class = 900100
	BaseEvent            Class = 0
)

var classNames = []struct {
	class Class
	name  string
}{
	{BaseEvent, "base_event"},
	{FileActivity, "file_activity"},
	{ProcessActivity, "process_activity"},
	{VulnerabilityFinding, "vulnerability_finding"},
	{ComplianceFinding, "compliance_finding"},
	{DetectionFinding, "detection_finding"},
	{IncidentFinding, "incident_finding"},
	{Authentication, "authentication"},
	{NetworkActivity, "network_activity"},
	{HTTPActivity, "http_activity"},
	{DNSActivity, "dns_activity"},
	{DHCPActivity, "dhcp_activity"},
	{SMBActivity, "smb_activity"},
	{SSHActivity, "ssh_activity"},
	{FTPActivity, "ftp_activity"},
	{EmailActivity, "email_activity"},
	{NetworkFileActivity, "network_file_activity"},
	{DeviceInventoryInfo, "device_inventory_info"},
	{DeviceConfigState, "device_config_state_change"},
	{SoftwareInventory, "software_inventory"},
	{ApplicationLifecycle, "application_lifecycle"},
	{DeviceTelemetry, "device_telemetry"},
}

// String returns the OCSF name of the class, such as "network_activity".
func (c Class) String() string {
	for _, e := range classNames {
		if e.class == c {
			return e.name
		}
	}
	return "unknown_class"
}

// ClassByName finds a class by its OCSF name, in any case.
func ClassByName(name string) (Class, bool) {
	for _, e := range classNames {
		if strings.EqualFold(e.name, name) {
			return e.class, true
		}
	}
	return 0, false
}

// ClassNames returns the names of all classes.
func ClassNames() []string {
	names := make([]string, len(classNames))
	for i, e := range classNames {
		names[i] = e.name
	}
	return names
}

// Severity is an OCSF severity id.
type Severity int64

// The OCSF severities.
const (
	Informational Severity = iota + 1
	Low
	Medium
	High
	Critical
	Fatal
)

// String returns the severity in lower case.
func (s Severity) String() string {
	switch s {
	case Informational:
		return "informational"
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	case Critical:
		return "critical"
	case Fatal:
		return "fatal"
	}
	return "unknown"
}

// The words of the labels that travel with every event. Integrity says who
// wrote the text; confidentiality says where it may go.
const (
	Operator  = "operator"
	System    = "system"
	Untrusted = "untrusted"

	Public       = "public"
	Internal     = "internal"
	Confidential = "confidential"
	Restricted   = "restricted"
)

// The words of [Event.Status].
const (
	Success = "Success"
	Failure = "Failure"
	Other   = "Other"
)
