package cef

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// cefFields are the keys of the extension dictionary (CEF implementation
// standard, "Standard Extensions"), short and full names. "in" counts what
// flowed from source to destination, which here is out.
var cefFields = map[string]event.Slot{
	"src": event.SlotSrcEndpointIP, "sourceAddress": event.SlotSrcEndpointIP, "dst": event.SlotDstEndpointIP, "destinationAddress": event.SlotDstEndpointIP,
	"spt": event.SlotSrcEndpointPort, "sourcePort": event.SlotSrcEndpointPort, "dpt": event.SlotDstEndpointPort, "destinationPort": event.SlotDstEndpointPort,
	"smac": event.SlotSrcEndpointMAC, "sourceMacAddress": event.SlotSrcEndpointMAC, "dmac": event.SlotDstEndpointMAC, "destinationMacAddress": event.SlotDstEndpointMAC,
	"shost": event.SlotSrcEndpointHostname, "sourceHostName": event.SlotSrcEndpointHostname, "dhost": event.SlotDstEndpointHostname, "destinationHostName": event.SlotDstEndpointHostname,
	"c6a2": event.SlotSrcEndpointIP, "c6a3": event.SlotDstEndpointIP,
	"proto": event.SlotConnectionInfoProtocolName, "transportProtocol": event.SlotConnectionInfoProtocolName, "app": event.SlotAppName, "applicationProtocol": event.SlotAppName,
	"in": event.SlotTrafficBytesOut, "bytesIn": event.SlotTrafficBytesOut, "out": event.SlotTrafficBytesIn, "bytesOut": event.SlotTrafficBytesIn,
	"act": event.SlotDisposition, "deviceAction": event.SlotDisposition, "msg": event.SlotMessage, "message": event.SlotMessage,
	"reason": event.SlotStatusDetail, "cnt": event.SlotCount, "baseEventCount": event.SlotCount, "cat": event.SlotFindingInfoCategory, "deviceEventCategory": event.SlotFindingInfoCategory,
	"dvc": event.SlotDeviceIP, "deviceAddress": event.SlotDeviceIP, "dvchost": event.SlotDeviceHostname, "deviceHostName": event.SlotDeviceHostname,
	"dvcmac": event.SlotDeviceMAC, "deviceMacAddress": event.SlotDeviceMAC,
	"duid": event.SlotUserUID, "destinationUserId": event.SlotUserUID, "sproc": event.SlotProcessName, "sourceProcessName": event.SlotProcessName,
	"spid": event.SlotProcessPid, "sourceProcessId": event.SlotProcessPid, "deviceProcessName": event.SlotProcessName, "dvcpid": event.SlotProcessPid,
	"fname": event.SlotFileName, "fileName": event.SlotFileName, "fsize": event.SlotFileSize, "fileSize": event.SlotFileSize,
	"request": event.SlotHTTPRequestURLPath, "requestURL": event.SlotHTTPRequestURLPath, "requestMethod": event.SlotHTTPRequestHTTPMethod,
	"requestClientApplication": event.SlotHTTPRequestUserAgent, "requestClientApplicationName": event.SlotHTTPRequestUserAgent, "requestContext": event.SlotHTTPRequestReferrer,
}

// reading is one record being read.
type reading struct {
	e           *event.Event
	frame       moment.Frame
	fields      map[string]event.Slot
	name        string // what the record calls what happened
	when        time.Time
	layout      string // of devTime
	suser       string
	deviceTime  string
	custom      map[string]string // by cs1, cn1, ...: the value that waits for its label
	labels      map[string]string
	customOrder []string
}

