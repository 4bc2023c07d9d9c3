package bacnet

import "fmt"

func nameOf(names map[int]string, code int) string {
	if s, ok := names[code]; ok {
		return s
	}
	return fmt.Sprintf("unknown-0x%02x", code)
}

// The services that are treated by themselves.
const (
	iAm, iHave, whoHas, whoIs   = 0, 1, 7, 8
	communication, reinitialize = 17, 20
	deviceObject                = 8
)

func confirmedChanges(service int) bool {
	switch service {
	case 7, 8, 9, 10, 11, 15, 16, communication, reinitialize, 27:
		return true
	}
	return false
}

func unconfirmedChanges(service int) bool {
	switch service {
	case 6, 9, 10, 13: // clocks, groups, and an identity that is given
		return true
	}
	return false
}

// linkFunctions are those of the virtual link (annex J.2), by ICSNPP's names.
var linkFunctions = map[int]string{
	0: "BVLC_Result", 1: "Write_Broadcast_Table", 2: "Read_Broadcast_Table", 3: "Read_Broadcast_Table_ACK", 4: "Forwarded_NPDU",
	5: "Register_Foreign_Device", 6: "Read_Foreign_Device_Table", 7: "Read_Foreign_Device_Table_ACK", 8: "Delete_Foreign_Device_Table_Entry",
	9: "Distribute_Broadcast_to_Network", 10: "Original_Unicast_NPDU", 11: "Original_Broadcast_NPDU",
}

// linkResults are the results of the virtual link (annex J.2.1).
var linkResults = map[int]string{
	0: "Successful_completion", 16: "Write-Broadcast-Distribution-Table_NAK", 32: "Read-Broadcast-Distribution-Table_NAK",
	48: "Register-Foreign-Device_NAK", 64: "Read-Foreign-Device-Table_NAK", 80: "Delete-Foreign-Device-Table-Entry_NAK",
	96: "Distribute-Broadcast-To-Network_NAK",
}

// networkMessages are those of routers (clause 6.4).
var networkMessages = map[int]string{
	0: "who-is-router-to-network", 1: "i-am-router-to-network", 2: "i-could-be-router-to-network", 3: "reject-message-to-network",
	4: "router-busy-to-network", 5: "router-available-to-network", 6: "initialize-routing-table", 7: "initialize-routing-table-ack",
	8: "establish-connection-to-network", 9: "disconnect-connection-to-network", 18: "what-is-network-number", 19: "network-number-is",
}

// pduTypes are the types of application messages, by ICSNPP's names.
var pduTypes = map[int]string{
	0: "CONFIRMED_REQUEST", 1: "UNCONFIRMED_REQUEST", 2: "SIMPLE_ACK", 3: "COMPLEX_ACK", 4: "SEGMENT_ACK", 5: "ERROR_PDU", 6: "REJECT_PDU",
	7: "ABORT_PDU",
}

// confirmedServices are the choices of confirmed requests (clause 21).
var confirmedServices = map[int]string{
	0: "acknowledge_alarm", 1: "confirmed_cov_notification", 2: "confirmed_event_notification", 3: "get_alarm_summary", 4: "get_enrollment_summary",
	5: "subscribe_cov", 6: "atomic_read_file", 7: "atomic_write_file", 8: "add_list_element", 9: "remove_list_element", 10: "create_object",
	11: "delete_object", 12: "read_property", 13: "read_property_conditional", 14: "read_property_multiple", 15: "write_property",
	16: "write_property_multiple", 17: "device_communication_control", 18: "confirmed_private_transfer", 19: "confirmed_text_message",
	20: "reinitialize_device", 21: "vt_open", 22: "vt_close", 23: "vt_data", 24: "authenticate", 25: "request_key", 26: "read_range",
	27: "life_safety_operation", 28: "subscribe_cov_property", 29: "get_event_information", 30: "subscribe_cov_property_multiple",
	31: "confirmed_cov_notification_multiple", 32: "confirmed_audit_notification", 33: "audit_log_query",
}

// unconfirmedServices are the choices of unconfirmed requests (clause 21).
var unconfirmedServices = map[int]string{
	0: "i_am", 1: "i_have", 2: "unconfirmed_cov_notification", 3: "unconfirmed_event_notification", 4: "unconfirmed_private_transfer",
	5: "unconfirmed_text_message", 6: "time_synchronization", 7: "who_has", 8: "who_is", 9: "utc_time_synchronization", 10: "write_group",
	11: "unconfirmed_cov_notification_multiple", 12: "unconfirmed_audit_notification", 13: "who_am_i", 14: "you_are",
}

