package demo

import (
	"bytes"
	"encoding/csv"
	"net/netip"

	"vedette/internal/asset"
)

// The names of the zones.
const (
	enterprise = "Enterprise"
	process    = "Process Cell"
	facility   = "Facility"
	medical    = "Medical"
)

// Zones returns the four zones of the plant with their Purdue levels.
func (p *Plant) Zones() []asset.Zone {
	net := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	return []asset.Zone{
		{Name: enterprise, Level: "4", Subnets: net("10.10.0.0/24"), Criticality: "medium"},
		{Name: process, Level: "2", Subnets: net("10.20.0.0/24"), Criticality: "high"},
		{Name: facility, Level: "3", Subnets: net("10.30.0.0/24"), Criticality: "medium"},
		{Name: medical, Level: "3", Subnets: net("10.40.0.0/24"), Criticality: "critical", Confidentiality: "confidential"},
	}
}

// device is one machine of the plant.
type device struct {
	name, ip, mac, typ, vendor, model, firmware, zone, criticality, owner, location string
}

// The devices that habits and stories speak of by name.
var (
	firewall  = device{"fw-edge", "10.10.0.1", "00:00:0c:4a:10:01", "firewall", "Cisco", "Secure Firewall 1120", "7.2.5", enterprise, "high", "IT operations", "Server room"}
	domain    = device{"srv-dc-01", "10.10.0.5", "18:db:f2:10:00:05", "server", "Dell", "PowerEdge R450", "1.12.2", enterprise, "high", "IT operations", "Server room"}
	files     = device{"srv-files-01", "10.10.0.10", "18:db:f2:10:00:0a", "server", "Dell", "PowerEdge R350", "1.12.2", enterprise, "medium", "IT operations", "Server room"}
	jump      = device{"srv-jump-01", "10.10.0.20", "18:db:f2:10:00:14", "server", "Dell", "PowerEdge R350", "Debian 13.1", enterprise, "high", "IT operations", "Server room"}
	printer   = device{"prn-office-01", "10.10.0.60", "3c:d9:2b:10:00:3c", "printer", "HP", "LaserJet M507", "5.7.1", enterprise, "low", "IT operations", "Office floor 1"}
	boilerPLC = device{"plc-boiler-01", "10.20.0.11", "20:87:56:20:00:0b", "plc", "Siemens", "S7-1515", "V2.9.4", process, "critical", "Process engineering", "Boiler house"}
	mixerPLC  = device{"plc-mixer-02", "10.20.0.12", "00:00:54:20:00:0c", "plc", "Schneider Electric", "Modicon M580", "SV4.10", process, "high", "Process engineering", "Hall A"}
	fillerPLC = device{"plc-filler-03", "10.20.0.13", "00:1d:9c:20:00:0d", "plc", "Rockwell Automation", "CompactLogix 5380", "35.011", process, "high", "Process engineering", "Hall A"}
	packPLC   = device{"plc-pack-04", "10.20.0.14", "a8:74:1d:20:00:0e", "plc", "Phoenix Contact", "AXC F 2152", "2024.0", process, "high", "Process engineering", "Hall B"}
	hmi1      = device{"hmi-line-01", "10.20.0.21", "74:fe:48:20:00:15", "hmi", "Advantech", "TPC-1551T", "2.4.1", process, "high", "Operations", "Control room"}
	hmi2      = device{"hmi-line-02", "10.20.0.22", "74:fe:48:20:00:16", "hmi", "Advantech", "TPC-1551T", "2.4.1", process, "high", "Operations", "Hall B"}
	ews       = device{"ews-01", "10.20.0.25", "18:db:f2:20:00:19", "engineering workstation", "Dell", "Precision 3660", "22H2", process, "high", "Process engineering", "Control room"}
	historian = device{"historian-01", "10.20.0.30", "18:db:f2:20:00:1e", "historian", "Dell", "PowerEdge R450", "1.12.2", process, "high", "Operations", "Server room"}
	gateway   = device{"gw-iot-01", "10.20.0.40", "00:90:e8:20:00:28", "gateway", "Moxa", "UC-8200", "1.5", process, "high", "Operations", "Hall A"}
	vibration = device{"sensor-vib-03", "10.20.0.53", "00:02:01:20:00:35", "industrial sensor", "ifm electronic", "VSE153", "1.6.0", process, "medium", "Maintenance", "Hall A"}
	gateCam   = device{"cam-gate-01", "10.30.0.11", "ac:cc:8e:30:00:0b", "camera", "Axis", "P3265-LVE", "11.9.60", facility, "medium", "Site security", "Main gate"}
	dockCam   = device{"cam-dock-02", "10.30.0.12", "6e:2f:10:30:00:0c", "camera", "Unbranded", "IPC-2MP", "1.0.7", facility, "low", "Site security", "Loading dock"}
	hallCam   = device{"cam-hall-03", "10.30.0.13", "ac:cc:8e:30:00:0d", "camera", "Axis", "M3086-V", "11.9.60", facility, "medium", "Site security", "Hall A"}
	recorder  = device{"nvr-01", "10.30.0.20", "ac:cc:8e:30:00:14", "video recorder", "Axis", "S2216", "11.9.60", facility, "medium", "Site security", "Server room"}
	buildings = device{"srv-bms-01", "10.30.0.30", "18:db:f2:30:00:1e", "server", "Dell", "PowerEdge R350", "1.12.2", facility, "high", "Facility management", "Server room"}
	airBMS    = device{"bms-ahu-01", "10.30.0.31", "00:40:84:30:00:1f", "building controller", "Honeywell", "Advanced Plant Controller", "4.13.2", facility, "high", "Facility management", "Roof plant room"}
	chillBMS  = device{"bms-chiller-02", "10.30.0.32", "00:10:8d:30:00:20", "building controller", "Johnson Controls", "FAC4911", "10.1", facility, "high", "Facility management", "Basement"}
	lightBMS  = device{"bms-light-03", "10.30.0.33", "00:40:84:30:00:21", "building controller", "Honeywell", "Spyder", "7.6", facility, "medium", "Facility management", "Office floor 1"}
	doors     = device{"door-ctl-01", "10.30.0.41", "00:90:e8:30:00:29", "access controller", "Moxa", "ioLogik E1214", "3.2", facility, "high", "Site security", "Main gate"}
	clinicPC  = device{"ws-clinic-01", "10.40.0.30", "3c:d9:2b:40:00:1e", "workstation", "HP", "ProDesk 600", "22H2", medical, "medium", "Clinical IT", "Nurse station"}
	clinicGW  = device{"gw-clinic-01", "10.40.0.5", "00:90:e8:40:00:05", "gateway", "Moxa", "MGate 5105", "4.3", medical, "high", "Clinical engineering", "ICU"}
)

