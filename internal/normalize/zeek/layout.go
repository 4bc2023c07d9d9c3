package zeek

import (
	"slices"
	"strconv"
	"strings"
)

// The columns that all connection-related logs begin with, and those that the
// ICSNPP parsers add to it.
var (
	zeekLead   = []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"}
	icsnppLead = append(slices.Clone(zeekLead), "is_orig", "source_h", "source_p", "destination_h", "destination_p")
)

// layouts are the columns of logs that are met without their header, by log
// name: after the lead, as the ICSNPP documentation lists them. A log with
// more columns than its layout gets positional names for the rest. "LOG/N" is
// the layout of the variant with N columns.
var layouts = map[string]struct{ lead, rest []string }{
	"conn": {zeekLead, strings.Fields("proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents")},
	"dns":  {zeekLead, strings.Fields("proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected")},

	"modbus":           {zeekLead, strings.Fields("func exception")},
	"modbus_detailed":  {zeekLead, strings.Fields("tid unit func address quantity request_values response_values modbus_detailed_link_id matched request_subfunction_code response_subfunction_code request_data response_data exception_code mei_type")},
	"dnp3":             {zeekLead, strings.Fields("fc_request fc_reply iin")},
	"dnp3_control":     {icsnppLead, strings.Fields("block_type function_code index_number trip_control_code operation_type clear_bit execute_count on_time off_time status_code")},
	"dnp3_objects":     {icsnppLead, strings.Fields("function_code object_type object_count range_low range_high")},
	"bacnet":           {icsnppLead, strings.Fields("bvlc_function pdu_type pdu_service invoke_id result_code")},
	"bacnet_property":  {icsnppLead, strings.Fields("invoke_id pdu_service object_type instance_number property array_index value")},
	"bacnet_discovery": {icsnppLead, strings.Fields("pdu_service device_id_type device_id_number object_type instance_number vendor range object_name")},
	"s7comm":           {icsnppLead, strings.Fields("rosctr_code rosctr_name pdu_reference function_code function_name subfunction_code subfunction_name error_class error_code")},
	"cotp":             {icsnppLead, strings.Fields("pdu_code pdu_name")},
	"enip":             {icsnppLead, strings.Fields("enip_command_code enip_command length session_handle enip_status sender_context options")},
	"cip":              {icsnppLead, strings.Fields("cip_sequence_count direction cip_service_code cip_service cip_status_code cip_status cip_extended_status_code cip_extended_status class_id class_name instance_id attribute_id")},
	"cip_io":           {icsnppLead, strings.Fields("connection_id sequence_number data_length io_data")},
	"cip_identity":     {icsnppLead, strings.Fields("encapsulation_version socket_address socket_port vendor_id vendor_name device_type_id device_type_name product_code revision device_status serial_number product_name device_state")},

	// One record of a request with its response; the links between logs are left out of the parser's own test logs.
	"opcua_binary": {zeekLead, strings.Fields("msg_type is_final total_size error reason version rcv_buf_size snd_buf_size max_msg_size max_chunk_cnt endpoint_url sec_channel_id sec_policy_uri_len sec_policy_uri snd_cert_len snd_cert rcv_cert_len rcv_cert request_id " +
		"req_msg_size req_seq_number req_encoding_mask req_namespace_idx req_identifier req_identifier_str req_hdr_node_id_type req_hdr_node_id_namespace_idx req_hdr_node_id_numeric req_hdr_node_id_string req_hdr_node_id_guid req_hdr_node_id_opaque req_hdr_timestamp req_hdr_request_handle req_hdr_return_diag req_hdr_audit_entry_id req_hdr_timeout_hint req_hdr_add_hdr_type_id req_hdr_add_hdr_enc_mask " +
		"res_msg_size res_seq_number res_encoding_mask res_namespace_idx res_identifier res_identifier_str res_hdr_timestamp res_hdr_request_handle res_hdr_service_diag_encoding res_hdr_add_hdr_type_id res_hdr_add_hdr_enc_mask")},
	"opcua_binary/58": {zeekLead, strings.Fields("msg_type is_final total_size error reason version rcv_buf_size snd_buf_size max_msg_size max_chunk_cnt endpoint_url sec_channel_id sec_policy_uri_len sec_policy_uri snd_cert_len snd_cert rcv_cert_len rcv_cert request_id req_opcua_link_id " +
		"req_msg_size req_seq_number req_encoding_mask req_namespace_idx req_identifier req_identifier_str req_hdr_node_id_type req_hdr_node_id_namespace_idx req_hdr_node_id_numeric req_hdr_node_id_string req_hdr_node_id_guid req_hdr_node_id_opaque req_hdr_timestamp req_hdr_request_handle req_hdr_return_diag req_hdr_audit_entry_id req_hdr_timeout_hint req_hdr_add_hdr_type_id req_hdr_add_hdr_enc_mask res_opcua_link_id " +
		"res_msg_size res_seq_number res_encoding_mask res_namespace_idx res_identifier res_identifier_str res_hdr_timestamp res_hdr_request_handle status_code_link_id res_hdr_service_diag_encoding res_hdr_add_hdr_type_id res_hdr_add_hdr_enc_mask")},
	"opcua_binary_get_endpoints":      {icsnppLead, strings.Fields("endpoint_url")},
	"opcua_binary_close_session":      {icsnppLead, strings.Fields("del_subscriptions")},
	"opcua_binary_write":              {icsnppLead, strings.Fields("node_id_encoding_mask node_id_namespace_idx node_id_numeric node_id_string node_id_guid node_id_opaque attribute_id attribute_id_str index_range data_value_encoding_mask")},
	"opcua_binary_read":               {icsnppLead, strings.Fields("max_age timestamps_to_return timestamps_to_return_str")},
	"opcua_binary_read_nodes_to_read": {icsnppLead, strings.Fields("node_id_encoding_mask node_id_namespace_idx node_id_numeric node_id_string node_id_guid node_id_opaque attribute_id attribute_id_str index_range data_encoding_name_idx data_encoding_name")},
	"opcua_binary_browse":             {icsnppLead, strings.Fields("browse_service_type")},
}

