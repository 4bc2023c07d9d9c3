package dnp3

import (
	"fmt"
	"strings"
)

// functionNames are the application functions (clause 4.4), by Zeek's names.
var functionNames = map[int]string{
	0: "CONFIRM", 1: "READ", 2: "WRITE", 3: "SELECT", 4: "OPERATE", 5: "DIRECT_OPERATE", 6: "DIRECT_OPERATE_NR",
	7: "IMMED_FREEZE", 8: "IMMED_FREEZE_NR", 9: "FREEZE_CLEAR", 10: "FREEZE_CLEAR_NR", 11: "FREEZE_AT_TIME", 12: "FREEZE_AT_TIME_NR",
	13: "COLD_RESTART", 14: "WARM_RESTART", 15: "INITIALIZE_DATA", 16: "INITIALIZE_APPL", 17: "START_APPL", 18: "STOP_APPL",
	19: "SAVE_CONFIG", 20: "ENABLE_UNSOLICITED", 21: "DISABLE_UNSOLICITED", 22: "ASSIGN_CLASS", 23: "DELAY_MEASURE",
	24: "RECORD_CURRENT_TIME", 25: "OPEN_FILE", 26: "CLOSE_FILE", 27: "DELETE_FILE", 28: "GET_FILE_INFO", 29: "AUTHENTICATE_FILE",
	30: "ABORT_FILE", 31: "ACTIVATE_CONFIG", 32: "AUTHENTICATE_REQ", 33: "AUTHENTICATE_REQ_NR",
	0x81: "RESPONSE", 0x82: "UNSOLICITED_RESPONSE", 0x83: "AUTHENTICATE_RESP",
}

func functionName(code int) string {
	if s, ok := functionNames[code]; ok {
		return s
	}
	return fmt.Sprintf("unknown-%x", code)
}

// changes tells whether a function changes the outstation or the process.
func changes(code int) bool {
	switch {
	case code >= 2 && code <= 22, code == 24, code == 25, code == 27, code == 30, code == 31:
		return true
	}
	return false
}

// iinBits are the internal indications (clause 4.5), from bit 0 of the second
// octet on, then those of the first.
var iinBits = [...]string{
	"function code not supported", "object unknown", "parameter error", "event buffer overflow", "already executing", "configuration corrupt", "", "",
	"broadcast", "class 1 events", "class 2 events", "class 3 events", "need time", "local control", "device trouble", "device restart",
}

// iinErrors are the indications that a request was refused.
const iinErrors = 0x0007

func flags(iin int) string {
	var set []string
	for i, s := range iinBits {
		if iin>>i&1 != 0 && s != "" {
			set = append(set, s)
		}
	}
	return strings.Join(set, ",")
}

// The layout of an object is a letter for each part: b one bit, B two bits
// (packed over objects), F flags with the state in bit 7, f flags, i I integers
// of 16 and 32 bits, u U unsigned ones, r R floating point of 32 and 64 bits, t
// a time of 6 bytes, d a time of 2, x a byte, c the status of a control.
type object struct{ name, layout string }

