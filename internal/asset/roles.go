package asset

import (
	"math/bits"
	"slices"
	"strings"

	"vedette/internal/event"
)

// protocols is a set of application protocols.
type protocols uint64

const (
	pModbus protocols = 1 << iota
	pS7
	pDNP3
	pENIP
	pBACnet
	pIEC104
	pMMS
	pOPCUA
	pProfinet
	pFins
	pMelsec
	pKNX
	pMQTT
	pCoAP
	pRTSP
	pONVIF
	pDICOM
	pHL7
	pDNS
	pDHCP
	pNTP
	pSMB
	pLDAP
	pKerberos
	pRDP
	pSQL
	pSSH
	pTelnet
	pHTTP
	pTLS
	pFTP
	pSMTP
	pPrint
	pSIP
	pSNMP
	pSyslog
	numProtocols = iota
)

// otProtocols control a process or a building.
const otProtocols = pModbus | pS7 | pDNP3 | pENIP | pBACnet | pIEC104 | pMMS | pOPCUA | pProfinet | pFins | pMelsec | pKNX

// protocolRole is what serving a protocol says about a device.
type protocolRole struct {
	name       string
	typ        string // "" says nothing
	confidence float64
}

// roleOf is indexed by the position of the protocol's bit.
var roleOf = [numProtocols]protocolRole{
	{"modbus", "plc", 0.7},
	{"s7comm", "plc", 0.85},
	{"dnp3", "rtu", 0.75},
	{"enip", "plc", 0.75},
	{"bacnet", "building controller", 0.72},
	{"iec104", "rtu", 0.75},
	{"mms", "protection relay", 0.7},
	{"opcua", "plc", 0.45},
	{"profinet", "plc", 0.6},
	{"fins", "plc", 0.8},
	{"melsec", "plc", 0.8},
	{"knx", "building controller", 0.7},
	{"mqtt", "gateway", 0.5},
	{"coap", "industrial sensor", 0.45},
	{"rtsp", "camera", 0.75},
	{"onvif", "camera", 0.8},
	{"dicom", "medical device", 0.75},
	{"hl7", "medical device", 0.65},
	{"dns", "router", 0.35},
	{"dhcp", "router", 0.45},
	{"ntp", "", 0},
	{"smb", "server", 0.5},
	{"ldap", "server", 0.65},
	{"kerberos", "server", 0.65},
	{"rdp", "workstation", 0.45},
	{"sql", "server", 0.6},
	{"ssh", "server", 0.35},
	{"telnet", "", 0},
	{"http", "server", 0.25},
	{"tls", "server", 0.25},
	{"ftp", "server", 0.35},
	{"smtp", "server", 0.5},
	{"print", "printer", 0.75},
	{"sip", "phone", 0.5},
	{"snmp", "", 0},
	{"syslog", "server", 0.4},
}

func (p protocols) names() []string {
	var out []string
	for ; p != 0; p &= p - 1 {
		out = append(out, roleOf[bits.TrailingZeros64(uint64(p))].name)
	}
	return out
}

func protocolsByName(names []string) protocols {
	var p protocols
	for _, n := range names {
		p |= protocolOf(n)
	}
	return p
}

// protocolOf reads one name of a protocol as sensors write it.
func protocolOf(name string) protocols {
	switch name {
	case "modbus", "modbus_tcp", "mbtcp":
		return pModbus
	case "s7comm", "s7comm_plus", "s7commplus", "s7comm-plus", "s7":
		return pS7
	case "dnp3", "dnp3_tcp", "dnp3_udp":
		return pDNP3
	case "enip", "cip", "ethernet/ip", "enip_tcp", "enip_udp":
		return pENIP
	case "bacnet":
		return pBACnet
	case "iec104", "iec-104", "iec60870-5-104", "iec60870_5_104":
		return pIEC104
	case "mms", "iec61850":
		return pMMS
	case "opcua", "opc-ua", "opcua_binary", "opcua-binary":
		return pOPCUA
	case "profinet", "profinet_io_cm", "pnio", "pn_dcp":
		return pProfinet
	case "fins", "omron_fins":
		return pFins
	case "melsec", "slmp":
		return pMelsec
	case "knx", "knxnet/ip":
		return pKNX
	case "mqtt":
		return pMQTT
	case "coap":
		return pCoAP
	}
	return itProtocolOf(name)
}