// layoutOf names the columns of a headerless log. The name of the file settles
// which log it is, if the number of columns fits; otherwise the columns after
// the lead are called by their position.
func layoutOf(log string, columns int) []string {
	l, ok := layouts[log+"/"+strconv.Itoa(columns)]
	if !ok {
		l, ok = layouts[log]
	}
	if !ok || len(l.lead)+len(l.rest) > columns {
		l.lead, l.rest = zeekLead, nil
		if strings.HasPrefix(log, "opcua_binary_") && columns > len(icsnppLead) {
			l.lead = icsnppLead
		}
	}
	out := slices.Concat(l.lead, l.rest)
	for i := len(out); i < columns; i++ {
		out = append(out, "col"+strconv.Itoa(i+1))
	}
	return out
}

// tellingColumns are columns that only one kind of log has, for logs that name
// themselves neither in a header nor in a "_path"; the first that fits decides.
var tellingColumns = []struct {
	log     string
	columns []string
}{
	{"conn", []string{"conn_state"}},
	{"conn", []string{"orig_ip_bytes"}},
	{"dns", []string{"query", "trans_id"}},
	{"dns", []string{"query", "qtype_name"}},
	{"dns", []string{"rcode_name"}},
	{"x509", []string{"certificate.subject"}},
	{"x509", []string{"certificate.serial"}},
	{"ssl", []string{"cipher"}},
	{"ssl", []string{"server_name", "established"}},
	{"http", []string{"uri", "method"}},
	{"http", []string{"trans_depth", "status_code"}},
	{"http", []string{"trans_depth", "host"}},
	{"http", []string{"trans_depth", "resp_fuids"}},
	{"smtp", []string{"helo"}},
	{"smtp", []string{"mailfrom"}},
	{"files", []string{"fuid", "tx_hosts"}},
	{"files", []string{"fuid", "seen_bytes"}},
	{"dhcp", []string{"msg_types"}},
	{"notice", []string{"note"}},
	{"software", []string{"software_type"}},
	{"arp", []string{"operation", "orig_hw"}},
	{"pe", []string{"machine", "compile_ts"}},
	{"modbus_detailed", []string{"func", "tid", "unit"}},
	{"modbus", []string{"func", "exception"}},
	{"dnp3", []string{"fc_request"}},
	{"dnp3_control", []string{"trip_control_code"}},
	{"dnp3_objects", []string{"object_count", "range_low"}},
	{"bacnet_property", []string{"pdu_service", "property"}},
	{"bacnet_discovery", []string{"pdu_service", "device_id_number"}},
	{"bacnet", []string{"bvlc_function"}},
	{"s7comm", []string{"rosctr_code"}},
	{"cip_identity", []string{"product_code", "vendor_name"}},
	{"cip", []string{"cip_service"}},
	{"enip", []string{"enip_command"}},
	{"ssh", []string{"auth_attempts"}},
	{"ssh", []string{"hassh"}},
	{"capture_loss", []string{"percent_lost"}},
	{"packet_filter", []string{"filter", "init"}},
	{"reporter", []string{"level", "message", "location"}},
}

// logOfColumns tells the log from its columns; the name of the file decides
// where they leave it open.
func logOfColumns(fields []string, named string) string {
	if _, known := zeekLogs[named]; known && (named == "conn" || named == "weird") {
		return named
	}
	for _, t := range tellingColumns {
		if !slices.ContainsFunc(t.columns, func(c string) bool { return !slices.Contains(fields, c) }) {
			return t.log
		}
	}
	if named == "" {
		return "unknown"
	}
	return named
}
