package zeek

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// zeekCommon maps the columns that mean the same in every Zeek log.
var zeekCommon = map[string]event.Slot{
	"uid": event.SlotConnectionInfoUID, "conn_uid": event.SlotConnectionInfoUID,
	"id.orig_h": event.SlotSrcEndpointIP, "id.orig_p": event.SlotSrcEndpointPort,
	"id.resp_h": event.SlotDstEndpointIP, "id.resp_p": event.SlotDstEndpointPort,
	"orig_l2_addr": event.SlotSrcEndpointMAC, "resp_l2_addr": event.SlotDstEndpointMAC,
	"proto": event.SlotConnectionInfoProtocolName, "service": event.SlotAppName,
	"community_id": event.SlotConnectionInfoCommunityUID, "vlan": event.SlotConnectionInfoVLAN,
	"username": event.SlotUserName, "user": event.SlotUserName,
	"md5": event.SlotFileMd5, "sha1": event.SlotFileSha1, "sha256": event.SlotFileSha256,
	"mime_type": event.SlotFileMimeType, "filename": event.SlotFileName,
	"user_agent": event.SlotHTTPRequestUserAgent,
}

// zeekLog says what one kind of Zeek log means.
type zeekLog struct {
	class   event.Class
	app     string // app_name of all its records
	columns map[string]event.Slot
	finish  func(e *event.Event)
}

