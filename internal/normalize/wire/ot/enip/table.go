package enip

import "fmt"

func nameOf(names map[int]string, code int) string {
	if s, ok := names[code]; ok {
		return s
	}
	return fmt.Sprintf("unknown-0x%02x", code)
}

// commands are those of the encapsulation, by ICSNPP's names.
var commands = map[int]string{
	0x00: "NOP", 0x01: "Legacy 0x01", 0x02: "Legacy 0x02", 0x03: "Legacy 0x03", 0x05: "Legacy 0x05", // reserved for what came before
	0x04: "List Services", listIdentity: "List Identity", 0x64: "List Interfaces", registerSession: "Register Session",
	0x66: "Unregister Session", sendRRData: "Send RR Data", sendUnitData: "Send Unit Data", 0x72: "Indicate Status", 0x73: "Cancel",
}

var statuses = map[int]string{
	0x00: "Success", 0x01: "Invalid/Unsupported Command", 0x02: "Insufficient Memory Resources", 0x03: "Malformed or Incorrect Data",
	0x64: "Invalid Session Handle", 0x65: "Invalid Length", 0x69: "Unsupported Protocol Version", 0x6a: "CIP Service Not Allowed",
}

// cipStatuses are the general status codes (volume 1, appendix B).
var cipStatuses = map[int]string{
	0x00: "Success", 0x01: "Connection Failure", 0x02: "Resource Unavailable", 0x03: "Invalid Parameter Value", 0x04: "Path Segment Error",
	0x05: "Path Destination Unknown", 0x06: "Partial Transfer", 0x07: "Connection Lost", 0x08: "Service Not Supported", 0x09: "Invalid Attribute Value",
	0x0a: "Attribute List Error", 0x0b: "Already In Requested Mode/State", 0x0c: "Object State Conflict", 0x0d: "Object Already Exists",
	0x0e: "Attribute Not Settable", 0x0f: "Privilege Violation", 0x10: "Device State Conflict", 0x11: "Reply Data Too Large",
	0x12: "Fragmentation Of A Primitive Value", 0x13: "Not Enough Data", 0x14: "Attribute Not Supported", 0x15: "Too Much Data",
	0x16: "Object Does Not Exist", 0x1e: "Embedded Service Error", 0x1f: "Vendor Specific Error", 0x20: "Invalid Parameter",
	0x25: "Key Failure In Path", 0x26: "Path Size Invalid", 0x27: "Unexpected Attribute In List", 0x28: "Invalid Member ID",
	0x29: "Member Not Settable", 0x2a: "Group 2 Only Server General Failure", 0x2c: "Attribute Not Gettable", 0xff: "Still Processing",
}

// services are the common ones and those of Logix controllers.
var services = map[int]string{
	svcGetAll: "Get Attributes All", 0x02: "Set Attributes All", 0x03: "Get Attribute List", 0x04: "Set Attribute List", 0x05: "Reset",
	0x06: "Start", 0x07: "Stop", 0x08: "Create", 0x09: "Delete", svcMultiple: "Multiple Service Packet", 0x0d: "Apply Attributes",
	svcGetSingle: "Get Attributes Single", svcSetSingle: "Set Attributes Single", 0x11: "Find Next Object Instance", 0x15: "Restore",
	0x16: "Save", 0x17: "No Operation", 0x18: "Get Member", 0x19: "Set Member", 0x1a: "Insert Member", 0x1b: "Remove Member", 0x1c: "Group Sync",
	0x1d: "Get Connection Point Member List", svcPCCC: "Execute PCCC Service", svcReadTag: "Read Data", svcWriteTag: "Write Data",
	0x4e: "Read Write Modify Data", 0x52: "Read Data Fragmented", 0x53: "Write Data Fragmented", 0x54: "Forward Open", 0x5b: "Large Forward Open",
}

// connectionServices are those of the connection manager, whose numbers mean
// something else elsewhere (volume 1, section 3-5).
var connectionServices = map[int]string{
	svcForwardClose: "Forward Close", svcUnconnected: "Unconnected Send", svcForwardOpen: "Forward Open", 0x56: "Get Connection Data",
	0x57: "Search Connection Data", 0x5a: "Get Connection Owner", 0x5b: "Large Forward Open",
}

func (t target) name() string {
	if s, ok := connectionServices[t.service]; ok && t.class == classConnections {
		return s
	}
	if s, ok := services[t.service]; ok {
		return s
	}
	return "unknown"
}