// put puts one pair in.
func (r *reading) put(key, v string) {
	if v == "" {
		return
	}
	switch key {
	case "rt", "deviceReceiptTime", "start", "startTime", "devTime":
		r.time(key, v)
	case "devTimeFormat":
		r.layout = v
		record.Keep(r.e, key, v)
	case "suser", "sourceUserName":
		r.suser = v
	case "duser", "destinationUserName":
		r.e.SetUserName(v)
	case "sev":
		severity(r.e, v)
	case "outcome", "eventOutcome":
		r.outcome(key, v)
	case "deviceDirection":
		r.direction(v)
	case "fileHash":
		hash(r.e, v)
	default:
		if r.label(key, v) {
			return
		}
		record.Put(r.e, r.fields, key, v)
	}
}

// time takes the first of several times for the event's and keeps the others.
func (r *reading) time(key, v string) {
	when := r.frame.Any(v)
	if when.IsZero() && key == "devTime" {
		r.deviceTime = v // its format may come later
		return
	}
	if when.IsZero() || !r.when.IsZero() && key != "rt" {
		record.Keep(r.e, key, v)
		return
	}
	r.when = when
}

func (r *reading) outcome(key, v string) {
	switch low := strings.ToLower(v); {
	case strings.HasPrefix(low, "succe"), low == "ok", low == "/success", low == "allowed":
		r.e.SetStatus(event.Success)
	case strings.HasPrefix(low, "fail"), low == "/failure", low == "error", low == "denied", low == "blocked":
		r.e.SetStatus(event.Failure)
	default:
		r.e.SetStatus(event.Other)
	}
	record.Keep(r.e, key, v)
}

func (r *reading) direction(v string) {
	switch v {
	case "0":
		r.e.SetConnectionInfoDirection("Inbound")
	case "1":
		r.e.SetConnectionInfoDirection("Outbound")
	}
	record.Keep(r.e, "deviceDirection", v)
}

// label keeps the value of a custom field under the name that its label gives
// it, such as cs1 under that of cs1Label, whichever comes first. Values whose
// label never comes keep their own name.
func (r *reading) label(key, v string) bool {
	base, isLabel := strings.CutSuffix(key, "Label")
	if len(base) < 3 || len(base) > 24 || !isCustom(base) {
		return false
	}
	if r.custom == nil {
		r.custom, r.labels = map[string]string{}, map[string]string{}
	}
	if isLabel {
		r.labels[base] = v
		record.Keep(r.e, key, v)
		return true
	}
	if _, twice := r.custom[base]; twice {
		return false
	}
	r.custom[base] = v
	r.customOrder = append(r.customOrder, base)
	return true
}

// isCustom knows the custom fields: strings, numbers, floats, dates and
// addresses.
func isCustom(key string) bool {
	switch key[:2] {
	case "cs", "cn":
		return len(key) == 3 && key[2] >= '1' && key[2] <= '9'
	}
	return strings.HasPrefix(key, "c6a") || strings.HasPrefix(key, "cfp") || strings.HasPrefix(key, "flex") || strings.HasPrefix(key, "deviceCustom")
}

// done settles what only the whole record tells.
func (r *reading) done() time.Time {
	e := r.e
	for _, base := range r.customOrder {
		if slot, known := r.fields[base]; known && !e.Has(slot) && r.labels[base] != "" {
			record.Set(e, slot, base, r.custom[base]) // c6a2 and c6a3 are the addresses of IPv6
			continue
		}
		name := r.labels[base]
		if name == "" {
			name = base
		}
		record.Keep(e, name, r.custom[base])
	}
	switch {
	case e.UserName() == "":
		e.SetUserName(r.suser)
	default:
		e.SetActorUserName(r.suser)
	}
	if r.deviceTime != "" {
		when := javaTime(r.deviceTime, r.layout, r.frame)
		if when.IsZero() {
			record.Keep(e, "devTime", r.deviceTime)
		} else {
			r.when = when
		}
	}
	if !e.Has(event.SlotMessage) {
		e.SetMessage(r.name)
	}
	record.AddTraffic(e)
	classify(e, r.name)
	return r.when
}

// findings are words in the name of what happened that make it a finding.
var findings = []string{"attack", "malware", "virus", "trojan", "exploit", "intrusion", "botnet", "ransom", "worm ", "spyware", "phish", "scan detected", "port scan"}

