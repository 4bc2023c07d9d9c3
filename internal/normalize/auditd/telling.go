package auditd

import (
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// telling is one event being told from its records.
type telling struct {
	e     *event.Event
	kinds []string
	argv  []string
	title string
}

func newTelling(e *event.Event, kind string) *telling {
	e.SetMetadataProduct("auditd")
	e.SetMetadataLogName("auditd/" + record.LogWord(kind))
	e.SetMetadataEventCode(kind)
	return &telling{e: e}
}

// fields are the fields of all records that have one of ours. What a path
// record has under the name of a field of another is told apart by its number.
var fields = map[string]event.Slot{
	"pid": event.SlotProcessPid, "exe": event.SlotProcessFilePath, "comm": event.SlotProcessName, "acct": event.SlotUserName,
	"addr": event.SlotSrcEndpointIP, "hostname": event.SlotSrcEndpointHostname, "ses": event.SlotSessionUID, "auid": event.SlotUserUID,
	"laddr": event.SlotDstEndpointIP, "lport": event.SlotDstEndpointPort, "rport": event.SlotSrcEndpointPort, "AUID": event.SlotActorUserName,
}

// maxArgs is how many arguments make the command line.
const maxArgs = 1000

// record puts the pairs of one record in.
func (t *telling) record(kind, text string) {
	t.kinds = append(t.kinds, kind)
	text, enriched, _ := strings.Cut(text, "\x1d") // names of numbers, from log_format = ENRICHED
	if words := each(kind, text, func(key, v string) { t.pair(kind, key, v) }); words != "" {
		record.Keep(t.e, "words", words)
	}
	each(kind, enriched, func(key, v string) { t.pair(kind, key, v) })
}

func (t *telling) pair(kind, key, v string) {
	e := t.e
	switch {
	case v == "" || v == "?":
		return
	case kind == "EXECVE":
		if key == "argc" {
			record.Keep(e, key, v)
		} else if len(t.argv) < maxArgs {
			t.argv = append(t.argv, v)
		}
	case key == "proctitle":
		t.title = v
	case kind == "PATH" || kind == "CWD":
		t.path(kind, key, v)
	case key == "res" || key == "success" || key == "result":
		t.result(key, v)
	case key == "hostname" && (v == e.SrcEndpointIP() || strings.Count(v, ".") == 3 || strings.Contains(v, ":")):
		if !e.SetIP(event.SlotSrcEndpointIP, v) {
			record.Keep(e, key, v)
		}
	case key == "auid" && v == "4294967295", key == "ses" && v == "4294967295":
		record.Keep(e, key, v) // not set: minus one
	default:
		record.Put(e, fields, key, v)
	}
}

// path keeps the fields of a PATH record under their names with "path." before
// them, and those of CWD as they are.
func (t *telling) path(kind, key, v string) {
	if kind == "CWD" {
		record.Keep(t.e, key, v)
		return
	}
	if key == "name" && !t.e.Has(event.SlotFileName) {
		t.e.SetFileName(v)
	}
	record.Keep(t.e, "path."+key, v)
}

func (t *telling) result(key, v string) {
	switch v {
	case "yes", "success", "1":
		t.e.SetStatus(event.Success)
	case "no", "failed", "0":
		t.e.SetStatus(event.Failure)
	}
	record.Keep(t.e, key, v)
}

func (t *telling) has(kind string) bool { return slices.Contains(t.kinds, kind) }

// doings gives the types their class and activity (audit messages dictionary).
var doings = map[string]struct {
	class    event.Class
	activity string
}{
	"USER_LOGIN": {event.Authentication, "Logon"}, "USER_LOGOUT": {event.Authentication, "Logoff"}, "USER_AUTH": {event.Authentication, "Preauth"}, "USER_ERR": {event.Authentication, "Preauth"},
	"USER_ACCT": {event.Authentication, "Account check"}, "USER_START": {event.Authentication, "Session opened"}, "USER_END": {event.Authentication, "Session closed"},
	"CRED_ACQ": {event.Authentication, "Credentials acquired"}, "CRED_DISP": {event.Authentication, "Credentials disposed"}, "CRED_REFR": {event.Authentication, "Credentials refreshed"},
	"LOGIN": {event.Authentication, "Login uid set"}, "USER_CMD": {event.ProcessActivity, "Launch"}, "USER_CHAUTHTOK": {event.BaseEvent, "Change password"},
	"ADD_USER": {event.BaseEvent, "Create account"}, "DEL_USER": {event.BaseEvent, "Delete account"}, "ADD_GROUP": {event.BaseEvent, "Create group"}, "DEL_GROUP": {event.BaseEvent, "Delete group"}, "USER_MGMT": {event.BaseEvent, "Change account"},
	"CONFIG_CHANGE": {event.DeviceConfigState, "Change audit configuration"}, "DAEMON_START": {event.ApplicationLifecycle, "Start"}, "DAEMON_END": {event.ApplicationLifecycle, "Stop"}, "DAEMON_CONFIG": {event.DeviceConfigState, "Change configuration"},
	"SERVICE_START": {event.ApplicationLifecycle, "Start"}, "SERVICE_STOP": {event.ApplicationLifecycle, "Stop"}, "SYSTEM_BOOT": {event.ApplicationLifecycle, "Boot"}, "SYSTEM_SHUTDOWN": {event.ApplicationLifecycle, "Shutdown"}, "SYSTEM_RUNLEVEL": {event.ApplicationLifecycle, "Change runlevel"},
	"NETFILTER_CFG": {event.DeviceConfigState, "Change packet filter"}, "MAC_STATUS": {event.DeviceConfigState, "Change SELinux status"}, "MAC_POLICY_LOAD": {event.DeviceConfigState, "Load policy"}, "MAC_CONFIG_CHANGE": {event.DeviceConfigState, "Change SELinux configuration"},
	"ANOM_PROMISCUOUS": {event.DetectionFinding, "Promiscuous mode"}, "ANOM_ABEND": {event.ProcessActivity, "Crash"}, "SECCOMP": {event.ProcessActivity, "Blocked system call"}, "KERN_MODULE": {event.FileActivity, "Load module"}, "ANOM_LOGIN_FAILURES": {event.DetectionFinding, "Too many failed logins"},
}

// done settles the class and what only all the records tell.
func (t *telling) done() {
	e := t.e
	if len(t.kinds) > 1 {
		record.Keep(e, "types", strings.Join(unique(t.kinds), " "))
	}
	cmd := strings.Join(t.argv, " ")
	if cmd == "" {
		cmd = e.Extra("cmd")
	}
	if cmd == "" {
		cmd = t.title
	} else {
		record.Keep(e, "proctitle", t.title)
	}
	e.SetProcessCmdLine(cmd)
	if key := e.Extra("key"); key != "" && key != "(null)" {
		e.SetFindingInfoCategory(key) // the name of the audit rule that matched
	}
	e.SetClassUID(int64(event.BaseEvent))
	for _, kind := range t.kinds {
		if d, ok := doings[kind]; ok {
			e.SetClassUID(int64(d.class))
			e.SetActivityName(d.activity)
			break
		}
	}
	switch {
	case t.has("AVC"), t.has("USER_AVC"), t.has("APPARMOR_DENIED"):
		t.denied()
	case t.has("EXECVE"), t.has("SYSCALL") && execCalls[e.Extra("arch")+"/"+e.Extra("syscall")], e.Extra("SYSCALL") == "execve":
		e.SetClassUID(int64(event.ProcessActivity))
		e.SetActivityName("Launch")
	case e.ActivityName() == "" && t.has("PATH"):
		e.SetClassUID(int64(event.FileActivity))
		e.SetActivityName(fileVerb(e.Extra("path.nametype")))
	}
	if e.ClassUID() == int64(event.Authentication) && strings.HasPrefix(baseName(e), "sshd") {
		e.SetAppName("ssh")
	}
	if op := e.Extra("op"); e.ActivityName() == "" && op != "" {
		e.SetActivityName(op)
	}
	if n, err := strconv.ParseInt(e.Extra("exit"), 10, 64); err == nil && n < 0 {
		e.SetStatusDetail(errnos[-n])
	}
}

func baseName(e *event.Event) string {
	path := e.Str(event.SlotProcessFilePath)
	return path[strings.LastIndexByte(path, '/')+1:]
}

// denied is a decision of SELinux or AppArmor.
func (t *telling) denied() {
	e := t.e
	e.SetClassUID(int64(event.DetectionFinding))
	e.SetActivityName("Access decision")
	words := e.Extra("words") + " " + e.Extra("apparmor")
	if strings.Contains(words, "denied") || strings.Contains(words, "DENIED") {
		e.SetDisposition("Blocked")
		e.SetStatus(event.Failure)
	} else if strings.Contains(words, "granted") || strings.Contains(words, "ALLOWED") {
		e.SetDisposition("Allowed")
		e.SetStatus(event.Success)
	}
	e.SetFindingInfoTitle("access control: " + strings.TrimSpace(e.Extra("words")+" "+e.Extra("tclass")+" "+e.Extra("operation")))
	if !e.Has(event.SlotFileName) {
		e.SetFileName(e.Extra("path") + e.Extra("name"))
	}
}

// execCalls are execve and execveat by architecture.
var execCalls = map[string]bool{"c000003e/59": true, "c000003e/322": true, "40000003/11": true, "40000028/11": true, "c00000b7/221": true, "c00000b7/281": true, "x86_64/execve": true, "aarch64/execve": true}

func fileVerb(nametype string) string {
	switch nametype {
	case "CREATE":
		return "Create"
	case "DELETE":
		return "Delete"
	}
	return "Access"
}

// errnos are the errors that refused calls end with (errno.h).
var errnos = map[int64]string{1: "operation not permitted", 2: "no such file or directory", 13: "permission denied", 17: "file exists", 22: "invalid argument", 110: "timed out", 111: "connection refused", 115: "in progress"}

func unique(all []string) []string {
	var out []string
	for _, s := range all {
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}