// objects are the groups and variations of clause 11, annex A, by ICSNPP's
// names where it has them.
var objects = map[int]object{
	0x0101: {"Single-bit Binary Input", "b"}, 0x0102: {"Binary Input With Status", "F"},
	0x0201: {"Binary Input Change Without Time", "F"}, 0x0202: {"Binary Input Change With Time", "Ft"}, 0x0203: {"Binary Input Change With Relative Time", "Fd"},
	0x0301: {"Double-bit Input No Flags", "B"}, 0x0302: {"Double-bit Input With Status", "F"},
	0x0401: {"Double-bit Input Change Without Time", "F"}, 0x0402: {"Double-bit Input Change With Time", "Ft"}, 0x0403: {"Double-bit Input Change With Relative Time", "Fd"},
	0x0a01: {"Binary Output", "b"}, 0x0a02: {"Binary Output Status", "F"},
	0x0b01: {"Binary Output Change Without Time", "F"}, 0x0b02: {"Binary Output Change With Time", "Ft"},
	0x0c01: {"Control Relay Output Block", ""}, 0x0c02: {"Pattern Control Block", ""}, 0x0c03: {"Pattern Mask", "b"},
	0x0d01: {"Binary Output Command Event Without Time", "F"}, 0x0d02: {"Binary Output Command Event With Time", "Ft"},
	0x1401: {"32-Bit Binary Counter", "fU"}, 0x1402: {"16-Bit Binary Counter", "fu"}, 0x1403: {"32-Bit Delta Counter", "fU"}, 0x1404: {"16-Bit Delta Counter", "fu"},
	0x1405: {"32-Bit Binary Counter Without Flag", "U"}, 0x1406: {"16-Bit Binary Counter Without Flag", "u"}, 0x1407: {"32-Bit Delta Counter Without Flag", "U"}, 0x1408: {"16-Bit Delta Counter Without Flag", "u"},
	0x1501: {"32-Bit Frozen Counter", "fU"}, 0x1502: {"16-Bit Frozen Counter", "fu"}, 0x1503: {"32-Bit Frozen Delta Counter", "fU"}, 0x1504: {"16-Bit Frozen Delta Counter", "fu"},
	0x1505: {"32-Bit Frozen Counter w/ Time of Freeze", "fUt"}, 0x1506: {"16-Bit Frozen Counter w/ Time of Freeze", "fut"},
	0x1509: {"32-Bit Frozen Counter Without Flag", "U"}, 0x150a: {"16-Bit Frozen Counter Without Flag", "u"},
	0x1601: {"32-Bit Counter Change Event w/o Time", "fU"}, 0x1602: {"16-Bit Counter Change Event w/o Time", "fu"},
	0x1605: {"32-Bit Counter Change Event with Time", "fUt"}, 0x1606: {"16-Bit Counter Change Event with Time", "fut"},
	0x1701: {"32-Bit Frozen Counter Change Event", "fU"}, 0x1702: {"16-Bit Frozen Counter Change Event", "fu"},
	0x1705: {"32-Bit Frozen Counter Change Event w/ Time of Freeze", "fUt"}, 0x1706: {"16-Bit Frozen Counter Change Event w/ Time of Freeze", "fut"},
	0x1e01: {"32-Bit Analog Input", "fI"}, 0x1e02: {"16-Bit Analog Input", "fi"}, 0x1e03: {"32-Bit Analog Input Without Flag", "I"},
	0x1e04: {"16-Bit Analog Input Without Flag", "i"}, 0x1e05: {"32-Bit Floating Point Input", "fr"}, 0x1e06: {"64-Bit Floating Point Input", "fR"},
	0x1f01: {"32-Bit Frozen Analog Input", "fI"}, 0x1f02: {"16-Bit Frozen Analog Input", "fi"}, 0x1f03: {"32-Bit Frozen Analog Input w/ Time of Freeze", "fIt"},
	0x1f04: {"16-Bit Frozen Analog Input w/ Time of Freeze", "fit"}, 0x1f05: {"32-Bit Frozen Analog Input Without Flag", "I"},
	0x1f06: {"16-Bit Frozen Analog Input Without Flag", "i"}, 0x1f07: {"32-Bit Frozen Floating Point Input", "fr"}, 0x1f08: {"64-Bit Frozen Floating Point Input", "fR"},
	0x2001: {"32-Bit Analog Change Event w/o Time", "fI"}, 0x2002: {"16-Bit Analog Change Event w/o Time", "fi"},
	0x2003: {"32-Bit Analog Change Event w/ Time", "fIt"}, 0x2004: {"16-Bit Analog Change Event w/ Time", "fit"},
	0x2005: {"32-Bit Floating Point Change Event w/o Time", "fr"}, 0x2006: {"64-Bit Floating Point Change Event w/o Time", "fR"},
	0x2007: {"32-Bit Floating Point Change Event w/ Time", "frt"}, 0x2008: {"64-Bit Floating Point Change Event w/ Time", "fRt"},
	0x2101: {"32-Bit Frozen Analog Event w/o Time", "fI"}, 0x2102: {"16-Bit Frozen Analog Event w/o Time", "fi"},
	0x2201: {"16-Bit Analog Input Deadband", "u"}, 0x2202: {"32-Bit Analog Input Deadband", "U"}, 0x2203: {"Floating Point Analog Input Deadband", "r"},
	0x2801: {"32-Bit Analog Output Status", "fI"}, 0x2802: {"16-Bit Analog Output Status", "fi"},
	0x2803: {"32-Bit Floating Point Output Status", "fr"}, 0x2804: {"64-Bit Floating Point Output Status", "fR"},
	0x2901: {"32-Bit Analog Output Block", "Ic"}, 0x2902: {"16-Bit Analog Output Block", "ic"},
	0x2903: {"32-Bit Floating Point Output Block", "rc"}, 0x2904: {"64-Bit Floating Point Output Block", "Rc"},
	0x2a01: {"32-Bit Analog Output Event w/o Time", "fI"}, 0x2a02: {"16-Bit Analog Output Event w/o Time", "fi"},
	0x2a03: {"32-Bit Analog Output Event w/ Time", "fIt"}, 0x2a04: {"16-Bit Analog Output Event w/ Time", "fit"},
	0x2a05: {"32-Bit Floating Point Output Event w/o Time", "fr"}, 0x2a06: {"64-Bit Floating Point Output Event w/o Time", "fR"},
	0x2a07: {"32-Bit Floating Point Output Event w/ Time", "frt"}, 0x2a08: {"64-Bit Floating Point Output Event w/ Time", "fRt"},
	0x3201: {"Time and Date", "t"}, 0x3202: {"Time and Date w/ Interval", "tU"}, 0x3203: {"Time and Date at Last Recorded Time", "t"},
	0x3301: {"Time and Date Common Time-of-Occurrence", "t"}, 0x3302: {"Unsynchronized Time and Date Common Time-of-Occurrence", "t"},
	0x3401: {"Time Delay Coarse", "u"}, 0x3402: {"Time Delay Fine", "u"}, 0x5001: {"Internal Indications", "b"},
}

