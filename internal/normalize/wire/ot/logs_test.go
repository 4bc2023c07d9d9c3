package ot_test

import (
	"strconv"
	"strings"

	"vedette/internal/event"
)

// The columns that all logs have first: ts uid id.orig_h id.orig_p id.resp_h
// id.resp_p; most ICSNPP logs then have is_orig and four of source and
// destination.
const (
	firstOwn   = 6
	isOrig     = 6
	afterPeers = 11
)

func comparisons() []comparison {
	return []comparison{
		{log: "modbus_detailed", zeek: modbusRows, ours: modbusEvent},
		{log: "modbus_mask_write_register", zeek: maskRows, ours: maskEvent},
		{log: "dnp3", zeek: dnp3Rows, ours: dnp3Event},
		{log: "dnp3_control", zeek: peers("block_type function index_number trip_control_code operation_type clear_bit execute_count on_time off_time status_code", half), ours: controlEvent},
		{log: "dnp3_objects", zeek: peers("function object object_count range_low range_high", half), ours: objectEvent},
		{log: "s7comm", zeek: peers("- kind kind function_code function subfunction_code subfunction_name error_class error_code", none), ours: s7Event},
		{log: "s7comm_read_szl", zeek: peers("function kind szl_id szl_id_name szl_index return_code return_code_name", none), ours: szlEvent},
		{log: "s7comm_upload_download", zeek: peers("kind pdu_reference function function_status session_id blocklength filename block_type block_number destination_filesystem", none), ours: uploadEvent},
		{log: "cotp", zeek: cotpRows, ours: cotpEvent},
		{log: "bacnet", zeek: peers("bvlc_function kind function invoke_id result_code", none), ours: bacnetEvent},
		{log: "bacnet_discovery", zeek: peers("function - - object_type instance vendor range object_name", none), ours: discoveryEvent},
		{log: "bacnet_property", zeek: propertyRows, ours: propertyEvent, collate: true},
		{log: "enip", zeek: peers("enip_command_code function length session_handle enip_status sender_context options", half), ours: enipEvent},
		{log: "cip", zeek: peers("cip_sequence_count - function_code function cip_status_code cip_status - - class_id class_name instance_id attribute_id", half), ours: cipEvent},
		{log: "cip_io", zeek: peers("connection_id sequence_number data_length value", none), ours: ioEvent},
		{log: "cip_identity", zeek: peers("- - - - vendor - type - firmware - serial model -", none), ours: identityEvent},
		{log: "opcua_binary", zeek: opcuaRows, ours: opcuaEvent},
		{log: "opcua_binary_write", zeek: nodeRows("WriteRequest"), ours: nodeEvent("WriteRequest")},
		{log: "opcua_binary_read_nodes_to_read", zeek: nodeRows("ReadRequest"), ours: nodeEvent("ReadRequest")},
		{log: "opcua_binary_activate_session", zeek: activateRows, ours: activateEvent},
	}
}

func none([]string) string { return "" }

// half tells request from response by who sent it.
func half(col []string) string {
	if col[isOrig] == "T" {
		return "Request "
	}
	return "Response "
}

// peers reads a log whose own columns follow those of source and destination.
// The columns named function and kind become what a record is matched by; "-"
// is passed over.
func peers(names string, prefix func([]string) string) func([]string) []rec {
	return func(col []string) []rec {
		r := rec{function: prefix(col), fields: map[string]string{}}
		for i, name := range strings.Fields(names) {
			if at := afterPeers + i; at < len(col) {
				switch name {
				case "-":
				case "function", "kind", "object":
					r.function += col[at] + " "
				default:
					r.fields[name] = col[at]
				}
			}
		}
		r.function = strings.TrimSpace(r.function)
		return []rec{r}
	}
}

// extras makes fields of what an event has under ICSNPP's names.
func extras(e *event.Event, names string) map[string]string {
	m := map[string]string{}
	for name := range strings.FieldsSeq(names) {
		m[name] = e.Extra(name)
	}
	return m
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func number(e *event.Event, s event.Slot) string {
	if !e.Has(s) {
		return ""
	}
	return itoa(e.Int(s))
}

// modbusRows makes two records of a row that pairs request and response.
func modbusRows(col []string) []rec {
	c := col[firstOwn:]
	base := func() map[string]string { return map[string]string{"tid": c[0], "unit": c[1]} }
	request, response := base(), base()
	if c[8] != "T" {
		return []rec{{function: c[2], fields: request}}
	}
	for _, m := range []map[string]string{request, response} {
		m["address"], m["quantity"] = c[3], c[4]
	}
	if c[4] == "0" { // of a file or a queue: it is not read there
		request["quantity"], response["quantity"], response["address"], request["address"] = "-", "-", "-", "-"
	}
	request["values"], response["values"], response["exception"] = c[5], c[6], c[13]
	request["subfunction"], response["subfunction"], request["mei_type"] = c[9], c[10], c[14]
	return []rec{{function: c[2], fields: request}, {function: c[2], fields: response}}
}

func modbusEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "modbus" || e.ClassUID() != int64(event.NetworkActivity) {
		return nil
	}
	m := extras(e, "tid mei_type")
	m["unit"], m["address"], m["quantity"] = number(e, event.SlotICSUnit), number(e, event.SlotICSAddress), number(e, event.SlotICSQuantity)
	m["values"], m["exception"] = e.ICSValue(), e.ICSResponse()
	m["subfunction"] = e.Extra("request_subfunction_code") + e.Extra("response_subfunction_code")
	return &rec{function: e.ICSFunction(), fields: m}
}

