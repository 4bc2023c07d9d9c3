package windows

import (
	"strings"

	"vedette/internal/event"
)

// logonTypes are the words for the types of a logon (Microsoft, "4624").
var logonTypes = map[string]string{
	"0": "system", "2": "interactive", "3": "network", "4": "batch", "5": "service", "7": "unlock", "8": "network cleartext",
	"9": "new credentials", "10": "remote interactive", "11": "cached interactive", "12": "cached remote interactive", "13": "cached unlock",
}

// reasons are the words for the codes of failure: NTSTATUS ([MS-ERREF] 2.3) of
// 4625 and 4776, and Kerberos (RFC 4120, section 7.5.9) of 4768, 4769 and 4771.
var reasons = map[string]string{
	"0xc0000064": "no such user", "0xc000006a": "wrong password", "0xc000006d": "bad user name or password", "0xc000006e": "account restriction",
	"0xc000006f": "outside allowed hours", "0xc0000070": "workstation not allowed", "0xc0000071": "password expired", "0xc0000072": "account disabled",
	"0xc0000133": "clocks too far apart", "0xc000015b": "logon type not granted", "0xc0000193": "account expired", "0xc0000224": "password must change",
	"0xc0000234": "account locked out", "0xc000005e": "no logon server", "0xc00000dc": "server in the wrong state", "0xc0000413": "authentication firewall", "0xc000018c": "no trust to the domain",
	"0x6": "no such user", "0x7": "no such server", "0xc": "policy forbids it", "0x12": "account disabled, expired or locked out", "0x17": "password expired", "0x18": "wrong password", "0x25": "clocks too far apart", "0x1f": "integrity check failed", "0x20": "ticket expired", "0x22": "replay",
}

// finishLogon puts the type of the logon and the reason of a failure in words.
func finishLogon(e *event.Event) {
	if word, ok := logonTypes[e.Extra("LogonType")]; ok {
		e.SetExtra("logon_type", word)
		if e.AppName() == "" && e.Extra("LogonType") == "10" {
			e.SetAppName("rdp")
		}
	}
	for _, name := range []string{"SubStatus", "Status", "FailureCode", "ResultCode"} {
		code := strings.ToLower(e.Extra(name))
		if code == "" || strings.Trim(code, "0x") == "" {
			continue
		}
		reason, ok := reasons[code]
		if !ok {
			reason = code
		}
		if !e.Has(event.SlotStatus) || e.Status() == event.Failure {
			e.SetStatus(event.Failure)
			e.SetStatusDetail(reason)
		}
		return
	}
	if !e.Has(event.SlotStatus) && (e.Extra("Status") != "" || e.Extra("ResultCode") != "") {
		e.SetStatus(event.Success)
	}
}

// finishProcess names the process after the file of its program.
func finishProcess(e *event.Event) {
	if e.Has(event.SlotProcessName) {
		return
	}
	e.SetProcessName(baseName(e.Str(event.SlotProcessFilePath)))
}

func baseName(path string) string {
	return path[strings.LastIndexAny(path, `\/`)+1:]
}

func finishFile(e *event.Event) {
	finishProcess(e)
	hashes(e)
}

// hashes reads Sysmon's "SHA1=...,MD5=...,SHA256=...", which are those of the
// file that the event is about.
func hashes(e *event.Event) {
	for part := range strings.SplitSeq(e.Extra("Hashes"), ",") {
		kind, v, _ := strings.Cut(part, "=")
		switch kind {
		case "MD5":
			e.SetFileMd5(strings.ToLower(v))
		case "SHA1":
			e.SetFileSha1(strings.ToLower(v))
		case "SHA256":
			e.SetFileSha256(strings.ToLower(v))
		}
	}
}

// protocols are the numbers that the filtering platform writes (IANA).
var protocols = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}

// finishConnection names the transport and the direction. The source is the end
// that began, in both directions.
func finishConnection(e *event.Event) {
	finishProcess(e)
	p := strings.ToLower(e.ConnectionInfoProtocolName())
	if word, ok := protocols[p]; ok {
		p = word
	}
	e.SetConnectionInfoProtocolName(p)
	switch e.Extra("Direction") {
	case "%%14592", "Inbound":
		e.SetConnectionInfoDirection("Inbound")
	case "%%14593", "Outbound":
		e.SetConnectionInfoDirection("Outbound")
	}
}

// finishQuery reads the answers, which are separated by semicolons, and the
// result: 0 for an answer, else an error of Windows (9003 is "no such name").
func finishQuery(e *event.Event) {
	finishProcess(e)
	var answers []string
	for a := range strings.SplitSeq(e.Extra("QueryResults"), ";") {
		if a = strings.TrimPrefix(strings.TrimSpace(a), "::ffff:"); a != "" && a != "-" && len(answers) < maxAnswers {
			answers = append(answers, a)
		}
	}
	e.SetAnswers(answers)
	switch e.Extra("QueryStatus") {
	case "":
	case "0":
		e.SetRcode("NOERROR")
		e.SetStatus(event.Success)
	case "9003":
		e.SetRcode("NXDOMAIN")
		e.SetStatus(event.Failure)
	default:
		e.SetStatus(event.Failure)
	}
}

const maxAnswers = 100
