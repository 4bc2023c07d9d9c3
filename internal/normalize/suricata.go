package normalize

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
)

// EVE is Suricata's EVE JSON: one object a line, "event_type" says what it
// holds. Every type is taken in; those in eveTypes have a class of their own.
func EVE() Dialect {
	return Dialect{Name: "eve", Detect: detectEVE, New: func(src Source) Parser { return &eve{src: src} }}
}

func detectEVE(head []byte, _ string) int {
	for n, line := range bytes.Split(head, []byte("\n")) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case n > 20 || line[0] != '{':
			return 0
		case bytes.Contains(line, []byte(`"event_type"`)) && bytes.Contains(line, []byte(`"timestamp"`)):
			return 100
		}
	}
	return 0
}

type eve struct {
	src Source
	e   event.Event
}

// eveTypes gives event types their class and, where it is fixed, their
// application protocol.
var eveTypes = map[string]struct {
	class event.Class
	app   string
}{
	"alert": {event.DetectionFinding, ""}, "anomaly": {event.BaseEvent, ""}, "drop": {event.NetworkActivity, ""},
	"flow": {event.NetworkActivity, ""}, "netflow": {event.NetworkActivity, ""},
	"dns": {event.DNSActivity, "dns"}, "mdns": {event.DNSActivity, "mdns"}, "http": {event.HTTPActivity, "http"}, "http2": {event.HTTPActivity, "http2"},
	"tls": {event.NetworkActivity, "tls"}, "quic": {event.NetworkActivity, "quic"}, "ssh": {event.SSHActivity, "ssh"},
	"dhcp": {event.DHCPActivity, "dhcp"}, "smb": {event.SMBActivity, "smb"}, "nfs": {event.NetworkFileActivity, "nfs"},
	"ftp": {event.FTPActivity, "ftp"}, "ftp_data": {event.FTPActivity, "ftp-data"}, "tftp": {event.NetworkFileActivity, "tftp"},
	"smtp": {event.EmailActivity, "smtp"}, "fileinfo": {event.NetworkFileActivity, ""},
	"krb5": {event.Authentication, "krb5"}, "rdp": {event.NetworkActivity, "rdp"}, "rfb": {event.NetworkActivity, "rfb"},
	"snmp": {event.NetworkActivity, "snmp"}, "mqtt": {event.NetworkActivity, "mqtt"}, "sip": {event.NetworkActivity, "sip"},
	"ike": {event.NetworkActivity, "ike"}, "websocket": {event.NetworkActivity, "websocket"}, "bittorrent_dht": {event.NetworkActivity, "bittorrent-dht"},
	"modbus": {event.NetworkActivity, "modbus"}, "dnp3": {event.NetworkActivity, "dnp3"}, "enip": {event.NetworkActivity, "enip"},
	"frame": {event.BaseEvent, ""}, "stats": {event.BaseEvent, ""},
}

