package demo

import (
	"fmt"
	"time"
)

// habit is something that happens all the time.
type habit struct {
	name      string
	perMinute float64
	rhythm    func(t time.Time) float64
	act       func(w *writer, at time.Time)
}

// always is the rhythm of machines.
func always(time.Time) float64 { return 1 }

// officeHours is the rhythm of people: busy by day, quiet by night and at
// weekends.
func officeHours(t time.Time) float64 {
	weight := 0.25
	switch h := t.Hour(); {
	case h >= 8 && h < 12, h >= 13 && h < 17:
		weight = 2
	case h == 7, h == 12, h == 17, h == 18:
		weight = 1
	}
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		weight *= 0.4
	}
	return weight
}

// shifts is the rhythm of production: slower at night, never still.
func shifts(t time.Time) float64 {
	if h := t.Hour(); h < 5 || h >= 22 {
		return 0.7
	}
	return 1.1
}

// service is a place outside that people and machines use. The addresses are
// of the range kept for documentation.
type service struct{ name, ip string }

func services() []service {
	return []service{
		{"mail.cloud.example", "192.0.2.10"},
		{"office.cloud.example", "192.0.2.11"},
		{"updates.vendor.example", "192.0.2.20"},
		{"time.example", "192.0.2.30"},
		{"news.example", "192.0.2.40"},
		{"search.example", "192.0.2.41"},
		{"telemetry.vendor.example", "192.0.2.50"},
	}
}

func habits() []habit {
	return []habit{
		{"operators watch", 1.1, shifts, pollPLC},
		{"historian collects", 0.6, shifts, collect},
		{"operators set", 0.05, shifts, setPoint},
		{"engineer looks", 0.06, officeHours, engineer},
		{"sensors report", 1.15, always, report},
		{"gateway uploads", 0.12, always, upload},
		{"cameras record", 0.5, always, record},
		{"building is read", 0.55, always, readBuilding},
		{"bedside reports", 0.5, always, bedsideReport},
		{"people look up", 0.55, officeHours, lookUp},
		{"people browse", 0.5, officeHours, browse},
		{"people share", 0.35, officeHours, share},
		{"perimeter sees", 0.25, officeHours, perimeter},
		{"leases", 0.06, always, func(w *writer, at time.Time) { w.lease(at, pick(w, append(offices(), printer, clinicPC, ews))) }},
		{"clocks", 0.35, always, clock},
		{"admins log in", 0.025, officeHours, admin},
		{"typing errors", 0.012, officeHours, func(w *writer, at time.Time) {
			w.refused(at, pick(w, []device{files, jump}), pick(w, admins), pick(w, offices()).ip, true)
		}},
		{"small alerts", 0.012, always, smallAlert},
		{"doors", 0.2, officeHours, func(w *writer, at time.Time) {
			w.conn(at, w.talk(doors, buildings, 4911, "").sized(time.Second, w.between(300, 900), w.between(200, 500)))
		}},
	}
}

var admins = []string{"mkeller", "asantos"}

// pollPLC is an HMI that reads registers of the PLCs of its line.
func pollPLC(w *writer, at time.Time) {
	panel, all := hmi1, plcs()
	plc := all[w.rng.IntN(2)]
	if w.rng.IntN(2) == 0 {
		panel, plc = hmi2, all[2+w.rng.IntN(2)]
	}
	t := w.talk(panel, plc, 502, "modbus")
	w.modbus(at, t, "READ_HOLDING_REGISTERS", 40001+10*w.rng.IntN(8), 10, "")
	if w.rng.IntN(3) == 0 {
		w.conn(at, t.sized(time.Duration(w.between(20, 58))*time.Second, w.between(600, 1400), w.between(900, 2600)))
	}
}

func collect(w *writer, at time.Time) {
	t := w.talk(historian, pick(w, plcs()), 502, "modbus")
	w.modbus(at, t, "READ_INPUT_REGISTERS", 30001+20*w.rng.IntN(4), 20, "")
	if w.rng.IntN(3) == 0 {
		w.conn(at, t.sized(time.Duration(w.between(20, 58))*time.Second, w.between(500, 900), w.between(1200, 3000)))
	}
}

func setPoint(w *writer, at time.Time) {
	panel, plc := hmi1, mixerPLC
	if w.rng.IntN(2) == 0 {
		panel, plc = hmi2, packPLC
	}
	w.modbus(at, w.talk(panel, plc, 502, "modbus"), "WRITE_SINGLE_REGISTER", 40100+w.rng.IntN(6), 1, fmt.Sprint(w.between(180, 420)))
}

func engineer(w *writer, at time.Time) {
	t := w.talk(ews, pick(w, plcs()), 502, "modbus")
	w.modbus(at, t, "READ_HOLDING_REGISTERS", 40001, 50, "")
	w.conn(at, t.sized(time.Duration(w.between(5, 50))*time.Second, w.between(2000, 9000), w.between(4000, 20000)))
}