func (t target) writes() bool {
	switch t.service {
	case 0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0d, svcSetSingle, 0x15, 0x16, 0x19, 0x1a, 0x1b, svcWriteTag, 0x53:
		return true
	case 0x4e:
		return t.class != classConnections
	}
	return false
}

var classes = map[int]string{
	0x01: "Identity", 0x02: "Message Router", 0x03: "DeviceNet", 0x04: "Assembly", 0x05: "Connection", 0x06: "Connection Manager", 0x07: "Register",
	0x08: "Discrete Input Point", 0x09: "Discrete Output Point", 0x0a: "Analog Input Point", 0x0b: "Analog Output Point", 0x0f: "Parameter",
	0x10: "Parameter Group", 0x1d: "Discrete Input Group", 0x1e: "Discrete Output Group", 0x23: "Position Sensor", 0x25: "Position Controller",
	0x28: "Motor Data", 0x29: "Control Supervisor", 0x2a: "AC/DC Drive", 0x2c: "Overload", 0x37: "File", 0x39: "Safety Supervisor",
	0x3a: "Safety Validator", 0x41: "Event Log", 0x42: "Motion Device Axis", 0x43: "Time Sync", 0x44: "Modbus", 0x47: "Device Level Ring (DLR)",
	0x48: "QoS", 0x4e: "Base Energy", 0x51: "Base Switch", 0x52: "SNMP", 0x5d: "CIP Security", 0x5e: "EtherNet/IP Security",
	0x5f: "Certificate Management", 0x67: "PCCC Class", 0xf0: "ControlNet", 0xf4: "Port", 0xf5: "TCP/IP Interface", 0xf6: "Ethernet Link",
}

func (t target) className() string {
	if s, ok := classes[t.class]; ok {
		return s
	}
	return "unknown"
}

// pcccFunctions are those of command 0x0f that are met most.
var pcccFunctions = map[int]struct {
	name  string
	write bool
}{
	0x3a: {"Set CPU mode", true}, 0x80: {"Change mode", true}, 0x52: {"Download completed", true}, 0x50: {"Download all request", true},
	0x53: {"Upload all request", false}, 0x55: {"Upload completed", false}, 0x68: {"Typed read", false}, 0x67: {"Typed write", true},
	0xa1: {"Protected typed logical read with two address fields", false}, 0xa2: {"Protected typed logical read with three address fields", false},
	0xa9: {"Protected typed logical write with two address fields", true}, 0xaa: {"Protected typed logical write with three address fields", true},
	0xab: {"Protected bit write", true}, 0xa7: {"Protected typed file read", false}, 0xaf: {"Protected typed file write", true},
	0x11: {"Get edit resource", true}, 0x12: {"Return edit resource", true}, 0x81: {"Open file", false}, 0x82: {"Close file", false},
	0x88: {"Execute multiple commands", true}, 0x8f: {"Apply port configuration", true}, 0x57: {"Shutdown", true}, 0x41: {"Disable forces", true},
}

// vendors are well-known numbers of makers, which ODVA gives out.
var vendors = map[int]string{
	1: "Rockwell Automation/Allen-Bradley", 2: "Namco Controls Corp.", 3: "Honeywell Inc.", 4: "Parker Hannifin Corp. (Veriflo Division)",
	5: "Rockwell Automation/Reliance Elec.", 7: "SMC Corporation", 8: "Molex Incorporated", 12: "Banner Engineering Corp.", 26: "Festo Corporation",
	40: "WAGO Corporation", 47: "Omron Corporation", 48: "Turck, Inc.", 90: "HMS Industrial Networks AB", 161: "Mitsubishi Electric Corporation",
	243: "Schneider Automation, Inc.", 283: "Hilscher GmbH", 678: "Cognex Corporation", 808: "SICK AG",
}

// deviceTypes are the device profiles (volume 1, chapter 6).
var deviceTypes = map[int]string{
	0x00: "Generic Device", 0x02: "AC Drive", 0x03: "Motor Overload", 0x07: "General Purpose Discrete I/O", 0x0c: "Communications Adapter",
	0x0e: "Programmable Logic Controller", 0x10: "Position Controller", 0x13: "DC Drive", 0x16: "Softstart Starter", 0x18: "Human-Machine Interface",
	0x22: "Encoder", 0x23: "Safety Discrete I/O Device", 0x25: "CIP Motion Drive", 0x2b: "Generic Device (keyable)", 0x2c: "Managed Ethernet Switch",
}
