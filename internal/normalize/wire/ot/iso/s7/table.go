package s7

import "fmt"

func nameOf(names map[int]string, code int) string {
	if s, ok := names[code]; ok {
		return s
	}
	return fmt.Sprintf("unknown-0x%02x", code)
}

var kindNames = map[int]string{job: "Job-Request", ack: "ACK", ackData: "ACK-Data", userData: "User-Data"}

var errorClasses = map[int]string{
	0x00: "No error", 0x81: "Application relationship error", 0x82: "Object definition error", 0x83: "No ressources available error",
	0x84: "Error on service processing", 0x85: "Error on supplies", 0x87: "Access error",
}

const (
	fnRead, fnWrite                                = 0x04, 0x05
	fnRequestDownload, fnDownload, fnDownloadEnded = 0x1a, 0x1b, 0x1c
	fnStartUpload, fnUpload, fnEndUpload           = 0x1d, 0x1e, 0x1f
	fnControl, fnStop, fnSetup                     = 0x28, 0x29, 0xf0
)

// functions are those of jobs, by ICSNPP's names.
var functions = map[int]string{
	0x00: "CPU Services", fnRead: "Read Variable", fnWrite: "Write Variable", fnRequestDownload: "Request Download",
	fnDownload: "Download Block", fnDownloadEnded: "Download Ended", fnStartUpload: "Start Upload", fnUpload: "Upload",
	fnEndUpload: "End Upload", fnControl: "PLC Control", fnStop: "PLC Stop", fnSetup: "Setup Communication",
}

func changes(fn int) bool {
	switch fn {
	case fnWrite, fnRequestDownload, fnDownload, fnDownloadEnded, fnControl, fnStop:
		return true
	}
	return false
}

// groups are those of user data, and what each has.
var groups = map[int]string{
	0x0: "Mode-Transition", 0x1: "Programmer Controls", 0x2: "Cyclic Services", 0x3: "Block Functions", 0x4: "CPU Functions",
	0x5: "Security", 0x6: "PBC BSEND-BRECV", 0x7: "Time Functions", 0xf: "NC Programming",
}

// subfunctions of a group, by group<<8 | code.
var subfunctions = map[int]string{
	0x000: "Stop", 0x001: "Warm Restart", 0x002: "Run", 0x003: "Hot Restart", 0x004: "Hold", 0x006: "Cold Restart", 0x009: "Run_R",
	0x00b: "Link-Up", 0x00c: "Update",
	0x101: "Block Status", 0x102: "Variable Status", 0x103: "Output ISTACK", 0x104: "Output BSTACK", 0x105: "Output LSTACK",
	0x106: "Time Measurement", 0x107: "Force Selection", 0x108: "Modify Variable", 0x109: "Force", 0x10a: "Breakpoint", 0x10b: "Exit HOLD",
	0x10c: "Memory Reset", 0x10d: "Disable Job", 0x10e: "Enable Job", 0x10f: "Delete Job", 0x110: "Read Job List", 0x111: "Read Job",
	0x112: "Replace Job", 0x113: "Block Status v2", 0x116: "Flash LED",
	0x201: "Cyclic Transfer", 0x204: "Unsubscribe", 0x205: "Change Driven Transfer", 0x207: "Change Driven Transfer Modify", 0x208: "RDREC",
	0x301: "List Blocks", 0x302: "List Blocks of Type", 0x303: "Get Block Info",
	0x401: "Read SZL", 0x402: "Message Service", 0x403: "Diagnostic Message", 0x404: "ALARM_8 Indication", 0x405: "NOTIFY Indication",
	0x406: "ALARM_8 Lock", 0x407: "ALARM_8 Unlock", 0x408: "SCAN Indication", 0x40b: "ALARM_S Indication", 0x40c: "ALARM_SQ Indication",
	0x40d: "ALARM Query", 0x40e: "ALARM ACK", 0x411: "ALARM ACK Indication", 0x412: "ALARM Lock Indication", 0x413: "ALARM Unlock Indication",
	0x416: "NOTIFY_8 Indication",
	0x501: "PLC Password", 0x701: "Read Clock", 0x702: "Set Clock", 0x703: "Read Clock (Following)", 0x704: "Set Clock (2)",
}

