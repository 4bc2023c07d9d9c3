// Package windows reads events of the Windows event log, Sysmon among them, as
// JSON: as Winlogbeat writes them (winlog.event_data), as the event's own XML
// put into JSON has them (Event.System, Event.EventData), and flat as NXLog and
// public data sets have them.
//
// Every field of an event keeps its own name, so that a rule that names it
// finds it. It must not judge what an event means for security.
package windows

import (
	"bytes"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// Dialect is Windows events as JSON, one object after another.
func Dialect() record.Dialect {
	return record.Dialect{
		Name:   "windows",
		Detect: detect,
		New:    func(src record.Source) record.Parser { return &parser{src: src, frame: src.Frame()} },
	}
}

// detect looks for the keys that only an event of Windows has.
func detect(head []byte, _ string) int {
	best := 0
	for n, line := range bytes.SplitN(head, []byte("\n"), 20) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if line[0] != '{' || n > 10 {
			return best
		}
		has := func(key string) bool { return bytes.Contains(line, []byte(`"`+key+`"`)) }
		switch {
		case has("Event") && has("System") && has("EventID"):
			return 95
		case has("winlog") && (has("event_id") || has("channel")):
			return 95
		case has("EventID") && has("Channel") && (has("Hostname") || has("Computer") || has("SourceName") || has("ProviderName") || has("Provider_Name")):
			return 95
		case has("EventID") && (has("EventData") || has("Channel")):
			best = max(best, 80)
		}
	}
	return best
}

type parser struct {
	src   record.Source
	frame moment.Frame
	e     event.Event
	scan  jsonleaf.Scanner
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.src.Keep(rec.Raw)
	leaves, err := p.scan.Read(raw)
	if err != nil {
		return err
	}
	e := &p.e
	e.Reset()
	w := winEvent{e: e, frame: p.frame}
	for i := 0; i < len(leaves); i++ {
		kv := &leaves[i]
		if kv.Value == "" {
			continue
		}
		name, v := shortName(kv.Key), kv.Value
		if name == dataName { // <Data Name="X">v</Data>, as some converters write it
			if named, value, ok := namedData(leaves[i:]); ok {
				name, v = named, value
				i++
			}
		}
		w.put(name, v)
	}
	w.done()
	record.Finish(e, &p.src, rec, record.Text(raw), 0, w.time())
	emit(e)
	return nil
}

// dataName is the name of an attribute that holds a field's name.
const dataName = "\x00Name"

// wrappers are the objects that the three spellings put around fields; the
// longest of those that fit is taken off.
var wrappers = []string{
	"Event.EventData.", "Event.UserData.", "Event.System.", "Event.",
	"winlog.event_data.", "winlog.user_data.", "winlog.",
	"EventData.", "UserData.", "System.", "_source.",
}

// system gives the fields of the event's frame one name each.
var system = map[string]string{
	"event_id": "EventID", "EventID.#text": "EventID", "EventID.Value": "EventID", "EventId": "EventID", "event.code": "EventID", "Id": "EventID",
	"channel": "Channel", "computer_name": "Computer", "Hostname": "Computer", "ComputerName": "Computer", "MachineName": "Computer",
	"provider_name": "Provider", "Provider.Name": "Provider", "SourceName": "Provider", "ProviderName": "Provider", "Provider_Name": "Provider",
	"TimeCreated.SystemTime": "TimeCreated", "time_created": "TimeCreated", "EventTime": "EventTime", "@timestamp": "@timestamp",
	"record_id": "EventRecordID", "RecordNumber": "EventRecordID", "message": "Message", "opcode": "Opcode", "keywords": "Keywords",
	"Execution.ProcessID": "ExecutionProcessID", "Execution.ThreadID": "ExecutionThreadID", "process.pid": "ExecutionProcessID", "process.thread.id": "ExecutionThreadID",
	"level": "Level", "log.level": "Level", "Security.UserID": "SecurityUserID", "host.name": "Computer", "EventID": "EventID",
}

// shortName is the name of a leaf without the objects around it.
func shortName(k *jsonleaf.Key) string {
	if name, known := k.Means.(string); known {
		return name
	}
	name := strings.NewReplacer("#attributes.", "", "@attributes.", "").Replace(k.Name)
	if name == "process.pid" || name == "winlog.process.thread.id" {
		name = strings.TrimPrefix(name, "winlog.")
	}
	for _, w := range wrappers {
		if rest, ok := strings.CutPrefix(name, w); ok && rest != "" {
			name = rest
			break
		}
	}
	if strings.HasPrefix(name, "Data.") && strings.HasSuffix(name, "Name") {
		name = dataName
	}
	if known, ok := system[name]; ok {
		name = known
	}
	k.Means = name
	return name
}

