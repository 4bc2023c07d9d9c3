package suricata

import "vedette/internal/event"

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
	"pgsql": {event.NetworkActivity, "pgsql"}, "ldap": {event.NetworkActivity, "ldap"}, "pop3": {event.NetworkActivity, "pop3"}, "arp": {event.NetworkActivity, "arp"},
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
	"tls.sni": event.SlotTLSSNI, "tls.version": event.SlotTLSVersion, "tls.subject": event.SlotTLSCertificateSubject, "tls.issuerdn": event.SlotTLSCertificateIssuer,
	"tls.serial": event.SlotTLSCertificateSerial, "tls.ja3.hash": event.SlotTLSJa3Hash, "tls.ja3s.hash": event.SlotTLSJa3sHash, "tls.cipher_suite": event.SlotTLSCipher,
	"quic.sni":                    event.SlotTLSSNI,
	"ssh.client.software_version": event.SlotSSHClient, "ssh.server.software_version": event.SlotSSHServer,
	"dhcp.assigned_ip":  event.SlotDHCPAssignedIP,
	"dhcp.requested_ip": event.SlotDHCPRequestedIP, "dhcp.lease_time": event.SlotDHCPLeaseTime, "dhcp.dhcp_type": event.SlotDHCPMessageType,
	"fileinfo.filename": event.SlotFileName, "fileinfo.size": event.SlotFileSize, "fileinfo.magic": event.SlotFileMimeType,
	"fileinfo.md5": event.SlotFileMd5, "fileinfo.sha1": event.SlotFileSha1, "fileinfo.sha256": event.SlotFileSha256,
	"ftp.command": event.SlotActivityName, "ftp_data.command": event.SlotActivityName, "ftp_data.filename": event.SlotFileName,
	"smb.command": event.SlotActivityName, "smb.filename": event.SlotFileName, "smb.ntlmssp.user": event.SlotUserName, "smb.status": event.SlotStatusDetail,
	"nfs.procedure": event.SlotActivityName, "nfs.filename": event.SlotFileName, "tftp.packet": event.SlotActivityName, "tftp.file": event.SlotFileName,
	"snmp.pdu_type": event.SlotActivityName, "krb5.msg_type": event.SlotActivityName, "krb5.cname": event.SlotUserName, "krb5.error_code": event.SlotStatusDetail,
	"sip.method": event.SlotActivityName, "sip.code": event.SlotHTTPResponseCode, "rdp.event_type": event.SlotActivityName, "rdp.cookie": event.SlotUserName,
	"smtp.mail_from": event.SlotEmailFrom, "smtp.rcpt_to": event.SlotEmailTo, "email.subject": event.SlotEmailSubject,
	"mqtt.connect.client_id": event.SlotMQTTClientId, "mqtt.publish.topic": event.SlotMQTTTopic, "mqtt.subscribe.topics.0.topic": event.SlotMQTTTopic, "mqtt.unsubscribe.topics": event.SlotMQTTTopic, "mqtt.connect.username": event.SlotUserName,
	"anomaly.event": event.SlotActivityName, "anomaly.type": event.SlotStatusDetail,
	"modbus.request.function_code": event.SlotICSFunction, "modbus.request.function_raw": event.SlotICSFunctionCode, "modbus.request.unit_id": event.SlotICSUnit,
	"modbus.request.read.address": event.SlotICSAddress, "modbus.request.read.quantity": event.SlotICSQuantity,
	"modbus.request.write.address": event.SlotICSAddress, "modbus.request.write.data": event.SlotICSValue,
	"modbus.request.write.quantity": event.SlotICSQuantity, "modbus.response.exception.code": event.SlotICSResponse,
	"dnp3.request.application.function_code": event.SlotICSFunctionCode, "dnp3.application.function_code": event.SlotICSFunctionCode,
	"dnp3.application.objects.0.points.0.index": event.SlotICSAddress, "dnp3.application.objects.0.count": event.SlotICSQuantity,
	"enip.request.cip.class_name": event.SlotICSObject, "enip.request.command": event.SlotICSFunction, "enip.command": event.SlotICSFunction, "enip.response.status": event.SlotICSResponse,
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

// modbusNames are Suricata's names of functions as Zeek spells them.
var modbusNames = map[string]string{
	"RdCoils": "READ_COILS", "RdDiscreteInputs": "READ_DISCRETE_INPUTS", "RdHoldRegs": "READ_HOLDING_REGISTERS", "RdInputRegs": "READ_INPUT_REGISTERS",
	"WrSingleCoil": "WRITE_SINGLE_COIL", "WrSingleReg": "WRITE_SINGLE_REGISTER", "WrMultCoils": "WRITE_MULTIPLE_COILS", "WrMultRegs": "WRITE_MULTIPLE_REGISTERS",
	"RdFileRec": "READ_FILE_RECORD", "WrFileRec": "WRITE_FILE_RECORD", "MaskWrReg": "MASK_WRITE_REGISTER", "RdWrMultRegs": "READ_WRITE_MULTIPLE_REGISTERS",
	"RdFIFOQueue": "READ_FIFO_QUEUE", "Diagnostic": "DIAGNOSTICS", "ReportServerID": "REPORT_SLAVE_ID", "MEI": "ENCAP_INTERFACE_TRANSPORT",
}

// modbusName spells "RdCoils" style names as Zeek does.
func modbusName(s string) string {
	if n, ok := modbusNames[s]; ok {
		return n
	}
	return s
}