// userChanges tells whether a function of user data changes the controller.
func userChanges(group, sub int) bool {
	switch group<<8 | sub {
	case 0x108, 0x109, 0x10a, 0x10b, 0x10c, 0x10d, 0x10e, 0x10f, 0x112, 0x406, 0x407, 0x702, 0x704:
		return true
	}
	return false
}

// controls are the services of PLC Control.
var controls = map[string]string{
	"_INSE": "Activates a PLC module", "_INS2": "Activates a PLC module", "_DELE": "Removes module from the PLC's passive file system",
	"P_PROGRAM": "PLC Start / Stop", "_MODU": "PLC Copy Ram to Rom", "_GARB": "Compress PLC memory", "_N_LOGIN_": "Login", "_N_LOGOUT": "Logout",
}

var blockTypes = map[string]string{
	"08": "Organization Block", "0A": "Data Block", "0B": "System Data Block", "0C": "Function", "0D": "System Function",
	"0E": "Function Block", "0F": "System Function Block",
}

var fileSystems = map[byte]string{'P': "Passive", 'A': "Active"}

// areas of memory, by the letter that engineers write.
var areas = map[int]string{
	0x03: "system info", 0x05: "system flags", 0x06: "analog input", 0x07: "analog output", 0x1c: "C", 0x1d: "T", 0x80: "P", 0x81: "I",
	0x82: "Q", 0x83: "M", 0x84: "DB", 0x85: "DI", 0x86: "L", 0x87: "V",
}

var transportSizes = map[int]string{
	1: "BIT", 2: "BYTE", 3: "CHAR", 4: "WORD", 5: "INT", 6: "DWORD", 7: "DINT", 8: "REAL", 9: "DATE", 10: "TOD", 11: "TIME", 12: "S5TIME",
	15: "DATE_AND_TIME", 28: "COUNTER", 29: "TIMER",
}

var returnCodes = map[int]string{
	0x00: "Reserved", 0x01: "Hardware error", 0x03: "Accessing the object not allowed", 0x05: "Invalid address", 0x06: "Data type not supported",
	0x07: "Data type inconsistent", 0x0a: "Object does not exist", 0xff: "Success",
}

var plusFunctions = map[int]string{
	0x04bb: "Explore", 0x04ca: "Create Object", 0x04d4: "Delete Object", 0x04f2: "Set Variable", 0x0524: "Get Link",
	0x0542: "Set Multi Variables", 0x054c: "Get Multi Variables", 0x0556: "Begin Sequence", 0x0560: "End Sequence", 0x056b: "Invoke",
	0x0586: "Get Variable Sub Streamed",
}

func plusChanges(fn int) bool {
	switch fn {
	case 0x04ca, 0x04d4, 0x04f2, 0x0542, 0x056b:
		return true
	}
	return false
}

// listNames are the system status lists by the low byte of their ids.
var listNames = map[int]string{
	0x00: "List of all the SZL-IDs of a module", 0x11: "Module identification", 0x12: "CPU characteristics", 0x13: "User memory areas",
	0x14: "System areas", 0x15: "Block types", 0x16: "Priority classes", 0x17: "List of the permitted SDBs with a number < 1000",
	0x18: "Maximum S7-300 I/O configuration", 0x19: "Status of the module LEDs", 0x1c: "Component Identification", 0x21: "Interrupt / error assignment",
	0x22: "Interrupt status", 0x23: "Priority classes", 0x24: "Modes", 0x25: "Assignment between process image partitions and OBs",
	0x31: "Communication capability parameters", 0x32: "Communication status data", 0x33: "Diagnostics: device logon list",
	0x37: "Ethernet - Details of a Module", 0x71: "H CPU group information", 0x74: "Status of the module LEDs", 0x75: "Switched DP slaves in the H-system",
	0x81: "Start information list", 0x82: "Start event list", 0x91: "Module status information", 0x92: "Rack / station status information",
	0x94: "Rack / station status information", 0x95: "Extended DP master system information", 0x96: "Module status information, PROFINET IO and PROFIBUS DP",
	0xa0: "Diagnostic buffer of the CPU", 0xb1: "Module diagnostic information (data record 0)",
	0xb2: "Module diagnostic information (data record 1), geographical address", 0xb3: "Module diagnostic information (data record 1), logical address",
	0xb4: "Diagnostic data of a DP slave",
}
