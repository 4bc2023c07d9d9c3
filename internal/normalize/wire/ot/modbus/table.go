package modbus

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// function is what one function code means, by Zeek's names.
type function struct {
	name, object string
	write        bool
}

// functions are the public functions (application protocol, section 5.1), and
// those of programming tools that Zeek knows by name.
var functions = map[int]function{
	1: {"READ_COILS", "coil", false}, 2: {"READ_DISCRETE_INPUTS", "discrete input", false},
	3: {"READ_HOLDING_REGISTERS", "holding register", false}, 4: {"READ_INPUT_REGISTERS", "input register", false},
	5: {"WRITE_SINGLE_COIL", "coil", true}, 6: {"WRITE_SINGLE_REGISTER", "holding register", true},
	7: {"READ_EXCEPTION_STATUS", "", false}, 8: {"DIAGNOSTICS", "", false},
	9: {"PROGRAM_484", "", true}, 10: {"POLL_484", "", false},
	11: {"GET_COMM_EVENT_COUNTER", "", false}, 12: {"GET_COMM_EVENT_LOG", "", false},
	13: {"PROGRAM_584_984", "", true}, 14: {"POLL_584_984", "", false},
	15: {"WRITE_MULTIPLE_COILS", "coil", true}, 16: {"WRITE_MULTIPLE_REGISTERS", "holding register", true},
	17: {"REPORT_SLAVE_ID", "", false}, 18: {"PROGRAM_884_U84", "", true}, 19: {"RESET_COMM_LINK_884_U84", "", true},
	20: {"READ_FILE_RECORD", "file record", false}, 21: {"WRITE_FILE_RECORD", "file record", true},
	22: {"MASK_WRITE_REGISTER", "holding register", true}, 23: {"READ_WRITE_MULTIPLE_REGISTERS", "holding register", true},
	24: {"READ_FIFO_QUEUE", "", false}, 40: {"PROGRAM_CONCEPT", "", true}, 43: {"ENCAP_INTERFACE_TRANSPORT", "", false},
	90: {"UMAS", "", false}, 125: {"FIRMWARE_REPLACEMENT", "", true}, 126: {"PROGRAM_584_984_2", "", true},
	127: {"REPORT_LOCAL_ADDRESS", "", false},
}

// exceptions are the codes of section 7.
var exceptions = map[int]string{
	1: "ILLEGAL_FUNCTION", 2: "ILLEGAL_DATA_ADDRESS", 3: "ILLEGAL_DATA_VALUE", 4: "SLAVE_DEVICE_FAILURE", 5: "ACKNOWLEDGE",
	6: "SLAVE_DEVICE_BUSY", 7: "NEGATIVE_ACKNOWLEDGE", 8: "MEMORY_PARITY_ERROR", 10: "GATEWAY_PATH_UNAVAILABLE",
	11: "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND",
}

func exception(code int) string {
	if s, ok := exceptions[code]; ok {
		return s
	}
	return "exception-" + itoa(code)
}

// diagnostics are the sub-functions of function 8 (section 6.8).
var diagnostics = map[int]string{
	0: "Return Query Data", 1: "Restart Communications Option", 2: "Return Diagnostic Register", 3: "Change ASCII Input Delimiter",
	4: "Force Listen Only Mode", 10: "Clear Counters and Diagnostic Register", 11: "Return Bus Message Count",
	12: "Return Bus Communication Error Count", 13: "Return Bus Exception Error Count", 14: "Return Slave Message Count",
	15: "Return Slave No Response Count", 16: "Return Slave NAK Count", 17: "Return Slave Busy Count",
	18: "Return Bus Character Overrun Count", 20: "Clear Overrun Counter and Flag",
}

func diagnostic(code int) string {
	if s, ok := diagnostics[code]; ok {
		return s
	}
	return "unknown-" + itoa(code)
}

// changing are the diagnostics that change how the device behaves.
func changing(diagnostic int) bool {
	switch diagnostic {
	case 1, 3, 4, 10, 20:
		return true
	}
	return false
}

func encapsulated(mei int) string {
	switch mei {
	case 13:
		return "CANopen General Reference"
	case 14:
		return "Read Device Identification"
	}
	return "unknown-" + itoa(mei)
}
