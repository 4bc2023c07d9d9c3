// Package ocsf reads events of the Open Cybersecurity Schema Framework, version
// 1.x, as JSON: one object an event, of any class.
//
// It must not know any product that writes them.
package ocsf

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// JSON is OCSF as JSON.
func JSON() record.Dialect {
	return record.Dialect{
		Name: "ocsf", Detect: detect,
		New: func(src record.Source) record.Parser { return &parser{src: src, frame: src.Frame(), paths: newPaths()} },
	}
}

// detect asks the first object for the class and one more of the attributes
// that every class requires.
func detect(head []byte, _ string) int {
	for n, line := range bytes.SplitN(head, []byte("\n"), 20) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if n > 10 || line[0] != '{' || !bytes.Contains(line, []byte(`"class_uid"`)) {
			return 0
		}
		for _, key := range []string{`"category_uid"`, `"type_uid"`, `"activity_id"`, `"severity_id"`} {
			if bytes.Contains(line, []byte(key)) {
				return 97
			}
		}
		return 0
	}
	return 0
}

// handler takes a value that is more than a field of its own.
type handler func(p *parser, leaf *jsonleaf.Leaf) bool

// path is what an attribute means; it is kept with its key.
type path struct {
	slot   event.Slot
	handle handler
}

type parser struct {
	src    record.Source
	frame  moment.Frame
	paths  map[string]path
	scan   jsonleaf.Scanner
	e      event.Event
	when   time.Time
	class  int64
	named  bool   // the record has a class
	status string // by its number
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	raw := p.src.Keep(rec.Raw)
	leaves, err := p.scan.Read(raw)
	if err != nil {
		return err
	}
	p.e.Reset()
	p.when, p.class, p.named, p.status = time.Time{}, 0, false, ""
	for i := range leaves {
		p.leaf(&leaves[i])
	}
	if !p.named {
		return fault.New(fault.Invalid, "no class_uid")
	}
	p.meaning()
	record.Finish(&p.e, &p.src, rec, record.Text(raw), 0, p.when)
	emit(&p.e)
	return nil
}

// leaf puts one attribute in. What has no field stays under its own path.
func (p *parser) leaf(leaf *jsonleaf.Leaf) {
	if leaf.Value == "" {
		return
	}
	name := leaf.Key.Name
	known, ok := leaf.Key.Means.(path)
	if !ok {
		if known, ok = p.paths[name]; !ok {
			known = pattern(name)
		}
		leaf.Key.Means = known
	}
	switch {
	case known.handle != nil && known.handle(p, leaf):
	case known.handle != nil, known.slot == record.NoSlot, p.e.Has(known.slot):
		record.Keep(&p.e, name, leaf.Value)
	case leaf.List != nil:
		record.SetList(&p.e, known.slot, name, leaf.List)
	default:
		v := leaf.Value
		switch known.slot {
		case event.SlotConnectionInfoProtocolName, event.SlotAppName:
			v = record.Lower(v)
		case event.SlotSrcEndpointMAC, event.SlotDstEndpointMAC, event.SlotDeviceMAC:
			v = record.MAC(v)
		default:
		}
		record.Set(&p.e, known.slot, name, v)
	}
}

// pattern is the meaning of attributes in lists of objects.
func pattern(name string) path {
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case strings.HasPrefix(name, "answers.") && last == "rdata":
		return path{handle: appendTo(event.SlotAnswers)}
	case strings.Contains(name, "attacks.") && (strings.HasSuffix(name, "technique.uid") || strings.HasSuffix(name, "sub_technique.uid")):
		return path{handle: appendTo(event.SlotFindingInfoTechniques)}
	case strings.HasPrefix(name, "file.hashes.") && last == "value":
		return path{handle: hash}
	}
	return path{slot: record.NoSlot}
}

const maxMembers = 256

func appendTo(slot event.Slot) handler {
	return func(p *parser, leaf *jsonleaf.Leaf) bool {
		all := p.e.List(slot)
		for _, v := range leaf.Members() {
			if !slices.Contains(all, v) && len(all) < maxMembers {
				all = append(all, v)
			}
		}
		p.e.SetList(slot, all)
		return len(all) < maxMembers
	}
}

// hash puts a hash in by its length.
func hash(p *parser, leaf *jsonleaf.Leaf) bool {
	slot := event.SlotFileSha256
	switch len(leaf.Value) {
	case 32:
		slot = event.SlotFileMd5
	case 40:
		slot = event.SlotFileSha1
	case 64:
	default:
		return false
	}
	if p.e.Has(slot) {
		return false
	}
	p.e.SetStr(slot, leaf.Value)
	return true
}

func setTime(p *parser, leaf *jsonleaf.Leaf) bool {
	if !p.when.IsZero() {
		return false
	}
	if ms, err := strconv.ParseInt(leaf.Value, 10, 64); err == nil && leaf.Key.Name == "time" {
		if ms > 0 && ms < 1<<43 {
			p.when = time.UnixMilli(ms).UTC()
		}
	} else {
		p.when = p.frame.Any(leaf.Value)
	}
	return !p.when.IsZero()
}

func setClass(p *parser, leaf *jsonleaf.Leaf) bool {
	n, err := strconv.ParseInt(leaf.Value, 10, 32)
	if err != nil || n < 0 || p.named {
		return false
	}
	p.class, p.named = n, true
	return true
}

// setSeverity takes the numbers that mean a severity: 0 is unknown, 99 another.
func setSeverity(p *parser, leaf *jsonleaf.Leaf) bool {
	n, err := strconv.ParseInt(leaf.Value, 10, 64)
	if err != nil || n < int64(event.Informational) || n > int64(event.Fatal) {
		return false
	}
	p.e.SetSeverityId(n)
	return true
}

// setDuration takes milliseconds.
func setDuration(p *parser, leaf *jsonleaf.Leaf) bool {
	ms, err := strconv.ParseFloat(leaf.Value, 64)
	if err != nil {
		return false
	}
	p.e.SetDuration(ms / 1000)
	return false // the source's own number is kept too
}

// setStatus notes the number, for where there is no word.
func setStatus(p *parser, leaf *jsonleaf.Leaf) bool {
	switch leaf.Value {
	case "1":
		p.status = event.Success
	case "2":
		p.status = event.Failure
	}
	return false
}

// identity are the fields that say what a device is.
var identity = [...]event.Slot{
	event.SlotIdentityVendor, event.SlotIdentityModel, event.SlotIdentityOs, event.SlotIdentitySerial, event.SlotIdentityType, event.SlotIdentityName,
}

func (p *parser) meaning() {
	e := &p.e
	e.SetClassUID(p.class)
	if !e.Has(event.SlotStatus) {
		e.SetStatus(p.status)
	}
	for _, slot := range identity {
		if e.Has(slot) {
			e.SetIdentitySource("ocsf")
		}
	}
	name := event.Class(p.class).String()
	if name == "unknown_class" {
		if name = record.LogWord(strings.ReplaceAll(e.Extra("class_name"), " ", "_")); name == "other" {
			name = strconv.FormatInt(p.class, 10)
		}
	}
	e.SetMetadataLogName("ocsf/" + name)
	if !e.Has(event.SlotMetadataProduct) {
		e.SetMetadataProduct("OCSF")
	}
	record.AddTraffic(e)
}