// namedData reads {"Name": "X", "#text": "v"}.
func namedData(leaves []jsonleaf.Leaf) (name, v string, ok bool) {
	if len(leaves) < 2 || !strings.Contains(leaves[1].Key.Name, "Data.") {
		return "", "", false
	}
	for _, suffix := range []string{"#text", "Text", "content", "Value"} {
		if strings.HasSuffix(leaves[1].Key.Name, "."+suffix) {
			return leaves[0].Value, leaves[1].Value, true
		}
	}
	return "", "", false
}

// winEvent is one event being read.
type winEvent struct {
	e     *event.Event
	frame moment.Frame

	id, channel, provider string
	utc, created, local   string // UtcTime is of the happening, TimeCreated of its writing
	shipped               string
}

// put puts one field in. Fields that decide what the event is are set when all
// are known.
func (w *winEvent) put(name, v string) {
	e := w.e
	switch name {
	case "EventID":
		if w.id == "" {
			w.id = v
			e.SetMetadataEventCode(v)
			return
		}
	case "Channel":
		w.channel = first(w.channel, v)
	case "Provider":
		w.provider = first(w.provider, v)
	case "TimeCreated":
		w.created = first(w.created, v)
	case "UtcTime":
		w.utc = first(w.utc, v)
	case "EventTime":
		w.local = first(w.local, v)
	case "@timestamp":
		w.shipped = first(w.shipped, v)
	case "Computer":
		if !e.Has(event.SlotDeviceHostname) {
			e.SetDeviceHostname(v)
			return
		}
		if e.DeviceHostname() == v {
			return
		}
	case "Message":
		if !e.Has(event.SlotMessage) {
			e.SetMessage(v)
			return
		}
	}
	record.Keep(e, name, v)
}

func first(have, v string) string {
	if have != "" {
		return have
	}
	return v
}

// time is the best time that the event gives. NXLog's EventTime is in the zone
// of the machine, which it does not say.
func (w *winEvent) time() time.Time {
	for _, v := range []string{w.utc, w.created, w.shipped, w.local} {
		if when := w.frame.Any(v); !when.IsZero() {
			return when
		}
	}
	return time.Time{}
}

// done gives the event its class, its log and the meaning of its fields.
func (w *winEvent) done() {
	e := w.e
	e.SetMetadataProduct("Windows")
	log := w.channel
	if strings.Contains(w.channel+w.provider, "Sysmon") {
		e.SetMetadataProduct("Sysmon")
		log = "sysmon"
	}
	e.SetMetadataLogName("windows/" + record.LogWord(strings.ReplaceAll(log, " ", "-")))
	e.SetClassUID(int64(event.BaseEvent))
	level(e, e.Extra("Level"))
	m, ok := meaningOf(e.MetadataProduct(), w.channel, w.provider, w.id)
	for _, f := range m.fields {
		take(e, f.slot, f.names)
	}
	if !ok {
		return
	}
	e.SetClassUID(int64(m.class))
	e.SetActivityName(m.activity)
	if m.status != "" {
		e.SetStatus(m.status)
	}
	if m.app != "" {
		e.SetAppName(m.app)
	}
	if m.finish != nil {
		m.finish(e)
	}
}

// take copies the first of the fields that has a value.
func take(e *event.Event, slot event.Slot, names []string) {
	for _, name := range names {
		v := e.Extra(name)
		if v == "" || v == "-" {
			continue
		}
		if slot == event.SlotSrcEndpointIP || slot == event.SlotDstEndpointIP || slot == event.SlotSrcEndpointPort || slot == event.SlotDstEndpointPort {
			v = strings.TrimPrefix(v, "::ffff:")
		}
		copied(e, slot, v)
		if e.Has(slot) {
			return
		}
	}
}

// copied sets a field from a value that is kept under its own name as well.
func copied(e *event.Event, slot event.Slot, v string) {
	switch event.KindOf(slot) {
	case event.String:
		e.SetStr(slot, v)
	case event.IP:
		e.SetIP(slot, v)
	case event.Int:
		if n, ok := record.ParseInt(v); ok && n >= 0 {
			e.SetInt(slot, n)
		}
	case event.List:
		e.SetList(slot, []string{v})
	default:
	}
}

// level maps the level of an event (winmeta.xml: 1 critical to 5 verbose).
func level(e *event.Event, v string) {
	switch strings.ToLower(v) {
	case "1", "critical":
		e.SetSeverityId(int64(event.Critical))
	case "2", "error":
		e.SetSeverityId(int64(event.High))
	case "3", "warning":
		e.SetSeverityId(int64(event.Medium))
	case "0", "4", "5", "information", "verbose":
		e.SetSeverityId(int64(event.Informational))
	}
}