// rejectReasons tell why a request was not understood (clause 18.8).
var rejectReasons = map[int]string{
	0: "other", 1: "buffer-overflow", 2: "inconsistent-parameters", 3: "invalid-parameter-data-type", 4: "invalid-tag", 5: "missing-required-parameter",
	6: "parameter-out-of-range", 7: "too-many-arguments", 8: "undefined-enumeration", 9: "unrecognized-service",
}

// abortReasons tell why a transaction was ended (clause 18.9).
var abortReasons = map[int]string{
	0: "other", 1: "buffer-overflow", 2: "invalid-apdu-in-this-state", 3: "preempted-by-higher-priority-task", 4: "segmentation-not-supported",
	5: "security-error", 6: "insufficient-security", 7: "window-size-out-of-range", 8: "application-exceeded-reply-time", 9: "out-of-resources",
	10: "tsm-timeout", 11: "apdu-too-long",
}

// deviceStates are what a device can be told to become (clause 16.4).
var deviceStates = map[int]string{
	0: "coldstart", 1: "warmstart", 2: "startbackup", 3: "endbackup", 4: "startrestore", 5: "endrestore", 6: "abortrestore", 7: "activate-changes",
}

// communicationStates are what a device can be told to say (clause 16.1).
var communicationStates = map[int]string{
	0: "enable", 1: "disable", 2: "disable-initiation",
}

// eventStates are those of an object.
var eventStates = map[int]string{
	0: "normal", 1: "fault", 2: "offnormal", 3: "high-limit", 4: "low-limit", 5: "life-safety-alarm",
}

// systemStates are those of a device.
var systemStates = map[int]string{
	0: "operational", 1: "operational-read-only", 2: "download-required", 3: "download-in-progress", 4: "non-operational", 5: "backup-in-progress",
}

// segmentation is what a device can do of it.
var segmentation = map[int]string{
	0: "segmented-both", 1: "segmented-transmit", 2: "segmented-receive", 3: "no-segmentation",
}

// units are the engineering units that are met most (clause 21, BACnetEngineeringUnits).
var units = map[int]string{
	2: "milliamperes", 3: "amperes", 4: "ohms", 5: "volts", 6: "kilovolts", 7: "megavolts", 15: "power-factor", 18: "watt-hours", 19: "kilowatt-hours",
	27: "hertz", 29: "percent-relative-humidity", 30: "millimeters", 31: "meters", 36: "lumens", 37: "luxes", 39: "kilograms", 40: "tons", 47: "watts",
	48: "kilowatts", 49: "megawatts", 53: "pascals", 54: "kilopascals", 55: "bars", 56: "pounds-force-per-square-inch", 62: "degrees-celsius",
	63: "degrees-kelvin", 64: "degrees-fahrenheit", 67: "years", 68: "months", 69: "weeks", 70: "days", 71: "hours", 72: "minutes", 73: "seconds",
	74: "meters-per-second", 75: "kilometers-per-hour", 80: "cubic-meters", 81: "imperial-gallons", 82: "liters", 83: "us-gallons",
	84: "cubic-feet-per-minute", 85: "cubic-meters-per-second", 87: "liters-per-second", 88: "liters-per-minute", 95: "no-units",
	96: "parts-per-million", 97: "parts-per-billion", 98: "percent", 104: "revolutions-per-minute", 124: "millivolts", 135: "cubic-meters-per-hour",
}

// objectTypes are those of BACnetObjectType (clause 21).
var objectTypes = map[int]string{
	0: "analog-input", 1: "analog-output", 2: "analog-value", 3: "binary-input", 4: "binary-output", 5: "binary-value", 6: "calendar", 7: "command",
	8: "device", 9: "event-enrollment", 10: "file", 11: "group", 12: "loop", 13: "multi-state-input", 14: "multi-state-output",
	15: "notification-class", 16: "program", 17: "schedule", 18: "averaging", 19: "multi-state-value", 20: "trend-log", 21: "life-safety-point",
	22: "life-safety-zone", 23: "accumulator", 24: "pulse-converter", 25: "event-log", 26: "global-group", 27: "trend-log-multiple", 28: "load-control",
	29: "structured-view", 30: "access-door", 31: "timer", 32: "access-credential", 33: "access-point", 34: "access-rights", 35: "access-user",
	36: "access-zone", 37: "credential-data-input", 38: "network-security", 39: "bitstring-value", 40: "characterstring-value",
	41: "date-pattern-value", 42: "date-value", 43: "datetime-pattern-value", 44: "datetime-value", 45: "integer-value", 46: "large-analog-value",
	47: "octetstring-value", 48: "positive-integer-value", 49: "time-pattern-value", 50: "time-value", 51: "notification-forwarder",
	52: "alert-enrollment", 53: "channel", 54: "lighting-output", 55: "binary-lighting-output", 56: "network-port", 57: "elevator-group",
	58: "escalator", 59: "lift",
}