func maskRows(col []string) []rec {
	c := col[afterPeers:]
	return []rec{{function: c[4], fields: map[string]string{"tid": c[1], "unit": c[2], "address": c[5], "and_mask": c[6], "or_mask": c[7]}}}
}

func maskEvent(e *event.Event) *rec {
	if e.ICSFunction() != "MASK_WRITE_REGISTER" {
		return nil
	}
	m := extras(e, "tid and_mask or_mask")
	m["unit"], m["address"] = number(e, event.SlotICSUnit), number(e, event.SlotICSAddress)
	return &rec{function: strings.ToUpper(e.ActivityName()), fields: m}
}

// dnp3Rows makes two records of a row that pairs request and response.
func dnp3Rows(col []string) (all []rec) {
	c := col[firstOwn:]
	if c[0] != "-" {
		all = append(all, rec{function: c[0]})
	}
	if c[1] != "-" {
		all = append(all, rec{function: c[1], fields: map[string]string{"iin": c[2]}})
	}
	return all
}

func dnp3Event(e *event.Event) *rec {
	if e.ICSProtocol() != "dnp3" || e.Extra("layer") != "" || e.Extra("part") != "" {
		return nil
	}
	return &rec{function: e.ICSFunction(), fields: extras(e, "iin")}
}

func controlEvent(e *event.Event) *rec {
	if e.Extra("trip_control_code") == "" {
		return nil
	}
	m := extras(e, "trip_control_code operation_type clear_bit execute_count on_time off_time status_code")
	m["block_type"], m["index_number"] = e.ICSObject(), number(e, event.SlotICSAddress)
	return &rec{function: e.ActivityName() + " " + e.ICSFunction(), fields: m}
}

func objectEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "dnp3" || e.ICSObject() == "" || e.Extra("trip_control_code") != "" {
		return nil
	}
	m := map[string]string{"object_count": number(e, event.SlotICSQuantity), "range_low": number(e, event.SlotICSAddress), "range_high": e.Extra("range_high")}
	return &rec{function: e.ActivityName() + " " + e.ICSFunction() + " " + e.ICSObject(), fields: m}
}

func s7Event(e *event.Event) *rec {
	if e.ICSProtocol() != "s7comm" || e.Extra("part") != "" {
		return nil
	}
	m := extras(e, "subfunction_code subfunction_name error_class error_code")
	m["function_code"] = "0x" + strconv.FormatInt(e.ICSFunctionCode(), 16)
	if len(m["function_code"]) == 3 {
		m["function_code"] = "0x0" + m["function_code"][2:]
	}
	return &rec{function: e.Extra("rosctr_name") + " " + e.Extra("pdu_reference") + " " + e.ICSFunction(), fields: m}
}

func szlEvent(e *event.Event) *rec {
	if e.Extra("szl_id") == "" {
		return nil
	}
	m := extras(e, "szl_id szl_index return_code return_code_name")
	m["szl_id_name"] = e.ICSObject()
	return &rec{function: e.Extra("pdu_reference") + " " + e.ActivityName(), fields: m}
}

func uploadEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "s7comm" {
		return nil
	}
	m := extras(e, "pdu_reference function_status session_id blocklength filename block_number destination_filesystem")
	m["block_type"] = e.ICSObject()
	return &rec{function: e.Extra("rosctr_name") + " " + e.ICSFunction(), fields: m}
}

// cotpRows leaves out units of data: what they carry is told.
func cotpRows(col []string) []rec {
	c := col[afterPeers:]
	if c[0] == "0x0f" {
		return nil
	}
	return []rec{{function: c[1], fields: map[string]string{"pdu_code": c[0]}}}
}

func cotpEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "cotp" {
		return nil
	}
	return &rec{function: e.ICSFunction(), fields: extras(e, "pdu_code")}
}

func bacnetEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "bacnet" || e.Extra("part") != "" {
		return nil
	}
	fn := e.ICSFunction()
	if fn == "segment_ack" {
		fn = "-"
	}
	return &rec{function: e.Extra("pdu_type") + " " + fn, fields: extras(e, "bvlc_function invoke_id result_code")}
}

func discoveryEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "bacnet" {
		return nil
	}
	m := extras(e, "vendor range object_name")
	m["object_type"], m["instance"] = e.ICSObject(), number(e, event.SlotICSAddress)
	return &rec{function: strings.ReplaceAll(e.ICSFunction(), "_", "-"), fields: m}
}

// propertyRows matches by property and by half: a service is named otherwise
// in each log.
func propertyRows(col []string) []rec {
	c := col[afterPeers:]
	which := "Request "
	if strings.HasSuffix(c[1], "-ack") {
		which = "Response "
	}
	return []rec{{function: which + c[0] + " " + c[4], fields: map[string]string{
		"invoke_id": c[0], "object_type": c[2], "instance": c[3], "property": c[4], "array_index": c[5], "value": c[6],
	}}}
}

func propertyEvent(e *event.Event) *rec {
	if fn := e.ICSFunction(); e.Extra("property") == "" || !strings.Contains(fn, "_property") && fn != "read_range" || strings.HasPrefix(fn, "subscribe") {
		return nil
	}
	m := extras(e, "invoke_id property array_index")
	m["object_type"], m["instance"], m["value"] = e.ICSObject(), number(e, event.SlotICSAddress), e.ICSValue()
	return &rec{function: e.ActivityName() + " " + e.Extra("invoke_id") + " " + e.Extra("property"), fields: m}
}

func enipEvent(e *event.Event) *rec {
	if e.Extra("enip_command") == "" || e.Extra("part") != "" {
		return nil
	}
	return &rec{
		function: e.ActivityName() + " " + e.Extra("enip_command"),
		fields:   extras(e, "enip_command_code length session_handle enip_status sender_context options"),
	}
}

func cipEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "cip" || e.Extra("connection_id") != "" {
		return nil
	}
	m := extras(e, "cip_sequence_count cip_status_code cip_status class_id class_name instance_id attribute_id")
	m["function_code"] = "0x" + strings.Repeat("0", max(0, 2-len(strconv.FormatInt(e.ICSFunctionCode(), 16)))) + strconv.FormatInt(e.ICSFunctionCode(), 16)
	return &rec{function: e.ActivityName() + " " + e.ICSFunction(), fields: m}
}

func ioEvent(e *event.Event) *rec {
	if e.ICSFunction() != "IO Data" {
		return nil
	}
	m := extras(e, "connection_id sequence_number data_length")
	m["value"] = e.ICSValue()
	return &rec{fields: m}
}

func identityEvent(e *event.Event) *rec {
	if e.IdentitySource() != "enip identity" {
		return nil
	}
	return &rec{fields: map[string]string{
		"vendor": e.IdentityVendor(), "type": e.IdentityType(), "firmware": e.IdentityFirmware(), "serial": e.IdentitySerial(), "model": e.IdentityModel(),
	}}
}

// opcuaRows makes a record of each half that a row names.
func opcuaRows(col []string) (all []rec) {
	switch col[firstOwn] {
	case "HEL":
		return []rec{{function: "Hello"}}
	case "ACK":
		return []rec{{function: "Acknowledge"}}
	}
	for i, v := range col {
		if i > 0 && (strings.HasSuffix(v, "Request") || strings.HasSuffix(v, "Response")) {
			all = append(all, rec{function: v, fields: map[string]string{"identifier": col[i-1]}})
		}
	}
	return all
}

func opcuaEvent(e *event.Event) *rec {
	if e.ICSProtocol() != "opcua" {
		return nil
	}
	return &rec{function: e.ICSFunction(), fields: extras(e, "identifier")}
}

// nodeRows reads the nodes that are read or written: encoding, namespace,
// number, text.
func nodeRows(function string) func([]string) []rec {
	return func(col []string) []rec {
		c := col[afterPeers:]
		if col[isOrig] != "T" {
			return nil
		}
		id := "i=" + c[2]
		if c[2] == "-" {
			id = "s=" + c[3]
		}
		if c[1] != "-" && c[1] != "0" {
			id = "ns=" + c[1] + ";" + id
		}
		return []rec{{function: function, fields: map[string]string{"node": id}}}
	}
}

func nodeEvent(function string) func(*event.Event) *rec {
	return func(e *event.Event) *rec {
		if e.ICSFunction() != function {
			return nil
		}
		return &rec{function: function, fields: map[string]string{"node": e.ICSObject()}}
	}
}

func activateRows(col []string) []rec {
	c := col[afterPeers:]
	if col[isOrig] != "T" {
		return nil
	}
	return []rec{{function: "ActivateSessionRequest", fields: map[string]string{"token": c[8], "policy": c[10], "user": c[11]}}}
}

func activateEvent(e *event.Event) *rec {
	if e.ICSFunction() != "ActivateSessionRequest" {
		return nil
	}
	return &rec{function: e.ICSFunction(), fields: map[string]string{"token": e.Extra("ext_obj_type_id_str"), "policy": e.Extra("policy_id"), "user": e.UserName()}}
}