// eveKeys maps dotted keys to fields, whatever the event type.
var eveKeys = map[string]event.Slot{
	"src_ip": event.SlotSrcEndpointIP, "src_port": event.SlotSrcEndpointPort, "dest_ip": event.SlotDstEndpointIP, "dest_port": event.SlotDstEndpointPort,
	"proto": event.SlotConnectionInfoProtocolName, "app_proto": event.SlotAppName, "flow_id": event.SlotConnectionInfoUID,
	"community_id": event.SlotConnectionInfoCommunityUID, "vlan": event.SlotConnectionInfoVLAN, "direction": event.SlotConnectionInfoDirection,
	"ether.src_mac": event.SlotSrcEndpointMAC, "ether.dest_mac": event.SlotDstEndpointMAC,
	"flow.bytes_toserver": event.SlotTrafficBytesOut, "flow.bytes_toclient": event.SlotTrafficBytesIn,
	"flow.pkts_toserver": event.SlotTrafficPacketsOut, "flow.pkts_toclient": event.SlotTrafficPacketsIn,
	"flow.age": event.SlotDuration, "flow.state": event.SlotConnectionInfoState, "flow.reason": event.SlotStatusDetail,
	"netflow.bytes": event.SlotTrafficBytesOut, "netflow.pkts": event.SlotTrafficPacketsOut, "netflow.age": event.SlotDuration,
	"alert.signature": event.SlotFindingInfoTitle, "alert.signature_id": event.SlotFindingInfoUID, "alert.category": event.SlotFindingInfoCategory,
	"http.hostname": event.SlotHTTPRequestURLHostname, "http.url": event.SlotHTTPRequestURLPath, "http.http_method": event.SlotHTTPRequestHTTPMethod,
	"http.http_user_agent": event.SlotHTTPRequestUserAgent, "http.http_refer": event.SlotHTTPRequestReferrer, "http.protocol": event.SlotHTTPRequestVersion,
	"http.status": event.SlotHTTPResponseCode, "http.length": event.SlotHTTPResponseLength, "http.http_content_type": event.SlotHTTPResponseContentType,
	"dns.rrname": event.SlotQueryHostname, "dns.rrtype": event.SlotQueryType, "dns.rcode": event.SlotRcode,
	"dns.queries.0.rrname": event.SlotQueryHostname, "dns.queries.0.rrtype": event.SlotQueryType,
	"dns.query.0.rrname": event.SlotQueryHostname, "dns.query.0.rrtype": event.SlotQueryType,
	"dns.grouped.A": event.SlotAnswers, "dns.answers.0.rdata": event.SlotAnswers,
	"tls.sni": event.SlotTLSSNI, "tls.version": event.SlotTLSVersion, "tls.subject": event.SlotTLSCertificateSubject, "tls.issuerdn": event.SlotTLSCertificateIssuer,
	"tls.serial": event.SlotTLSCertificateSerial, "tls.ja3.hash": event.SlotTLSJa3Hash, "tls.ja3s.hash": event.SlotTLSJa3sHash, "tls.cipher_suite": event.SlotTLSCipher,
	"quic.sni":                    event.SlotTLSSNI,
	"ssh.client.software_version": event.SlotSSHClient, "ssh.server.software_version": event.SlotSSHServer,
	"dhcp.client_mac": event.SlotSrcEndpointMAC, "dhcp.hostname": event.SlotSrcEndpointHostname, "dhcp.assigned_ip": event.SlotDHCPAssignedIP,
	"dhcp.requested_ip": event.SlotDHCPRequestedIP, "dhcp.lease_time": event.SlotDHCPLeaseTime, "dhcp.dhcp_type": event.SlotDHCPMessageType,
	"fileinfo.filename": event.SlotFileName, "fileinfo.size": event.SlotFileSize, "fileinfo.magic": event.SlotFileMimeType,
	"fileinfo.md5": event.SlotFileMd5, "fileinfo.sha1": event.SlotFileSha1, "fileinfo.sha256": event.SlotFileSha256,
	"ftp.command": event.SlotActivityName, "ftp_data.command": event.SlotActivityName, "ftp_data.filename": event.SlotFileName,
	"smb.command": event.SlotActivityName, "smb.filename": event.SlotFileName, "smb.ntlmssp.user": event.SlotUserName, "smb.status": event.SlotStatusDetail,
	"nfs.procedure": event.SlotActivityName, "nfs.filename": event.SlotFileName, "tftp.packet": event.SlotActivityName, "tftp.file": event.SlotFileName,
	"snmp.pdu_type": event.SlotActivityName, "krb5.msg_type": event.SlotActivityName, "krb5.cname": event.SlotUserName, "krb5.error_code": event.SlotStatusDetail,
	"sip.method": event.SlotActivityName, "sip.code": event.SlotHTTPResponseCode, "rdp.event_type": event.SlotActivityName, "rdp.cookie": event.SlotUserName,
	"smtp.mail_from": event.SlotEmailFrom, "smtp.rcpt_to": event.SlotEmailTo, "email.subject": event.SlotEmailSubject,
	"mqtt.connect.client_id": event.SlotMQTTClientId, "mqtt.publish.topic": event.SlotMQTTTopic, "mqtt.connect.username": event.SlotUserName,
	"anomaly.event": event.SlotActivityName, "anomaly.type": event.SlotStatusDetail,
	"modbus.request.function_code": event.SlotICSFunction, "modbus.request.function_raw": event.SlotICSFunctionCode, "modbus.request.unit_id": event.SlotICSUnit,
	"modbus.request.read.address": event.SlotICSAddress, "modbus.request.read.quantity": event.SlotICSQuantity,
	"modbus.request.write.address": event.SlotICSAddress, "modbus.request.write.data": event.SlotICSValue,
	"modbus.request.access_type": event.SlotICSObject, "modbus.response.exception.code": event.SlotICSResponse,
	"dnp3.request.application.function_code": event.SlotICSFunctionCode, "dnp3.application.function_code": event.SlotICSFunctionCode,
	"enip.request.command": event.SlotICSFunction, "enip.command": event.SlotICSFunction, "enip.response.status": event.SlotICSResponse,
}