var quantities = map[string][2]int{"temp": {610, 655}, "flow": {120, 160}, "vib": {11, 29}, "press": {38, 44}, "level": {40, 88}}

func report(w *writer, at time.Time) {
	s := pick(w, sensors())
	t := w.talk(s, gateway, 1883, "mqtt")
	what := s.name[len("sensor-") : len(s.name)-3]
	span := quantities[what]
	w.publish(at, t, "plant/cell1/"+s.name+"/"+what, fmt.Sprintf(`{"v":%d.%d}`, w.between(span[0], span[1]), w.rng.IntN(10)))
	if w.rng.IntN(3) == 0 {
		w.conn(at, t.sized(time.Duration(w.between(3, 40))*time.Second, w.between(220, 620), w.between(90, 200)))
	}
}

func upload(w *writer, at time.Time) {
	w.conn(at, w.abroad(gateway, "192.0.2.50", 8883, "ssl").sized(time.Duration(w.between(2, 20))*time.Second, w.between(6000, 15000), w.between(1500, 3000)))
}

func record(w *writer, at time.Time) {
	t := w.talk(recorder, pick(w, cameras()), 554, "rtsp")
	w.conn(at, t.sized(time.Duration(w.between(30, 58))*time.Second, w.between(2000, 6000), w.between(900_000, 2_400_000)))
}

func readBuilding(w *writer, at time.Time) {
	t := w.talk(buildings, pick(w, buildingControllers()), 47808, "bacnet").udp()
	w.bacnet(at, t, "read_property", "analog_input", "present_value", fmt.Sprintf("%d.%d", w.between(18, 24), w.rng.IntN(10)), w.between(1, 9))
	if w.rng.IntN(4) == 0 {
		w.conn(at, t.sized(time.Second, w.between(60, 180), w.between(60, 200)))
	}
}

func bedsideReport(w *writer, at time.Time) {
	w.conn(at, w.talk(pick(w, bedside()), clinicGW, 2575, "hl7").sized(time.Duration(w.between(200, 1800))*time.Millisecond, w.between(700, 1900), w.between(120, 260)))
}

func lookUp(w *writer, at time.Time) {
	who := pick(w, append(offices(), clinicPC))
	if w.rng.IntN(25) == 0 {
		w.dns(at, who, fmt.Sprintf("wpad.corp%d.example", w.rng.IntN(3)), "")
		return
	}
	s := pick(w, services())
	w.dns(at, who, s.name, s.ip)
}

func browse(w *writer, at time.Time) {
	s := pick(w, services())
	w.conn(at, w.abroad(pick(w, offices()), s.ip, 443, "ssl").sized(time.Duration(w.between(1, 50))*time.Second, w.between(1500, 40_000), w.between(8000, 600_000)))
}

func share(w *writer, at time.Time) {
	pc := pick(w, offices())
	switch w.rng.IntN(4) {
	case 0:
		w.conn(at, w.talk(pc, domain, 88, "krb_tcp").sized(30*time.Millisecond, w.between(900, 2200), w.between(900, 2400)))
	case 1:
		w.conn(at, w.talk(pc, printer, 9100, "").sized(time.Duration(w.between(1, 9))*time.Second, w.between(20_000, 900_000), w.between(100, 400)))
	default:
		w.conn(at, w.talk(pc, files, 445, "smb").sized(time.Duration(w.between(1, 40))*time.Second, w.between(3000, 200_000), w.between(3000, 400_000)))
	}
}

func perimeter(w *writer, at time.Time) {
	s := pick(w, services())
	w.flow(at, w.abroad(pick(w, append(offices(), clinicPC)), s.ip, 443, "tls").sized(time.Duration(w.between(1, 40))*time.Second, w.between(1500, 30_000), w.between(5000, 300_000)))
}

func clock(w *writer, at time.Time) {
	d := pick(w, append(append(plcs(), cameras()...), historian, gateway, recorder, clinicGW))
	w.conn(at, w.talk(d, domain, 123, "ntp").udp().sized(time.Duration(w.between(300, 4000))*time.Microsecond, 48, 48))
}

func admin(w *writer, at time.Time) {
	host, from := pick(w, []device{files, jump}), pick(w, offices())
	w.accepted(at, host, "publickey", pick(w, admins), from.ip)
	w.conn(at, w.talk(from, host, 22, "ssh").sized(time.Duration(w.between(3, 40))*time.Minute, w.between(4000, 60_000), w.between(8000, 200_000)))
}

func smallAlert(w *writer, at time.Time) {
	s := pick(w, services())
	w.alert(at, w.abroad(pick(w, offices()), s.ip, 443, "tls"), pick(w, []signature{
		{2027865, "ET INFO Observed DNS Query to .cloud TLD", "Potentially Bad Traffic", 3},
		{2013504, "ET INFO GNU/Linux APT User-Agent Outbound likely related to package management", "Not Suspicious Traffic", 3},
		{2210044, "SURICATA STREAM Packet with invalid timestamp", "Generic Protocol Command Decode", 3},
	}))
}
