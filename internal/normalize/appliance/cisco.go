package appliance

import (
	"regexp"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// ciscoShape is "%FACILITY-SEVERITY-MNEMONIC: text" of IOS, ASA, NX-OS and FTD.
var ciscoShape = regexp.MustCompile(`^%([A-Z][A-Z0-9_]*(?:-[A-Z][A-Z0-9_]*)?)-([0-7])-([A-Z0-9_]+): ?(.*)$`)

// severities are those of syslog (RFC 5424, table 2) by number.
var severities = [...]event.Severity{event.Fatal, event.Critical, event.Critical, event.High, event.Medium, event.Low, event.Informational, event.Informational}

func cisco(e *event.Event, text string) bool {
	m := ciscoShape.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	e.SetMetadataProduct("Cisco IOS")
	e.SetMetadataLogName("cisco/" + record.LogWord(m[1]))
	e.SetMetadataEventCode(m[1] + "-" + m[2] + "-" + m[3])
	if n, err := strconv.Atoi(m[2]); err == nil {
		e.SetSeverityId(int64(severities[n]))
	}
	record.Keep(e, "facility_name", m[1])
	switch m[1] {
	case "ASA", "FTD", "PIX", "FWSM":
		e.SetMetadataProduct("Cisco " + m[1])
		if !first(e, m[4], asa) {
			first(e, m[4], asaCommon)
		}
	default:
		first(e, m[4], ios)
	}
	return true
}

// The ends of connections as ASA writes them: "outside:192.0.2.7/51544".
const (
	asaEnd   = `(?:(\S+?):)?([0-9a-fA-F.:]+)/(\w+)`
	asaPlain = `([0-9a-fA-F.:]+)/(\w+)`
)

var asa = []pattern{
	{"Built ", regexp.MustCompile(`^Built (?:(inbound|outbound) )?(TCP|UDP|SCTP|GRE) connection (\d+) for ` + asaEnd + ` \([^)]*\)(?:\([^)]*\))? to ` + asaEnd), func(e *event.Event, m []string) {
		traffic(e, "Open", "built")
		connection(e, m[2], m[3])
		if m[1] == "outbound" { // the side that it goes to is named first
			e.SetConnectionInfoDirection("Outbound")
			ends(e, m[7:10], m[4:7])
			return
		}
		if m[1] == "inbound" {
			e.SetConnectionInfoDirection("Inbound")
		}
		ends(e, m[4:7], m[7:10])
	}},
	{"Teardown ", regexp.MustCompile(`^Teardown (TCP|UDP|SCTP|GRE) connection (\d+) for ` + asaEnd + `(?:\([^)]*\))? to ` + asaEnd + `(?:\([^)]*\))? duration (\d+):(\d\d):(\d\d) bytes (\d+) ?(.*)$`), func(e *event.Event, m []string) {
		traffic(e, "Close", "")
		e.SetStatus(event.Success)
		connection(e, m[1], m[2])
		from, to := m[3:6], m[6:9]
		if port(from[2]) < port(to[2]) { // it does not say who began: the lower port did not
			from, to = to, from
		}
		ends(e, from, to)
		e.SetDuration(float64(port(m[9])*3600 + port(m[10])*60 + port(m[11])))
		record.Set(e, event.SlotTrafficBytes, "bytes", m[12])
		e.SetStatusDetail(m[13])
	}},
	{"Deny ", regexp.MustCompile(`^Deny (?:inbound |outbound )?(?:protocol )?(\w+) src ([^\s:]+):([0-9a-fA-F.:]+?)(?:/(\d+))?(?:\([^)]*\))? dst ([^\s:]+):([0-9a-fA-F.:]+?)(?:/(\d+))?(?:\([^)]*\))? (?:\(type (\d+), code (\d+)\) ?)?(?:by access-group "([^"]*)")?`), func(e *event.Event, m []string) {
		traffic(e, "Traffic", "denied")
		e.SetConnectionInfoProtocolName(strings.ToLower(m[1]))
		ends(e, m[2:5], m[5:8])
		record.Keep(e, "access_group", m[10])
	}},
	{"Deny ", regexp.MustCompile(`^Deny (?:inbound |outbound )?(\w+) (?:\(no connection\) )?from ` + asaPlain + ` to ` + asaPlain), func(e *event.Event, m []string) {
		traffic(e, "Traffic", "denied")
		e.SetConnectionInfoProtocolName(strings.ToLower(m[1]))
		source(e, m[2], m[3])
		target(e, m[4], m[5])
	}},
	{"", regexp.MustCompile(`^(?:Inbound|Outbound) (TCP|UDP) connection denied from ` + asaPlain + ` to ` + asaPlain), func(e *event.Event, m []string) {
		traffic(e, "Traffic", "denied")
		e.SetConnectionInfoProtocolName(strings.ToLower(m[1]))
		source(e, m[2], m[3])
		target(e, m[4], m[5])
	}},
	{"access-list ", regexp.MustCompile(`^access-list (\S+) (permitted|denied|est-allowed) (\w+) ([^\s/]+)/([0-9a-fA-F.:]+)\((\d+)\)(?:\([^)]*\))? -> ([^\s/]+)/([0-9a-fA-F.:]+)\((\d+)\)`), func(e *event.Event, m []string) {
		traffic(e, "Traffic", m[2])
		e.SetConnectionInfoProtocolName(strings.ToLower(m[3]))
		ends(e, m[4:7], m[7:10])
		record.Keep(e, "access_group", m[1])
	}},
	{"", regexp.MustCompile(`^(TCP|UDP) access (denied|permitted)(?: by ACL)? from ` + asaPlain + ` to ` + asaEnd), func(e *event.Event, m []string) {
		traffic(e, "Traffic", m[2])
		e.SetConnectionInfoProtocolName(strings.ToLower(m[1]))
		source(e, m[3], m[4])
		target(e, m[6], m[7])
	}},
}

var asaCommon = []pattern{
	{"Login ", regexp.MustCompile(`^Login (denied|permitted) from ` + asaPlain + ` to ` + asaEnd + ` for user "([^"]*)"`), func(e *event.Event, m []string) {
		logon(e, m[7], m[2], outcome(m[1] == "permitted"))
		source(e, "", m[3])
		target(e, m[5], m[6])
	}},
	{"AAA user ", regexp.MustCompile(`^AAA user auth\w+ (Rejected|Successful) :(?: reason = ([^:]*?) :)? (?:server = ([^\s:]+)|local database) :\s*user = (\S+)(?: : user IP = (\S+))?`), func(e *event.Event, m []string) {
		logon(e, strings.Trim(m[4], "*"), m[5], outcome(m[1] == "Successful"))
		e.SetStatusDetail(m[2])
		target(e, m[3], "")
	}},
	{"User authentication ", regexp.MustCompile(`^User authentication (succeeded|failed): (?:IP(?: address)?[=: ]+([0-9a-fA-F.:]+), )?Uname: (\S+)`), func(e *event.Event, m []string) {
		logon(e, m[3], m[2], outcome(m[1] == "succeeded"))
	}},
	{"User '", regexp.MustCompile(`^User '([^']*)',? (?:running '[^']*' from IP ([0-9a-fA-F.:]+), )?executed (?:the |cmd: )?'(.*)'`), func(e *event.Event, m []string) {
		class(e, event.DeviceConfigState, "Run command")
		e.SetUserName(m[1])
		source(e, m[2], "")
		e.SetProcessCmdLine(m[3])
	}},
	{"Group ", regexp.MustCompile(`^Group <?([^>]*?)>? User <?([^>]*?)>? IP <?([0-9a-fA-F.:]+)>? (.*)$`), func(e *event.Event, m []string) {
		class(e, event.Authentication, "VPN session")
		e.SetUserName(m[2])
		source(e, m[3], "")
		e.SetStatusDetail(m[4])
	}},
}

var ios = []pattern{
	{"Configured from ", regexp.MustCompile(`^Configured from (\S+)(?: by (\S+))?(?: on (\S+))?(?: \(([0-9a-fA-F.:]+)\))?`), func(e *event.Event, m []string) {
		class(e, event.DeviceConfigState, "Change configuration")
		e.SetUserName(m[2])
		record.Keep(e, "tty", m[3])
		source(e, m[4], "")
	}},
	{"Login ", regexp.MustCompile(`^Login (Success|failed)\s*\[user: ?(.*)\] \[Source: ?([^\]]*)\] \[localport: ?(\d+)\](?: \[Reason: ?([^\]]*)\])?`), func(e *event.Event, m []string) {
		logon(e, m[2], m[3], outcome(m[1] == "Success"))
		target(e, "", m[4])
		e.SetStatusDetail(m[5])
	}},
	{"User '", regexp.MustCompile(`^User '(.*)' authentication for SSH2 Session from ([0-9a-fA-F.:]+) \(tty = \d+\) using .* (Succeeded|Failed)`), func(e *event.Event, m []string) {
		class(e, event.Authentication, "Preauth") // SEC_LOGIN counts the attempt
		e.SetUserName(m[1])
		e.SetAppName("ssh")
		e.SetStatus(outcome(m[3] == "Succeeded"))
		source(e, m[2], "")
	}},
	{"", regexp.MustCompile(`^(?:Interface|Line protocol on Interface) ([^\s,]+), changed state to (?:administratively )?(up|down)`), func(e *event.Event, m []string) {
		class(e, event.DeviceConfigState, "Link "+m[2])
		record.Keep(e, "interface", m[1])
	}},
	{"list ", regexp.MustCompile(`^list (\S+) (permitted|denied) (\w+) ([0-9a-fA-F.:]+)(?:\((\d+)\))?(?: \([^)]*\))? -> ([0-9a-fA-F.:]+)(?:\((\d+)\))?.*?, (\d+) packets?`), func(e *event.Event, m []string) {
		traffic(e, "Traffic", m[2])
		e.SetConnectionInfoProtocolName(strings.ToLower(m[3]))
		source(e, m[4], m[5])
		target(e, m[6], m[7])
		record.Set(e, event.SlotTrafficPackets, "packets", m[8])
		record.Keep(e, "access_group", m[1])
	}},
	{"Security violation ", regexp.MustCompile(`^Security violation occurred, caused by MAC address ([0-9a-fA-F.]+) on port (\S+?)\.?$`), func(e *event.Event, m []string) {
		class(e, event.DetectionFinding, "Port security")
		e.SetFindingInfoTitle("port security violation")
		e.SetSrcEndpointMAC(record.MAC(m[1]))
		record.Keep(e, "interface", m[2])
		e.SetDisposition("Blocked")
	}},
}

func connection(e *event.Event, proto, id string) {
	e.SetConnectionInfoProtocolName(strings.ToLower(proto))
	e.SetConnectionInfoUID(id)
}

// ends sets both sides, each an interface, an address and a port.
func ends(e *event.Event, from, to []string) {
	record.Keep(e, "src_interface", from[0])
	record.Keep(e, "dst_interface", to[0])
	source(e, from[1], from[2])
	target(e, to[1], to[2])
}

func port(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n > 1<<20 {
		return 1 << 20
	}
	return n
}

// CiscoAt is where the tag of a Cisco device begins in a text, or -1. Devices put
// a sequence number and a time of their own before it.
func CiscoAt(text string) int {
	const within = 120
	for from := 0; ; {
		i := strings.IndexByte(text[from:min(len(text), within)], '%')
		if i < 0 {
			return -1
		}
		from += i
		if isTag(text[from:]) {
			return from
		}
		from++
	}
}

// isTag tells "%FACILITY-5-MNEMONIC:" at the beginning of s.
func isTag(s string) bool {
	head, _, ok := strings.Cut(s[:min(len(s), 80)], ":")
	if !ok {
		return false
	}
	parts := strings.Split(head[1:], "-")
	if len(parts) < 3 || len(parts) > 4 {
		return false
	}
	n, err := strconv.Atoi(parts[len(parts)-2])
	return err == nil && n >= 0 && n <= 7 && len(parts[len(parts)-2]) == 1 && strings.ToUpper(head) == head && !strings.Contains(head, " ")
}