// Parse implements [Parser].
func (p *eve) Parse(rec Record, emit func(*event.Event)) error {
	leaves, err := flatJSON(rec.Raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	kind := "unknown"
	var when time.Time
	for _, kv := range leaves {
		switch kv.key {
		case "event_type":
			kind = strings.ToLower(kv.value)
		case "timestamp":
			if when = eveTime(kv.value); when.IsZero() {
				p.e.SetExtra("timestamp", kv.value)
			}
		default:
			p.leaf(kv)
		}
	}
	p.meaning(kind)
	finish(&p.e, &p.src, rec, 0, when)
	emit(&p.e)
	return nil
}

// leaf puts one value in; those that decide nothing stay under their own name.
func (p *eve) leaf(kv pair) {
	v := kv.value
	slot, ok := eveKeys[kv.key]
	switch {
	case v == "":
		return
	case kv.key == "app_proto" && (v == "failed" || v == "unknown"):
		ok = false // not a protocol: Suricata could not tell
	case kv.key == "alert.severity":
		p.severity(v)
	case kv.key == "alert.action":
		switch v {
		case "allowed":
			p.e.SetDisposition("Allowed")
			return
		case "blocked":
			p.e.SetDisposition("Blocked")
			return
		}
	case strings.HasPrefix(kv.key, "alert.metadata.mitre_technique_id"):
		p.e.SetFindingInfoTechniques(kv.list)
		return
	}
	if !ok || p.e.Has(slot) {
		p.e.SetExtra(kv.key, v)
		return
	}
	switch slot {
	case event.SlotConnectionInfoProtocolName, event.SlotAppName, event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC:
		v = strings.ToLower(v)
	}
	if kv.list != nil {
		setList(&p.e, slot, kv.key, kv.list)
		return
	}
	set(&p.e, slot, kv.key, v)
}

// severity maps Suricata's 1 (most severe) to 4 onto OCSF; the source's own
// number stays under alert.severity.
func (p *eve) severity(v string) {
	n, err := strconv.Atoi(v)
	if err != nil {
		return
	}
	severities := map[int]event.Severity{1: event.High, 2: event.Medium, 3: event.Low, 4: event.Informational}
	if s, ok := severities[n]; ok {
		p.e.SetSeverityId(int64(s))
	}
}

func (p *eve) meaning(kind string) {
	e := &p.e
	t := eveTypes[kind]
	e.SetClassUID(int64(t.class))
	e.SetMetadataProduct("Suricata")
	e.SetMetadataLogName("suricata/" + kind)
	if t.app != "" && !e.Has(event.SlotAppName) {
		e.SetAppName(t.app)
	}
	addTraffic(e)
	switch kind {
	case "flow":
		p.flow()
	case "drop":
		e.SetDisposition("Blocked")
		e.SetStatus(event.Failure)
	case "dns":
		if e.Extra("dns.type") != "" && !e.Has(event.SlotActivityName) {
			e.SetActivityName(e.Extra("dns.type"))
		}
	case "mqtt":
		p.mqtt()
	case "krb5":
		e.SetStatus(event.Success)
		if e.Extra("krb5.failed_request") != "" || e.Has(event.SlotStatusDetail) {
			e.SetStatus(event.Failure)
		}
	}
	p.ot(kind)
}

// flow reads the outcome: answered both ways is a success, a request that got
// no packet back a failure.
func (p *eve) flow() {
	out, in := p.e.TrafficPacketsOut(), p.e.TrafficPacketsIn()
	switch {
	case in > 0 && out > 0:
		p.e.SetStatus(event.Success)
	case in == 0 && p.e.ConnectionInfoState() == "new":
		p.e.SetStatus(event.Failure)
	}
	p.e.SetActivityName("Traffic")
}

// mqtt names the message type, which EVE writes as the key of an object.
func (p *eve) mqtt() {
	for _, x := range p.e.Extras() {
		if parts := strings.Split(x.Name, "."); len(parts) > 1 && parts[0] == "mqtt" && !p.e.Has(event.SlotActivityName) {
			p.e.SetActivityName(parts[1])
		}
	}
	switch {
	case p.e.Has(event.SlotMQTTTopic):
		p.e.SetActivityName("publish")
	case p.e.Has(event.SlotMQTTClientId):
		p.e.SetActivityName("connect")
	}
}

// dnp3Functions are the application layer function codes of IEEE 1815, table 4-1.
var dnp3Functions = map[int64]string{
	0: "CONFIRM", 1: "READ", 2: "WRITE", 3: "SELECT", 4: "OPERATE", 5: "DIRECT_OPERATE", 6: "DIRECT_OPERATE_NR",
	7: "IMMED_FREEZE", 8: "IMMED_FREEZE_NR", 9: "FREEZE_CLEAR", 10: "FREEZE_CLEAR_NR", 11: "FREEZE_AT_TIME", 12: "FREEZE_AT_TIME_NR",
	13: "COLD_RESTART", 14: "WARM_RESTART", 15: "INITIALIZE_DATA", 16: "INITIALIZE_APPL", 17: "START_APPL", 18: "STOP_APPL", 19: "SAVE_CONFIG",
	20: "ENABLE_UNSOLICITED", 21: "DISABLE_UNSOLICITED", 22: "ASSIGN_CLASS", 23: "DELAY_MEASURE", 24: "RECORD_CURRENT_TIME",
	25: "OPEN_FILE", 26: "CLOSE_FILE", 27: "DELETE_FILE", 28: "GET_FILE_INFO", 29: "AUTHENTICATE_FILE", 30: "ABORT_FILE",
	129: "RESPONSE", 130: "UNSOLICITED_RESPONSE", 131: "AUTHENTICATE_RESPONSE",
}

func (p *eve) ot(kind string) {
	if kind != "modbus" && kind != "dnp3" && kind != "enip" {
		return
	}
	if kind == "dnp3" && p.e.Has(event.SlotICSFunctionCode) && !p.e.Has(event.SlotICSFunction) {
		p.e.SetICSFunction(dnp3Functions[p.e.ICSFunctionCode()])
	}
	if kind == "modbus" && !p.e.Has(event.SlotICSResponse) && p.e.Extra("modbus.response.function_code") != "" {
		p.e.SetICSResponse("ok")
	}
	if kind == "modbus" && p.e.Has(event.SlotICSFunction) {
		p.e.SetICSFunction(modbusName(p.e.ICSFunction()))
	}
	finishOT(&p.e, kind, kind)
}

// modbusName spells Suricata's "RdCoils" style names as Zeek does.
func modbusName(s string) string {
	names := map[string]string{
		"RdCoils": "READ_COILS", "RdDiscreteInputs": "READ_DISCRETE_INPUTS", "RdHoldRegs": "READ_HOLDING_REGISTERS", "RdInputRegs": "READ_INPUT_REGISTERS",
		"WrSingleCoil": "WRITE_SINGLE_COIL", "WrSingleReg": "WRITE_SINGLE_REGISTER", "WrMultCoils": "WRITE_MULTIPLE_COILS", "WrMultRegs": "WRITE_MULTIPLE_REGISTERS",
		"RdFileRec": "READ_FILE_RECORD", "WrFileRec": "WRITE_FILE_RECORD", "MaskWrReg": "MASK_WRITE_REGISTER", "RdWrMultRegs": "READ_WRITE_MULTIPLE_REGISTERS",
		"RdFIFOQueue": "READ_FIFO_QUEUE", "Diagnostic": "DIAGNOSTICS", "ReportServerID": "REPORT_SLAVE_ID", "MEI": "ENCAP_INTERFACE_TRANSPORT",
	}
	if n, ok := names[s]; ok {
		return n
	}
	return s
}

// eveTime reads "2021-06-06T15:57:37.272281+0200" and RFC 3339.
func eveTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
