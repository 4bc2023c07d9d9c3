package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// logKind is one log of the plant.
type logKind int

const (
	connLog logKind = iota
	dnsLog
	dhcpLog
	modbusLog
	bacnetLog
	propertyLog
	mqttLog
	eveLog
	authLog
)

var logNames = [...]string{
	connLog: "zeek/conn.log", dnsLog: "zeek/dns.log", dhcpLog: "zeek/dhcp.log", modbusLog: "zeek/modbus_detailed.log",
	bacnetLog: "zeek/bacnet.log", propertyLog: "zeek/bacnet_property.log", mqttLog: "zeek/mqtt_publish.log",
	eveLog: "suricata/eve.json", authLog: "syslog/auth.log",
}

// line is one line of a log.
type line struct {
	at   time.Time
	log  logKind
	text []byte
}

// writer draws and writes the events of one habit in one cell.
type writer struct {
	rng   *rand.Rand
	begin time.Time
	lines []line
}

// draw rounds a rate to a whole number at random, so that it holds on average.
func (w *writer) draw(rate float64) int {
	n := int(rate)
	if w.rng.Float64() < rate-float64(n) {
		n++
	}
	return n
}

// within is a time in the next span of the cell.
func (w *writer) within(span time.Duration) time.Time {
	return w.begin.Add(time.Duration(w.rng.Int64N(int64(span)))).Truncate(time.Microsecond)
}

func (w *writer) between(lo, hi int) int { return lo + w.rng.IntN(hi-lo+1) }

func pick[T any](w *writer, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *writer) port() int { return w.between(32768, 60999) }

func (w *writer) put(log logKind, at time.Time, text []byte) {
	w.lines = append(w.lines, line{at, log, text})
}

// uid is a Zeek connection id.
func (w *writer) uid() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := []byte("C")
	for range 17 {
		b = append(b, digits[w.rng.IntN(len(digits))])
	}
	return string(b)
}

// object is a JSON object whose keys keep their order, as the tools write it.
type object []byte

func (o object) add(key string, value any) object {
	sep := byte(',')
	if len(o) == 0 {
		sep = '{'
	}
	v, err := json.Marshal(value)
	if err != nil {
		v = []byte("null") // no value of ours is such
	}
	o = append(strconv.AppendQuote(append(o, sep), key), ':')
	return append(o, v...)
}

func (o object) end() []byte { return append(o, '}') }

// stamp is a Zeek time: seconds with six decimals.
func stamp(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000))
}

func seconds(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(d.Seconds(), 'f', 6, 64))
}

// talk is one conversation on the network.
type talk struct {
	uid          string
	src, dst     string
	srcMAC       string // set when the sensor sits on the cable of both
	dstMAC       string
	sport, dport int
	proto        string
	service      string
	state        string // SF unless said
	took         time.Duration
	out, in      int
}

// between two devices: their MACs are seen only inside one zone.
func (w *writer) talk(a, b device, dport int, service string) talk {
	t := talk{uid: w.uid(), src: a.ip, dst: b.ip, sport: w.port(), dport: dport, proto: "tcp", service: service, state: "SF"}
	if a.zone == b.zone {
		t.srcMAC, t.dstMAC = a.mac, b.mac
	}
	return t
}

// abroad is a talk from a device to an address outside.
func (w *writer) abroad(a device, to string, dport int, service string) talk {
	return talk{uid: w.uid(), src: a.ip, dst: to, sport: w.port(), dport: dport, proto: "tcp", service: service, state: "SF"}
}

func (t talk) sized(took time.Duration, out, in int) talk {
	t.took, t.out, t.in = took, out, in
	return t
}

func (t talk) udp() talk { t.proto = "udp"; return t }

func (t talk) ended(state string) talk { t.state = state; return t }

func (t talk) head(at time.Time) object {
	return object{}.add("ts", stamp(at)).add("uid", t.uid).add("id.orig_h", t.src).add("id.orig_p", t.sport).add("id.resp_h", t.dst).add("id.resp_p", t.dport)
}

var histories = map[string]string{"SF": "ShADadFf", "S0": "S", "REJ": "Sr", "RSTO": "ShADadR", "S1": "ShADad"}