// zeekLogs are the logs with meaning of their own; OT logs are in zeek_ot.go,
// and any other log is taken in with the common columns.
var zeekLogs = map[string]zeekLog{
	"conn": {class: event.NetworkActivity, finish: FinishConn, columns: map[string]event.Slot{
		"duration": event.SlotDuration, "orig_bytes": event.SlotTrafficBytesOut, "resp_bytes": event.SlotTrafficBytesIn,
		"conn_state": event.SlotConnectionInfoState, "history": event.SlotConnectionInfoHistory,
		"orig_pkts": event.SlotTrafficPacketsOut, "resp_pkts": event.SlotTrafficPacketsIn,
	}},
	"dns": {class: event.DNSActivity, app: "dns", columns: map[string]event.Slot{
		"query": event.SlotQueryHostname, "qtype_name": event.SlotQueryType, "rcode_name": event.SlotRcode,
		"answers": event.SlotAnswers, "rtt": event.SlotDuration,
	}},
	"http": {class: event.HTTPActivity, app: "http", columns: map[string]event.Slot{
		"method": event.SlotHTTPRequestHTTPMethod, "host": event.SlotHTTPRequestURLHostname, "uri": event.SlotHTTPRequestURLPath,
		"referrer": event.SlotHTTPRequestReferrer, "version": event.SlotHTTPRequestVersion,
		"request_body_len": event.SlotHTTPRequestLength, "response_body_len": event.SlotHTTPResponseLength,
		"status_code": event.SlotHTTPResponseCode, "status_msg": event.SlotStatusDetail,
		"resp_mime_types": event.SlotHTTPResponseContentType,
	}},
	"ssl": {class: event.NetworkActivity, app: "ssl", finish: finishSSL, columns: map[string]event.Slot{
		"version": event.SlotTLSVersion, "cipher": event.SlotTLSCipher, "server_name": event.SlotTLSSNI,
		"subject": event.SlotTLSCertificateSubject, "issuer": event.SlotTLSCertificateIssuer,
		"ja3": event.SlotTLSJa3Hash, "ja3s": event.SlotTLSJa3sHash, "validation_status": event.SlotStatusDetail,
	}},
	"x509": {columns: map[string]event.Slot{
		"certificate.subject": event.SlotTLSCertificateSubject, "certificate.issuer": event.SlotTLSCertificateIssuer,
		"certificate.serial": event.SlotTLSCertificateSerial, "certificate.not_valid_after": event.SlotTLSCertificateExpires,
	}},
	"files": {class: event.NetworkFileActivity, columns: map[string]event.Slot{
		"tx_hosts": event.SlotSrcEndpointIP, "rx_hosts": event.SlotDstEndpointIP, "conn_uids": event.SlotConnectionInfoUID,
		"source": event.SlotAppName, "total_bytes": event.SlotFileSize, "duration": event.SlotDuration,
	}},
	"dhcp": {class: event.DHCPActivity, app: "dhcp", columns: map[string]event.Slot{
		"client_addr": event.SlotSrcEndpointIP, "server_addr": event.SlotDstEndpointIP, "mac": event.SlotSrcEndpointMAC,
		"host_name": event.SlotSrcEndpointHostname, "requested_addr": event.SlotDHCPRequestedIP, "assigned_addr": event.SlotDHCPAssignedIP,
		"lease_time": event.SlotDHCPLeaseTime, "msg_types": event.SlotDHCPMessageType, "duration": event.SlotDuration,
		"uids": event.SlotConnectionInfoUID,
	}},
	"ssh": {class: event.SSHActivity, app: "ssh", finish: finishZeekSSH, columns: map[string]event.Slot{
		"client": event.SlotSSHClient, "server": event.SlotSSHServer,
	}},
	"ftp": {class: event.FTPActivity, app: "ftp", columns: map[string]event.Slot{
		"command": event.SlotActivityName, "reply_msg": event.SlotStatusDetail, "file_size": event.SlotFileSize, "arg": event.SlotFileName,
	}},
	"smtp": {class: event.EmailActivity, app: "smtp", finish: finishSMTP, columns: map[string]event.Slot{
		"mailfrom": event.SlotEmailFrom, "rcptto": event.SlotEmailTo, "subject": event.SlotEmailSubject,
		"last_reply": event.SlotStatusDetail,
	}},
	"notice": {class: event.DetectionFinding, finish: finishNotice, columns: map[string]event.Slot{
		"note": event.SlotFindingInfoTitle, "msg": event.SlotMessage, "src": event.SlotSrcEndpointIP, "dst": event.SlotDstEndpointIP,
		"p": event.SlotDstEndpointPort, "fuid": event.SlotFileName, "file_mime_type": event.SlotFileMimeType,
	}},
	"weird": {columns: map[string]event.Slot{"name": event.SlotActivityName, "addl": event.SlotMessage}},
	"software": {class: event.SoftwareInventory, columns: map[string]event.Slot{
		"host": event.SlotSrcEndpointIP, "host_p": event.SlotSrcEndpointPort, "name": event.SlotProductName,
		"unparsed_version": event.SlotProductVersion,
	}},
	"known_hosts":    {class: event.DeviceInventoryInfo, columns: map[string]event.Slot{"host": event.SlotSrcEndpointIP}},
	"known_services": {class: event.DeviceInventoryInfo, columns: map[string]event.Slot{"host": event.SlotSrcEndpointIP, "port_num": event.SlotSrcEndpointPort, "port_proto": event.SlotConnectionInfoProtocolName}},
	"known_devices":  {class: event.DeviceInventoryInfo, columns: map[string]event.Slot{"mac": event.SlotSrcEndpointMAC}},
	"arp": {class: event.NetworkActivity, app: "arp", columns: map[string]event.Slot{
		"operation": event.SlotActivityName, "orig_h": event.SlotSrcEndpointIP, "resp_h": event.SlotDstEndpointIP,
		"orig_hw": event.SlotSrcEndpointMAC, "resp_hw": event.SlotDstEndpointMAC,
	}},
	"radius":         {class: event.Authentication, app: "radius", finish: finishZeekAuth, columns: map[string]event.Slot{"mac": event.SlotSrcEndpointMAC}},
	"kerberos":       {class: event.Authentication, app: "kerberos", finish: finishZeekAuth, columns: map[string]event.Slot{"client": event.SlotUserName, "error_msg": event.SlotStatusDetail, "service": record.NoSlot}},
	"ntlm":           {class: event.Authentication, app: "ntlm", finish: finishZeekAuth, columns: map[string]event.Slot{"hostname": event.SlotSrcEndpointHostname}},
	"snmp":           {class: event.NetworkActivity, app: "snmp", columns: map[string]event.Slot{"duration": event.SlotDuration}},
	"ntp":            {class: event.NetworkActivity, app: "ntp"},
	"rdp":            {class: event.NetworkActivity, app: "rdp", columns: map[string]event.Slot{"cookie": event.SlotUserName, "result": event.SlotStatusDetail}},
	"sip":            {class: event.NetworkActivity, app: "sip", columns: map[string]event.Slot{"method": event.SlotActivityName, "status_code": event.SlotHTTPResponseCode}},
	"irc":            {class: event.NetworkActivity, app: "irc", columns: map[string]event.Slot{"command": event.SlotActivityName}},
	"tunnel":         {class: event.NetworkActivity, columns: map[string]event.Slot{"action": event.SlotActivityName, "tunnel_type": event.SlotAppName}},
	"mqtt_connect":   {class: event.NetworkActivity, app: "mqtt", columns: map[string]event.Slot{"client_id": event.SlotMQTTClientId, "connect_status": event.SlotStatusDetail}},
	"mqtt_publish":   {class: event.NetworkActivity, app: "mqtt", columns: map[string]event.Slot{"topic": event.SlotMQTTTopic}},
	"mqtt_subscribe": {class: event.NetworkActivity, app: "mqtt", columns: map[string]event.Slot{"topics": event.SlotMQTTTopic, "action": event.SlotActivityName}},
	"smb_files":      {class: event.SMBActivity, app: "smb", columns: map[string]event.Slot{"action": event.SlotActivityName, "name": event.SlotFileName, "size": event.SlotFileSize}},
	"smb_mapping":    {class: event.SMBActivity, app: "smb", columns: map[string]event.Slot{"path": event.SlotFileName}},
	"syslog":         {columns: map[string]event.Slot{"message": event.SlotMessage}},
	"pe":             {columns: map[string]event.Slot{}},
}

