// Package ics owns what the records of OT protocols mean, whoever wrote them:
// which functions change a controller or the process, what they act on and how
// they ended.
//
// It must not know how a record is spelled.
package ics

import (
	"strings"

	"vedette/internal/event"
)

// otProtocols are the log name prefixes of OT protocols, longest first, and
// the protocol each belongs to.
var otProtocols = []struct{ prefix, protocol string }{
	{"modbus", "modbus"},
	{"dnp3", "dnp3"},
	{"bacnet", "bacnet"},
	{"s7comm", "s7comm"},
	{"cotp", "cotp"},
	{"cip", "cip"},
	{"enip", "enip"},
	{"opcua", "opcua"},
	{"profinet", "profinet"},
	{"ecat", "ethercat"},
	{"ethercat", "ethercat"},
	{"ge_srtp", "ge_srtp"},
	{"genisys", "genisys"},
	{"hart_ip", "hart_ip"},
	{"synchrophasor", "synchrophasor"},
	{"bsap", "bsap"},
	{"iec104", "iec104"},
	{"omron_fins", "omron_fins"},
	{"roc_plus", "roc_plus"},
}

// Protocol is the OT protocol whose log has that name, or "".
func Protocol(log string) string {
	for _, p := range otProtocols {
		if strings.HasPrefix(log, p.prefix) {
			return p.protocol
		}
	}
	return ""
}

// Columns are the columns that mean the same in every OT log, by the names
// that Zeek and the ICSNPP parsers give them.
var Columns = map[string]event.Slot{
	"func": event.SlotICSFunction, "function_name": event.SlotICSFunction, "function_code": event.SlotICSFunctionCode,
	"pdu_service": event.SlotICSFunction, "cip_service": event.SlotICSFunction, "enip_command": event.SlotICSFunction,
	"command": event.SlotICSFunction, "fc_request": event.SlotICSFunction, "identifier_str": event.SlotICSFunction,
	"req_identifier_str": event.SlotICSFunction, "request_type": event.SlotICSFunction, "operation": event.SlotICSFunction,
	"unit": event.SlotICSUnit, "address": event.SlotICSAddress, "quantity": event.SlotICSQuantity,
	"start_address": event.SlotICSAddress, "write_start_address": event.SlotICSAddress, "index_number": event.SlotICSAddress,
	"instance_number": event.SlotICSAddress, "range_low": event.SlotICSAddress, "object_count": event.SlotICSQuantity,
	"object_type": event.SlotICSObject, "class_name": event.SlotICSObject, "cip_class_name": event.SlotICSObject,
	"block_type": event.SlotICSObject, "szl_id_name": event.SlotICSObject,
	"request_values": event.SlotICSValue, "write_registers": event.SlotICSValue, "value": event.SlotICSValue, "and_mask": event.SlotICSValue,
	"exception": event.SlotICSResponse, "exception_code": event.SlotICSResponse, "result_code": event.SlotICSResponse,
	"cip_status": event.SlotICSResponse, "enip_status": event.SlotICSResponse, "status_code": event.SlotICSResponse,
	"pdu_name": event.SlotICSFunction, "module_name": event.SlotProductName,
}