func itProtocolOf(name string) protocols {
	switch name {
	case "rtsp":
		return pRTSP
	case "onvif":
		return pONVIF
	case "dicom":
		return pDICOM
	case "hl7", "mllp":
		return pHL7
	case "dns":
		return pDNS
	case "dhcp":
		return pDHCP
	case "ntp":
		return pNTP
	case "smb", "smb2", "netbios-ssn":
		return pSMB
	case "ldap", "ldap_tcp":
		return pLDAP
	case "krb", "krb5", "krb_tcp", "kerberos":
		return pKerberos
	case "rdp":
		return pRDP
	case "sql", "mysql", "mssql", "tds", "pgsql", "postgresql":
		return pSQL
	case "ssh":
		return pSSH
	case "telnet":
		return pTelnet
	case "http", "http2":
		return pHTTP
	case "ssl", "tls", "https", "quic":
		return pTLS
	case "ftp":
		return pFTP
	case "smtp":
		return pSMTP
	case "print", "ipp", "lpd", "printer", "jetdirect":
		return pPrint
	case "sip":
		return pSIP
	case "snmp":
		return pSNMP
	case "syslog":
		return pSyslog
	}
	return 0
}

// protocolOfPort guesses from the port where the sensor named no protocol.
func protocolOfPort(port int64) protocols {
	switch port {
	case 502, 802:
		return pModbus
	case 102:
		return pS7
	case 20000, 19999:
		return pDNP3
	case 44818, 2222:
		return pENIP
	case 47808:
		return pBACnet
	case 2404:
		return pIEC104
	case 4840:
		return pOPCUA
	case 9600:
		return pFins
	case 1883, 8883:
		return pMQTT
	case 554, 8554:
		return pRTSP
	case 104, 11112:
		return pDICOM
	case 2575:
		return pHL7
	case 515, 631, 9100:
		return pPrint
	case 445, 139:
		return pSMB
	case 389, 636:
		return pLDAP
	case 3389:
		return pRDP
	case 1433, 3306, 5432:
		return pSQL
	}
	return 0
}

// protocolsOf reads what an event says was spoken. Zeek joins several with
// commas ("gssapi,smb,krb").
func protocolsOf(e *event.Event) (told, guessed protocols) {
	told = protocolOf(e.ICSProtocol())
	for rest := e.AppName(); rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, ",")
		told |= protocolOf(one)
	}
	if told == 0 && e.Has(event.SlotDstEndpointPort) && established(e) {
		guessed = protocolOfPort(e.DstEndpointPort())
	}
	return told, guessed
}

// established reports whether something listens at the destination's port. A
// closed port answers too, with a reset: a scanned host must not look as if it
// served whatever it was asked for.
func established(e *event.Event) bool {
	if event.Class(e.ClassUID()) != event.NetworkActivity {
		return false
	}
	switch e.ConnectionInfoState() {
	case "S1", "S2", "S3", "SF", "RSTO", "RSTR": // Zeek
		return true
	case "REJ", "S0", "SH", "SHR", "OTH", "RSTOS0", "RSTRH":
		return false
	}
	return e.TrafficPacketsIn() >= 3
}

// hasRoles reports whether the event's source asked and its destination
// served. Records of files and software name them by other rules, and an alert
// may be on the answer.
func hasRoles(e *event.Event) bool {
	switch event.Class(e.ClassUID()) {
	case event.FileActivity, event.NetworkFileActivity, event.SoftwareInventory, event.DeviceInventoryInfo, event.DetectionFinding:
		return false
	default:
		return true
	}
}

// learnRoles notes who serves and who speaks what.
func (r *Registry) learnRoles(o *observation, src, dst *node) {
	if !o.answered || !hasRoles(o.e) {
		return
	}
	told, guessed := protocolsOf(o.e)
	if told|guessed == 0 {
		r.learnTelemetry(o, src)
		return
	}
	if dst != nil && (told&^dst.serves != 0 || guessed&^(dst.guessed|dst.serves) != 0) {
		r.serves(o, dst, told&^dst.serves, guessed&^(dst.guessed|dst.serves))
	}
	if src != nil && src != dst && src.speak(told, o.e, dst) {
		r.infer(o, src)
	}
	r.learnTelemetry(o, src)
}