// connMeaning gives each Zeek conn_state an OCSF activity and, where the state
// tells, an outcome: a connection is a success once both sides have answered,
// and a failure when it was refused or never answered.
var connMeaning = map[string]struct{ activity, status string }{
	"S0": {"Open", event.Failure}, "REJ": {"Refuse", event.Failure}, "RSTOS0": {"Reset", event.Failure},
	"RSTRH": {"Reset", event.Failure}, "SH": {"Open", event.Failure}, "SHR": {"Open", event.Failure},
	"S1": {"Open", event.Success}, "SF": {"Close", event.Success}, "S2": {"Close", event.Success}, "S3": {"Close", event.Success},
	"RSTO": {"Reset", event.Success}, "RSTR": {"Reset", event.Success}, "OTH": {"Traffic", ""},
}

// FinishConn gives a connection its activity and outcome.
func FinishConn(e *event.Event) {
	record.AddTraffic(e)
	if m, ok := connMeaning[e.ConnectionInfoState()]; ok {
		e.SetActivityName(m.activity)
		e.SetStatus(m.status)
	}
}

func finishSSL(e *event.Event) {
	switch e.Extra("established") {
	case "T", "true":
		e.SetStatus(event.Success)
	case "F", "false":
		e.SetStatus(event.Failure)
	}
}

func finishZeekSSH(e *event.Event) {
	e.SetActivityName("Session")
	switch e.Extra("auth_success") {
	case "T", "true":
		e.SetStatus(event.Success)
	case "F", "false":
		e.SetStatus(event.Failure)
	}
}

// finishSMTP reads the outcome from the first digit of the server's last reply
// (RFC 5321, section 4.2.1).
func finishSMTP(e *event.Event) {
	reply := strings.TrimSpace(e.StatusDetail())
	if reply == "" {
		return
	}
	switch reply[0] {
	case '2':
		e.SetStatus(event.Success)
	case '4', '5':
		e.SetStatus(event.Failure)
	}
}

// finishZeekAuth reads the outcome of an authentication that Zeek saw.
func finishZeekAuth(e *event.Event) {
	e.SetActivityName("Logon")
	for _, name := range []string{"success", "result"} {
		switch strings.ToLower(e.Extra(name)) {
		case "t", "true", "success":
			e.SetStatus(event.Success)
		case "f", "false", "failed", "failure":
			e.SetStatus(event.Failure)
		}
	}
}

func finishNotice(e *event.Event) { e.SetSeverityId(int64(event.Medium)) }