// Finish lifts the meaning of an OT record: which protocol, whether it
// changes the controller or process, what it acts on and how it ended.
func Finish(e *event.Event, log, protocol string) {
	e.SetICSProtocol(protocol)
	e.SetClassUID(int64(event.NetworkActivity))
	if !e.Has(event.SlotAppName) {
		e.SetAppName(protocol)
	}
	if !e.Has(event.SlotConnectionInfoProtocolName) {
		e.SetConnectionInfoProtocolName(transports[protocol])
		if log == "cip_io" {
			e.SetConnectionInfoProtocolName("udp")
		}
	}
	switch protocol {
	case "modbus":
		finishModbus(e)
	case "dnp3":
		finishDNP3(e)
	case "s7comm":
		finishS7(e, log)
	case "bacnet":
		if e.ICSObject() == "device" && !e.Has(event.SlotICSUnit) && e.Has(event.SlotICSAddress) {
			e.SetICSUnit(e.ICSAddress()) // the instance of the device itself
		}
	case "opcua":
		finishOPCUA(e, log)
	}
	if fn := e.ICSFunction(); fn != "" && !e.Has(event.SlotICSWrite) {
		if write, known := changes(protocol, fn+" "+e.Extra("subfunction_name")); known {
			e.SetICSWrite(write)
		}
	}
	switch e.Extra("request_response") + e.Extra("direction") {
	case "REQUEST", "request":
		e.SetActivityName("Request")
	case "RESPONSE", "response":
		e.SetActivityName("Response")
	}
	if e.ActivityName() == "" {
		e.SetActivityName(requestOrResponse(e))
	}
	if r := e.ICSResponse(); strings.EqualFold(r, "success") || r == "0x00" {
		e.SetICSResponse("ok")
	}
	switch {
	case e.ICSResponse() == "ok":
		e.SetStatus(event.Success)
	case e.Has(event.SlotICSResponse):
		e.SetStatus(event.Failure)
	}
}

// requestOrResponse tells which half of an exchange a record is, where a log
// has one record for each; it is empty where one record holds both. BACnet's
// type of PDU says it (ANSI/ASHRAE 135, clause 20.1), else who sent it does.
func requestOrResponse(e *event.Event) string {
	pdu := strings.ToUpper(e.Extra("pdu_type"))
	switch {
	case strings.HasSuffix(pdu, "REQUEST"):
		return "Request"
	case strings.HasSuffix(pdu, "ACK"), pdu == "ERROR", pdu == "REJECT", pdu == "ABORT":
		return "Response"
	case strings.HasSuffix(e.ICSFunction(), "-ack"):
		return "Response"
	case strings.HasSuffix(e.ICSFunction(), "-request"):
		return "Request"
	}
	switch e.Extra("is_orig") {
	case "T", "true":
		return "Request"
	case "F", "false":
		return "Response"
	}
	return ""
}

// transports are what a protocol runs on where a record does not say it and
// the protocol leaves little choice; the others are left open.
var transports = map[string]string{
	"modbus": "tcp", "dnp3": "tcp", "s7comm": "tcp", "cotp": "tcp", "cip": "tcp", "enip": "tcp", "opcua": "tcp",
	"iec104": "tcp", "ge_srtp": "tcp", "roc_plus": "tcp", "bacnet": "udp",
}

// modbusCodes are the function codes of the Modbus application protocol
// (V1.1b3, section 5.1), with the kind of register each touches.
var modbusCodes = map[string]struct {
	code   int64
	object string
	write  bool
}{
	"READ_COILS": {1, "coil", false}, "READ_DISCRETE_INPUTS": {2, "discrete input", false},
	"READ_HOLDING_REGISTERS": {3, "holding register", false}, "READ_INPUT_REGISTERS": {4, "input register", false},
	"WRITE_SINGLE_COIL": {5, "coil", true}, "WRITE_SINGLE_REGISTER": {6, "holding register", true},
	"READ_EXCEPTION_STATUS": {7, "", false}, "DIAGNOSTICS": {8, "", false},
	"GET_COMM_EVENT_COUNTER": {11, "", false}, "GET_COMM_EVENT_LOG": {12, "", false},
	"WRITE_MULTIPLE_COILS": {15, "coil", true}, "WRITE_MULTIPLE_REGISTERS": {16, "holding register", true},
	"REPORT_SLAVE_ID": {17, "", false}, "READ_FILE_RECORD": {20, "file record", false}, "WRITE_FILE_RECORD": {21, "file record", true},
	"MASK_WRITE_REGISTER": {22, "holding register", true}, "READ_WRITE_MULTIPLE_REGISTERS": {23, "holding register", true},
	"READ_FIFO_QUEUE": {24, "", false}, "ENCAP_INTERFACE_TRANSPORT": {43, "", false}, "ENCAPSULATED_INTERFACE_TRANSPORT": {43, "", false},
}