// speak notes what a client did, and reports whether that is new.
func (n *node) speak(told protocols, e *event.Event, server *node) bool {
	changed := told&^n.speaks != 0
	n.speaks |= told
	if told&otProtocols != 0 {
		changed = n.poll(server) || changed
		if !n.programmed && programs(e) {
			n.programmed, changed = true, true
		}
	}
	if told&pMQTT != 0 && !n.publishes && publishes(e) {
		n.publishes, changed = true, true
	}
	return changed
}

func (r *Registry) serves(o *observation, n *node, told, guessed protocols) {
	n.serves |= told
	n.guessed |= guessed
	r.touch(n)
	for p := told | guessed; p != 0; p &= p - 1 {
		role := roleOf[bits.TrailingZeros64(uint64(p))]
		if role.typ == "" {
			continue
		}
		what, confidence := "serves "+role.name, role.confidence
		if told&p&-p == 0 {
			what, confidence = "answers on the usual port of "+role.name, role.confidence*0.6
		}
		r.learn(o, n, Evidence{Key: KeyType, Value: role.typ, What: what, Source: SourceTraffic, Confidence: confidence})
	}
	r.infer(o, n)
}

// poll remembers an OT server that the node asked.
func (n *node) poll(server *node) bool {
	if server == nil || server == n || len(n.polled) >= maxPolled || slices.Contains(n.polled, server) {
		return false
	}
	n.polled = append(n.polled, server)
	return true
}

// infer draws what follows from several observations together.
func (r *Registry) infer(o *observation, n *node) {
	r.touch(n)
	it := func(typ, what string, confidence float64) {
		r.learn(o, n, Evidence{Key: KeyType, Value: typ, What: what, Source: SourceTraffic, Confidence: confidence})
	}
	switch servers := len(n.polled); {
	case n.programmed && n.serves&otProtocols == 0:
		it("engineering workstation", "loads programs into controllers", 0.8)
	case servers >= 8:
		it("scada server", "polls eight or more OT servers", 0.8)
	case servers >= 3:
		it("hmi", "polls three or more OT servers", 0.74)
	case n.speaks&otProtocols != 0 && n.serves&otProtocols == 0:
		it("hmi", "asks OT servers and serves none", 0.5)
	}
	if n.serves&pDNS != 0 && n.serves&pDHCP != 0 {
		it("router", "serves DNS and DHCP", 0.6)
	}
	if n.serves&pLDAP != 0 && n.serves&pKerberos != 0 {
		it("server", "serves LDAP and Kerberos as a domain controller does", 0.8)
	}
	if n.publishes && n.serves == 0 {
		it("industrial sensor", "publishes by MQTT and serves nothing", 0.55)
	}
	if n.speaks&(pSMB|pKerberos|pLDAP|pRDP) != 0 && n.serves&(pSMB|pLDAP|pKerberos|otProtocols) == 0 {
		it("workstation", "uses office protocols as a client", 0.45)
	}
}

// programs reports whether the event loads, stops or starts a controller's
// program, which is an engineer's work.
func programs(e *event.Event) bool {
	f := e.ICSFunction()
	if f == "" {
		return false
	}
	for _, word := range [...]string{"ownload", "DOWNLOAD", "PLC Stop", "PLC Control", "plc_stop", "plc_control", "PLC STOP"} {
		if strings.Contains(f, word) {
			return true
		}
	}
	return false
}

// publishes reports whether the event is a message that the source sent to a
// broker.
func publishes(e *event.Event) bool {
	return e.Has(event.SlotMQTTTopic) && !strings.Contains(strings.ToLower(e.ActivityName()), "subscri")
}

// learnTelemetry notes that a device sends measurements.
func (r *Registry) learnTelemetry(o *observation, src *node) {
	if src == nil || event.Class(o.e.ClassUID()) != event.DeviceTelemetry || src.publishes {
		return
	}
	src.publishes = true
	r.learn(o, src, Evidence{Key: KeyType, Value: "industrial sensor", What: "sends measurements", Source: SourceTraffic, Confidence: 0.6})
}