func offices() []device {
	pc := func(n, last string) device {
		return device{"ws-office-" + n, "10.10.0.10" + last, "3c:d9:2b:10:01:0" + last, "workstation", "HP", "EliteDesk 800", "23H2", enterprise, "low", "IT operations", "Office floor 1"}
	}
	return []device{pc("01", "1"), pc("02", "2"), pc("03", "3"), pc("04", "4")}
}

func sensors() []device {
	s := func(name, ip, mac, vendor, model, fw, place string) device {
		return device{name, ip, mac, "industrial sensor", vendor, model, fw, process, "medium", "Maintenance", place}
	}
	return []device{
		s("sensor-temp-01", "10.20.0.51", "00:02:01:20:00:33", "ifm electronic", "TCC501", "1.6.0", "Boiler house"),
		s("sensor-flow-02", "10.20.0.52", "00:06:77:20:00:34", "SICK", "FFU DN40", "2.1.3", "Hall A"),
		vibration,
		s("sensor-press-04", "10.20.0.54", "00:02:01:20:00:36", "ifm electronic", "PN7094", "1.4.2", "Boiler house"),
		s("sensor-level-05", "10.20.0.55", "00:06:77:20:00:37", "SICK", "LFP Cubic", "2.0.9", "Hall B"),
	}
}

func bedside() []device {
	b := func(name, ip, mac, vendor, model, fw, place string) device {
		return device{name, ip, mac, "medical device", vendor, model, fw, medical, "critical", "Clinical engineering", place}
	}
	return []device{
		b("pump-icu-01", "10.40.0.11", "00:12:21:40:00:0b", "B. Braun", "Infusion pump", "028U000061", "ICU bed 1"),
		b("pump-icu-02", "10.40.0.12", "00:12:21:40:00:0c", "B. Braun", "Infusion pump", "028U000061", "ICU bed 2"),
		b("pump-icu-03", "10.40.0.13", "00:12:21:40:00:0d", "B. Braun", "Infusion pump", "028U000061", "ICU bed 3"),
		b("monitor-icu-01", "10.40.0.21", "00:09:5c:40:00:15", "Philips", "Patient monitor", "N.01.23", "ICU bed 1"),
		b("monitor-icu-02", "10.40.0.22", "00:30:e6:40:00:16", "Draeger", "Patient monitor", "VG8.3", "ICU bed 2"),
	}
}

func cameras() []device { return []device{gateCam, dockCam, hallCam} }
func plcs() []device    { return []device{boilerPLC, mixerPLC, fillerPLC, packPLC} }

// buildingControllers are the BACnet devices of the facility.
func buildingControllers() []device { return []device{airBMS, chillBMS, lightBMS} }

func devices() []device {
	out := append([]device{firewall, domain, files, jump, printer}, offices()...)
	out = append(append(out, plcs()...), hmi1, hmi2, ews, historian, gateway)
	out = append(append(append(out, sensors()...), cameras()...), recorder, buildings, doors)
	return append(append(append(out, buildingControllers()...), bedside()...), clinicGW, clinicPC)
}

// Inventory returns the plant's device list as the CSV that an inventory import
// takes.
func (p *Plant) Inventory() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"name", "ip", "mac", "type", "vendor", "model", "firmware", "criticality", "owner", "location"}) // a Buffer takes all
	for _, d := range devices() {
		_ = w.Write([]string{d.name, d.ip, d.mac, d.typ, d.vendor, d.model, d.firmware, d.criticality, d.owner, d.location})
	}
	w.Flush()
	return b.Bytes()
}