// defaults name the variation 0 of a group: any variation.
var defaults = map[int]string{
	0x01: "Binary Input", 0x02: "Binary Input Change", 0x03: "Double-bit Input", 0x04: "Double-bit Input Change", 0x0a: "Binary Output",
	0x0b: "Binary Output Change", 0x14: "Binary Counter", 0x15: "Frozen Binary Counter", 0x16: "Counter Change Event",
	0x17: "Frozen Binary Counter Change Event", 0x1e: "Analog Input", 0x20: "Analog Input Change", 0x28: "Analog Output", 0x2a: "Analog Output Event",
}

var otherGroups = map[int]string{
	0: "Device Attribute", 70: "File", 110: "Octet String", 111: "Octet String Event", 112: "Virtual Terminal Output Block",
	113: "Virtual Terminal Event Data", 120: "Authentication", 81: "Storage Object", 83: "Private Registration Object", 85: "Data Set Prototype",
	86: "Data Set Descriptor", 87: "Data Set Present Value", 88: "Data Set Event",
}

func objectName(group, variation int) string {
	if o, ok := objects[group<<8|variation]; ok {
		return o.name
	}
	if group == 60 && variation >= 1 && variation <= 4 {
		return fmt.Sprintf("Class %d Data", variation-1)
	}
	if s, ok := defaults[group]; ok && variation == 0 {
		return s + " Default Variation"
	}
	if s, ok := otherGroups[group]; ok {
		return s
	}
	return fmt.Sprintf("group %d variation %d", group, variation)
}

// statusNames are the outcomes of a control (annex A, group 12).
var statusNames = map[int]string{
	0: "Success", 1: "Timeout", 2: "No Select", 3: "Format Error", 4: "Not Supported", 5: "Already Active", 6: "Hardware Error",
	7: "Local", 8: "Too Many Objs", 9: "Not Authorized", 10: "Automation Inhibit", 11: "Processing Limited", 12: "Out of Range",
	126: "Non Participating", 127: "Undefined",
}

var (
	tripNames      = [4]string{"Nul", "Close", "Trip", "unknown-3"}
	operationNames = [5]string{"Nul", "Pulse On", "Pulse Off", "Latch On", "Latch Off"}
)

func nameOf(names map[int]string, code int) string {
	if s, ok := names[code]; ok {
		return s
	}
	return fmt.Sprintf("unknown-%x", code)
}