// conn writes a talk to Zeek's conn log.
func (w *writer) conn(at time.Time, t talk) {
	o := t.head(at).add("proto", t.proto)
	if t.service != "" {
		o = o.add("service", t.service)
	}
	answered := t.state != "S0" && t.state != "REJ"
	history, pktsOut, pktsIn := histories[t.state], 1+t.out/1200, 0
	if answered {
		o = o.add("duration", seconds(t.took)).add("orig_bytes", t.out).add("resp_bytes", t.in)
		pktsOut, pktsIn = 4+t.out/1200, 3+t.in/1200
	}
	if t.state == "REJ" {
		pktsIn = 1
	}
	if t.proto == "udp" {
		history, pktsOut, pktsIn = "Dd", 1+t.out/1200, 1+t.in/1200
	}
	o = o.add("conn_state", t.state).add("local_orig", isLocal(t.src)).add("local_resp", isLocal(t.dst)).add("missed_bytes", 0).add("history", history).
		add("orig_pkts", pktsOut).add("orig_ip_bytes", t.out+40*pktsOut).add("resp_pkts", pktsIn).add("resp_ip_bytes", t.in+40*pktsIn)
	if t.srcMAC != "" {
		o = o.add("orig_l2_addr", t.srcMAC).add("resp_l2_addr", t.dstMAC)
	}
	w.put(connLog, at, o.end())
}

func isLocal(ip string) bool { return len(ip) > 3 && ip[:3] == "10." }

// dns writes a question and its answer.
func (w *writer) dns(at time.Time, from device, name, answer string) {
	t := w.talk(from, domain, 53, "dns").udp()
	rtt := time.Duration(w.between(300, 24000)) * time.Microsecond
	o := t.head(at).add("proto", "udp").add("trans_id", w.rng.IntN(65536)).add("rtt", seconds(rtt)).add("query", name).
		add("qclass", 1).add("qclass_name", "C_INTERNET").add("qtype", 1).add("qtype_name", "A")
	if answer == "" {
		o = o.add("rcode", 3).add("rcode_name", "NXDOMAIN")
	} else {
		o = o.add("rcode", 0).add("rcode_name", "NOERROR")
	}
	o = o.add("AA", false).add("TC", false).add("RD", true).add("RA", true).add("Z", 0)
	if answer != "" {
		o = o.add("answers", []string{answer}).add("TTLs", []float64{300})
	}
	w.put(dnsLog, at, o.add("rejected", false).end())
}

// lease writes a DHCP renewal.
func (w *writer) lease(at time.Time, d device) {
	o := object{}.add("ts", stamp(at)).add("uids", []string{w.uid()}).add("client_addr", d.ip).add("server_addr", domain.ip).add("mac", d.mac).
		add("host_name", d.name).add("requested_addr", d.ip).add("assigned_addr", d.ip).add("lease_time", json.Number("28800.0")).
		add("msg_types", []string{"REQUEST", "ACK"}).add("duration", seconds(time.Duration(w.between(400, 9000))*time.Microsecond))
	w.put(dhcpLog, at, o.end())
}

// modbus writes one request that was answered.
func (w *writer) modbus(at time.Time, t talk, function string, address, quantity int, values string) {
	o := t.head(at).add("tid", w.rng.IntN(65536)).add("unit", 1).add("func", function).add("address", address).add("quantity", quantity)
	if values != "" {
		o = o.add("request_values", values)
	}
	w.put(modbusLog, at, o.add("modbus_detailed_link_id", w.uid()).add("matched", true).end())
}

// bacnet writes a service request and the property it is about.
func (w *writer) bacnet(at time.Time, t talk, service, object, property, value string, instance int) {
	invoke := w.rng.IntN(256)
	lead := func() []byte {
		return t.head(at).add("is_orig", true).add("source_h", t.src).add("source_p", t.sport).add("destination_h", t.dst).add("destination_p", t.dport)
	}
	head := objectOf(lead()).add("bvlc_function", "Original-Unicast-NPDU").add("pdu_type", "CONFIRMED_REQUEST").add("pdu_service", service).add("invoke_id", invoke)
	w.put(bacnetLog, at, head.end())
	if property == "" {
		return
	}
	prop := objectOf(lead()).add("invoke_id", invoke).add("pdu_service", service).add("object_type", object).add("instance_number", instance).add("property", property)
	if value != "" {
		prop = prop.add("value", value)
	}
	w.put(propertyLog, at, prop.end())
}