// classify gives the record a class by its name and by what it holds.
func classify(e *event.Event, name string) {
	low := strings.ToLower(name)
	class := event.BaseEvent
	switch {
	case containsAny(low, findings):
		class = event.DetectionFinding
		if !e.Has(event.SlotFindingInfoTitle) {
			e.SetFindingInfoTitle(name)
		}
		e.SetFindingInfoUID(e.MetadataEventCode())
	case e.UserName() != "" && containsAny(low, []string{"login", "logon", "logged in", "logged on", "authenticat", "sign-in", "signin"}):
		class = event.Authentication
		if strings.Contains(low, "fail") || strings.Contains(low, "denied") || strings.Contains(low, "invalid") {
			e.SetStatus(event.Failure)
		}
	case e.Has(event.SlotHTTPRequestHTTPMethod), strings.HasPrefix(e.HTTPRequestURLPath(), "http"):
		class = event.HTTPActivity
	case e.Has(event.SlotSrcEndpointIP) && e.Has(event.SlotDstEndpointIP):
		class = event.NetworkActivity
	case e.Has(event.SlotFileName):
		class = event.FileActivity
	}
	e.SetClassUID(int64(class))
	if class == event.NetworkActivity && !e.Has(event.SlotStatus) {
		switch d := strings.ToLower(e.Disposition()); {
		case containsAny(d, []string{"deny", "denied", "block", "drop", "reject"}):
			e.SetStatus(event.Failure)
		case containsAny(d, []string{"allow", "accept", "permit", "pass"}):
			e.SetStatus(event.Success)
		}
	}
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// severity reads 0 to 10 or a word: 0-3 is low, 4-6 medium, 7-8 high, 9-10 very
// high. The record's own word is kept.
func severity(e *event.Event, v string) {
	if v == "" {
		return
	}
	record.Keep(e, "severity", v)
	n, err := strconv.Atoi(v)
	switch low := strings.ToLower(v); {
	case err == nil && (n < 0 || n > 10):
	case err == nil && n >= 9, low == "very-high", low == "critical":
		e.SetSeverityId(int64(event.Critical))
	case err == nil && n >= 7, low == "high":
		e.SetSeverityId(int64(event.High))
	case err == nil && n >= 4, low == "medium":
		e.SetSeverityId(int64(event.Medium))
	case err == nil, low == "low":
		e.SetSeverityId(int64(event.Low))
	}
}

// hash puts a hash in by its length.
func hash(e *event.Event, v string) {
	switch len(v) {
	case 32:
		e.SetFileMd5(v)
	case 40:
		e.SetFileSha1(v)
	case 64:
		e.SetFileSha256(v)
	default:
		record.Keep(e, "fileHash", v)
	}
}

// javaLetters are the letters of Java's SimpleDateFormat, longest first, and
// what they are in Go.
var javaLetters = strings.NewReplacer(
	"yyyy", "2006", "yy", "06", "MMMM", "January", "MMM", "Jan", "MM", "01", "dd", "02", "HH", "15", "hh", "03", "mm", "04", "ss", "05",
	"SSSSSS", "000000", "SSS", "000", "EEE", "Mon", "XXX", "Z07:00", "X", "Z07", "Z", "-0700", "z", "MST", "a", "PM", "'", "",
)

// javaTime reads a time by a format of Java's SimpleDateFormat, which LEEF's
// devTimeFormat is.
func javaTime(v, layout string, frame moment.Frame) time.Time {
	if layout == "" || len(layout) > 64 || len(v) > 64 {
		return time.Time{}
	}
	t, err := time.ParseInLocation(javaLetters.Replace(layout), v, frame.Zone())
	if err != nil {
		return time.Time{}
	}
	if t.Year() == 0 { // the format has none
		return frame.Any(v)
	}
	return t.UTC()
}
