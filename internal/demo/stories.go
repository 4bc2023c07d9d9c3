package demo

import (
	"fmt"
	"math"
	"time"
)

// story is an incident. tell is called for each cell with its distance from
// the start, and writes what happens in that minute.
type story struct {
	name string
	tell func(w *writer, since time.Duration)
}

// A round is how often the living incidents come again while a plant is
// watched; each has its minute in it.
const round = 12

func stories() []story {
	return []story{
		{"infected camera", infectedCamera},
		{"leaking sensor", leakingSensor},
		{"guessed password", guessedPassword},
		{"writes to the boiler", boilerWrites},
		{"locked out account", lockedOut},
		{"changed building", changedBuilding},
	}
}

// Addresses outside that belong to incidents: of the ranges kept for
// documentation.
const (
	botMaster = "203.0.113.66"
	dropSite  = "198.51.100.77"
	guesser   = "203.0.113.45"
)

// minute tells which minute of a round a cell after the start is, or -1.
func minute(since time.Duration) int {
	if since < 0 {
		return -1
	}
	return int(since/cell) % round
}

// past reports whether a cell is the one that lies so long before the start.
func past(since, before time.Duration) bool {
	d := since + before
	return d >= 0 && d < cell
}

// infectedCamera: a dock camera became part of a botnet 20 hours ago. It
// reports to its master and looks for telnet around it.
func infectedCamera(w *writer, since time.Duration) {
	if since < -20*time.Hour {
		return
	}
	if w.rng.IntN(6) == 0 {
		t := w.abroad(dockCam, botMaster, 6667, "irc").sized(time.Duration(w.between(4, 30))*time.Second, w.between(180, 420), w.between(90, 300))
		at := w.within(50 * time.Second)
		w.conn(at, t)
		if w.rng.IntN(3) == 0 {
			w.alert(at.Add(time.Second), t, signature{2027758, "ET MALWARE ELF/Mirai Variant CnC Beacon", "A Network Trojan was detected", 1})
		}
	}
	hourly := since < 0 && int(-since/cell)%120 == 40
	if !hourly && minute(since) != 0 {
		return
	}
	at := w.begin.Add(time.Duration(w.between(5, 15)) * time.Second)
	for range w.between(22, 34) {
		port := 23
		if w.rng.IntN(4) == 0 {
			port = 2323
		}
		w.conn(at, w.probe(port))
		at = at.Add(time.Duration(w.between(150, 900)) * time.Millisecond)
	}
	w.alert(at, w.abroad(dockCam, "10.30.0.41", 23, ""), signature{2023019, "ET SCAN Possible Mirai telnet scan outbound", "Attempted Information Leak", 2})
}

// probe is a knock on a telnet port: most addresses are empty and say nothing,
// a machine that is there refuses.
func (w *writer) probe(port int) talk {
	if w.rng.IntN(4) == 0 {
		there := pick(w, append(append(plcs(), hmi1, gateway, recorder, doors), buildingControllers()...))
		return w.abroad(dockCam, there.ip, port, "").ended("REJ")
	}
	return w.abroad(dockCam, fmt.Sprintf("%s%d", pick(w, []string{"10.30.0.", "10.20.0."}), w.between(130, 250)), port, "").ended("S0")
}

// leakingSensor: a vibration sensor has talked to a host outside for 10 hours,
// each time with a little more.
func leakingSensor(w *writer, since time.Duration) {
	const began = 10 * time.Hour
	if since < -began || int((since+began)/cell)%5 != 2 {
		return
	}
	hours := (since + began).Hours()
	volume := 4000 * math.Pow(1.8, math.Min(hours, 14))
	out := int(volume * (0.8 + 0.4*w.rng.Float64()))
	at := w.within(40 * time.Second)
	t := w.abroad(vibration, dropSite, 443, "ssl").sized(time.Duration(w.between(5, 50))*time.Second, out, w.between(900, 2400))
	w.conn(at, t)
	if hours > 8 && w.rng.IntN(4) == 0 {
		w.alert(at.Add(2*time.Second), t, signature{1000101, "PLANT Process cell sensor talks to the internet", "Potential Corporate Privacy Violation", 2})
	}
}

var guesses = []string{"admin", "root", "svc-backup", "test", "pi", "oracle", "ubuntu", "postgres"}