func objectOf(b []byte) object { return b }

// publish writes an MQTT message.
func (w *writer) publish(at time.Time, t talk, topic, payload string) {
	o := t.head(at).add("from_client", true).add("retain", false).add("qos", "at most once").add("status", "ok").
		add("topic", topic).add("payload", payload).add("payload_len", len(payload))
	w.put(mqttLog, at, o.end())
}

// signature is a rule of the intrusion detection system.
type signature struct {
	id       int
	text     string
	category string
	severity int
}

func (w *writer) eveHead(at time.Time, t talk, kind string) object {
	proto := "TCP"
	if t.proto == "udp" {
		proto = "UDP"
	}
	return object{}.add("timestamp", at.Format("2006-01-02T15:04:05.000000-0700")).add("flow_id", w.rng.Int64N(1<<50)).add("in_iface", "eth1").
		add("event_type", kind).add("src_ip", t.src).add("src_port", t.sport).add("dest_ip", t.dst).add("dest_port", t.dport).add("proto", proto)
}

// alert writes a Suricata alert about a talk.
func (w *writer) alert(at time.Time, t talk, s signature) {
	rule := objectOf(nil).add("action", "allowed").add("gid", 1).add("signature_id", s.id).add("rev", 3).add("signature", s.text).
		add("category", s.category).add("severity", s.severity).end()
	o := w.eveHead(at, t, "alert").add("alert", json.RawMessage(rule))
	if t.service != "" {
		o = o.add("app_proto", t.service)
	}
	w.put(eveLog, at, o.end())
}

// flow writes a Suricata flow record of a talk.
func (w *writer) flow(at time.Time, t talk) {
	const layout = "2006-01-02T15:04:05.000000-0700"
	f := objectOf(nil).add("pkts_toserver", 4+t.out/1200).add("pkts_toclient", 3+t.in/1200).add("bytes_toserver", t.out+300).add("bytes_toclient", t.in+220).
		add("start", at.Format(layout)).add("end", at.Add(t.took).Format(layout)).add("age", int(t.took.Seconds())).add("state", "closed").add("reason", "timeout").add("alerted", false).end()
	o := w.eveHead(at, t, "flow").add("app_proto", t.service)
	w.put(eveLog, at, o.add("flow", json.RawMessage(f)).end())
}

// syslog writes a line as rsyslog does.
func (w *writer) syslog(at time.Time, host, program string, pid int, format string, args ...any) {
	text := fmt.Sprintf("%s %s %s[%d]: %s", at.Format("2006-01-02T15:04:05.000000-07:00"), host, program, pid, fmt.Sprintf(format, args...))
	w.put(authLog, at, []byte(text))
}

// refused writes what sshd and PAM say about one refused password.
func (w *writer) refused(at time.Time, host device, user, from string, known bool) {
	pid, port := w.between(1200, 48000), w.port()
	who := "invalid user " + user
	if known {
		who = user
		w.syslog(at, host.name, "sshd", pid, "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=%s  user=%s", from, user)
	} else {
		w.syslog(at, host.name, "sshd", pid, "Invalid user %s from %s port %d", user, from, port)
	}
	at = at.Add(time.Duration(w.between(900, 2400)) * time.Millisecond)
	w.syslog(at, host.name, "sshd", pid, "Failed password for %s from %s port %d ssh2", who, from, port)
}

// accepted writes a login and the session that it opens.
func (w *writer) accepted(at time.Time, host device, method, user, from string) {
	pid := w.between(1200, 48000)
	w.syslog(at, host.name, "sshd", pid, "Accepted %s for %s from %s port %d ssh2", method, user, from, w.port())
	w.syslog(at.Add(40*time.Millisecond), host.name, "sshd", pid, "pam_unix(sshd:session): session opened for user %s(uid=1001) by %s(uid=0)", user, user)
}