func finishModbus(e *event.Event) {
	name := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(e.ICSFunction())), "_EXCEPTION")
	if m, ok := modbusCodes[name]; ok {
		e.SetICSFunctionCode(m.code)
		if m.object != "" {
			e.SetICSObject(m.object)
		}
		e.SetICSWrite(m.write)
	}
	if m := e.Extra("matched"); (m == "T" || m == "true") && !e.Has(event.SlotICSResponse) {
		e.SetICSResponse("ok")
	}
}

func finishDNP3(e *event.Event) {
	if e.Extra("fc_reply") != "" && !e.Has(event.SlotICSResponse) {
		e.SetICSResponse("ok")
	}
	if fn := e.Extra("fc_reply"); fn != "" && !e.Has(event.SlotICSFunction) {
		e.SetICSFunction(fn) // an unsolicited response has no request
		e.SetActivityName("Response")
	}
}

// finishS7 names the function of records that leave it to another column or to
// the name of their log.
func finishS7(e *event.Event, log string) {
	switch {
	case e.Has(event.SlotICSFunction):
	case log == "s7comm_read_szl":
		e.SetICSFunction("Read SZL")
	default:
		e.SetICSFunction(e.Extra("rosctr_name"))
	}
}

// finishOPCUA takes the service from the log's name where the record has none.
func finishOPCUA(e *event.Event, log string) {
	if e.Has(event.SlotICSFunction) {
		return
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(log, "opcua_binary"), "_")
	if rest != "" {
		e.SetICSFunction(rest)
	} else {
		e.SetICSFunction(e.Extra("msg_type"))
	}
}

// The functions that change a controller or the process, and those that only
// look, by words in their names, in lower case; the first that fits decides.
var otWords = map[string]struct{ write, read []string }{
	"dnp3": {
		write: []string{"write", "select", "operate", "freeze", "restart", "initialize", "start_appl", "stop_appl", "save_config", "unsolicited", "assign_class", "record_current", "open_file", "delete_file", "abort_file"},
		read:  []string{"read", "response", "confirm", "delay_measure", "get_file", "authenticate"},
	},
	"bacnet": {
		write: []string{"write", "create", "delete", "reinitialize", "device-communication", "device_communication", "list-element", "list_element", "time-sync", "time_sync", "life-safety", "life_safety"},
		read:  []string{"read", "who", "i-am", "i_am", "i-have", "subscribe", "notification", "get-", "confirmed-event", "confirmed_event"},
	},
	"s7comm": {
		write: []string{"write", "download", "plc control", "plc stop", "control", "stop", "insert", "delete", "set clock", "start"},
		read:  []string{"read", "upload", "setup", "szl", "ack", "user", "job", "list", "info"},
	},
	"cip": {
		write: []string{"set attribute", "set_attribute", "write", "reset", "start", "stop", "create", "delete", "restore", "save", "apply", "set member", "insert", "remove"},
		read:  []string{"get", "read", "forward", "unconnected", "multiple", "find", "connection", "nop"},
	},
	"enip": {read: []string{"list", "send", "register", "unregister", "nop", "indicate", "cancel"}},
	"opcua": {
		write: []string{"write", "call", "addnode", "add_node", "deletenode", "delete_node", "addreference", "deletereference", "history_update", "historyupdate"},
		read:  []string{"read", "browse", "session", "endpoint", "channel", "hello", "hel", "ack", "opn", "msg", "clo", "subscri", "publish", "monitored", "status", "diag", "find", "query", "translate"},
	},
}

// changes tells whether a function writes; known is false where it cannot be
// told.
func changes(protocol, fn string) (write, known bool) {
	words, ok := otWords[protocol]
	lower := strings.ToLower(fn)
	if !ok {
		words = otWords["cip"]
	}
	if protocol == "dnp3" && strings.HasPrefix(lower, "unsolicited_response") {
		return false, true
	}
	if protocol == "s7comm" && strings.Contains(lower, "upload") {
		return false, true
	}
	for _, w := range words.write {
		if strings.Contains(lower, w) {
			return true, true
		}
	}
	for _, w := range words.read {
		if strings.Contains(lower, w) {
			return false, true
		}
	}
	return false, false
}