// guessedPassword: someone outside guesses ssh passwords of the jump server;
// five hours ago one was right.
func guessedPassword(w *writer, since time.Duration) {
	n := 0
	switch {
	case since >= -5*time.Hour && since < -5*time.Hour+18*time.Minute:
		n = w.between(7, 12)
	case past(since, 5*time.Hour-18*time.Minute):
		at := w.within(20 * time.Second)
		w.accepted(at, jump, "password", "svc-backup", guesser)
		t := talk{uid: w.uid(), src: guesser, dst: jump.ip, sport: w.port(), dport: 22, proto: "tcp", service: "ssh", state: "SF"}
		w.conn(at, t.sized(41*time.Minute, 62_310, 188_204))
		return
	case minute(since) == 2, minute(since) == 3:
		n = w.between(8, 14)
	}
	for range n {
		user := pick(w, guesses)
		at := w.within(56 * time.Second)
		w.refused(at, jump, user, guesser, user == "root" || user == "svc-backup")
		if w.rng.IntN(3) == 0 {
			t := talk{uid: w.uid(), src: guesser, dst: jump.ip, sport: w.port(), dport: 22, proto: "tcp", service: "ssh", state: "SF"}
			w.conn(at, t.sized(3*time.Second, w.between(1200, 2400), w.between(1500, 2600)))
		}
	}
	if n > 0 && w.rng.IntN(2) == 0 {
		t := talk{src: guesser, dst: jump.ip, sport: w.port(), dport: 22, proto: "tcp", service: "ssh"}
		w.alert(w.within(50*time.Second), t, signature{2001219, "ET SCAN Potential SSH Scan", "Attempted Information Leak", 2})
	}
}

// boilerWrites: from the jump server, which never did so before, registers of
// the boiler's PLC are written.
func boilerWrites(w *writer, since time.Duration) {
	n := 0
	switch {
	case past(since, 4*time.Hour+20*time.Minute), past(since, 3*time.Hour+55*time.Minute):
		n = w.between(8, 12)
	case minute(since) == 5:
		n = w.between(3, 6)
	}
	if n == 0 {
		return
	}
	t := w.talk(jump, boilerPLC, 502, "modbus")
	at := w.within(20 * time.Second)
	w.conn(at, t.sized(40*time.Second, 60*n+240, 40*n+180))
	for range n {
		w.modbus(at, t, "WRITE_MULTIPLE_REGISTERS", 40200+2*w.rng.IntN(4), 2, fmt.Sprintf("%d,%d", w.between(900, 990), w.between(0, 1)))
		at = at.Add(time.Duration(w.between(600, 2500)) * time.Millisecond)
	}
	w.alert(at, t, signature{1000102, "PLANT Modbus write to a PLC from outside the process cell", "Attempted Administrator Privilege Gain", 1})
}

// lockedOut: the account of an operator is tried again and again from an
// office PC.
func lockedOut(w *writer, since time.Duration) {
	if !past(since, 30*time.Hour) && !past(since, 30*time.Hour-cell) && minute(since) != 8 {
		return
	}
	for range w.between(14, 20) {
		w.refused(w.within(56*time.Second), files, "operator", offices()[2].ip, true)
	}
}

// changedBuilding: a workstation of the clinic reconfigures an air handler,
// which only the building server does.
func changedBuilding(w *writer, since time.Duration) {
	n := 0
	switch {
	case past(since, 3*time.Hour):
		n = 8
	case minute(since) == 10:
		n = 3
	}
	if n == 0 {
		return
	}
	t := w.talk(clinicPC, airBMS, 47808, "bacnet").udp()
	at := w.within(15 * time.Second)
	w.conn(at, t.sized(30*time.Second, 120*n, 60*n))
	for i := range n {
		w.bacnet(at, t, "write_property", "analog_value", "present_value", fmt.Sprintf("%d.5", w.between(27, 31)), 1+i%4)
		at = at.Add(time.Duration(w.between(900, 3000)) * time.Millisecond)
	}
	w.bacnet(at, t, "reinitialize_device", "device", "", "", 0)
	w.alert(at, t, signature{1000103, "PLANT BACnet controller reconfigured from the medical zone", "Attempted Administrator Privilege Gain", 1})
}
