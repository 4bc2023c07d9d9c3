package web

import (
	"bytes"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// W3C is the extended log file format (W3C working draft WD-logfile-960323) as
// IIS and others write it: "#Fields:" names the columns, and may come again in
// mid-file. Its times are in UTC.
func W3C() record.Dialect {
	return record.Dialect{
		Name: "w3c",
		Detect: func(head []byte, _ string) int {
			for _, line := range bytes.SplitN(head, []byte("\n"), 10) {
				if bytes.HasPrefix(line, []byte("#Fields: ")) {
					return 95
				}
				if len(line) > 0 && line[0] != '#' {
					return 0
				}
			}
			return 0
		},
		New: func(src record.Source) record.Parser { return &w3c{src: src, software: "W3C log"} },
	}
}

type w3c struct {
	src      record.Source
	e        event.Event
	software string
	date     string // of the #Date header, for rows without one
	local    bool   // times are in the zone of the machine, as the Windows firewall says of its own
	fields   []string
}

// The bounds of what a header may ask for.
const (
	maxColumns    = 200
	maxColumnName = 128
)

// w3cFields are the columns by name: c is the client, s the server, cs what the
// client sent, sc what the server answered.
var w3cFields = map[string]event.Slot{
	"c-ip": event.SlotSrcEndpointIP, "c-port": event.SlotSrcEndpointPort, "s-ip": event.SlotDstEndpointIP, "s-port": event.SlotDstEndpointPort, "s-computername": event.SlotDeviceHostname,
	"cs-username": event.SlotUserName, "cs-method": event.SlotHTTPRequestHTTPMethod, "cs-host": event.SlotHTTPRequestURLHostname, "cs-version": event.SlotHTTPRequestVersion,
	"cs(User-Agent)": event.SlotHTTPRequestUserAgent, "cs(Referer)": event.SlotHTTPRequestReferrer, "sc-status": event.SlotHTTPResponseCode,
	"sc-bytes": event.SlotTrafficBytesIn, "cs-bytes": event.SlotTrafficBytesOut, "cs(Host)": event.SlotHTTPRequestURLHostname,
	"src-ip": event.SlotSrcEndpointIP, "dst-ip": event.SlotDstEndpointIP, "src-port": event.SlotSrcEndpointPort, "dst-port": event.SlotDstEndpointPort, "protocol": event.SlotConnectionInfoProtocolName,
}

// Parse implements [record.Parser].
func (p *w3c) Parse(rec record.Record, emit func(*event.Event)) error {
	line := record.Text(p.src.Keep(rec.Raw))
	if strings.HasPrefix(line, "#") {
		return p.header(line)
	}
	if p.fields == nil {
		return fault.New(fault.Invalid, "a line before any #Fields header")
	}
	if strings.Count(line, " ") >= maxColumns {
		return fault.New(fault.Limited, "more than %d columns", maxColumns)
	}
	cells := strings.Fields(line)
	if len(cells) < len(p.fields) {
		return fault.New(fault.Invalid, "%d columns where the header names %d", len(cells), len(p.fields))
	}
	e := &p.e
	e.Reset()
	date, clock := p.date, ""
	query := ""
	for i, v := range cells {
		name := "col" + strconv.Itoa(i+1)
		if i < len(p.fields) {
			name = p.fields[i]
		}
		switch {
		case v == "-":
		case name == "date":
			date = v
		case name == "time":
			clock = v
		case name == "cs-uri-stem":
			e.SetHTTPRequestURLPath(v)
		case name == "cs-uri-query":
			query = v
		case strings.HasPrefix(name, "cs(") && name != "cs(Cookie)": // + stands for a space
			record.Put(e, w3cFields, name, strings.ReplaceAll(v, "+", " "))
		default:
			record.Put(e, w3cFields, name, v)
		}
	}
	p.meaning(query)
	frame := p.src.Frame()
	if !p.local {
		frame.Loc = nil
	}
	when := frame.Any(date + " " + clock)
	if when.IsZero() {
		record.Keep(e, "date", date)
		record.Keep(e, "time", clock)
	}
	record.Finish(e, &p.src, rec, line, 0, when)
	emit(e)
	return nil
}

// meaning is a request, or a line of the Windows firewall.
func (p *w3c) meaning(query string) {
	e := &p.e
	e.SetMetadataProduct(p.software)
	if action := e.Extra("action"); action != "" && e.Has(event.SlotSrcEndpointIP) && !e.Has(event.SlotHTTPRequestHTTPMethod) {
		e.SetMetadataLogName("windows/firewall")
		e.SetClassUID(int64(event.NetworkActivity))
		e.SetActivityName("Traffic")
		switch action {
		case "DROP", "DROP-ICMP":
			e.SetDisposition("Blocked")
			e.SetStatus(event.Failure)
		case "ALLOW":
			e.SetDisposition("Allowed")
		}
		return
	}
	e.SetMetadataLogName("web/access")
	e.SetClassUID(int64(event.HTTPActivity))
	e.SetAppName("http")
	e.SetActivityName(e.HTTPRequestHTTPMethod())
	e.SetHTTPRequestVersion(strings.TrimPrefix(e.HTTPRequestVersion(), "HTTP/"))
	if query != "" {
		e.SetHTTPRequestURLPath(e.HTTPRequestURLPath() + "?" + query)
	}
	if e.Has(event.SlotHTTPResponseCode) {
		status(e, strconv.FormatInt(e.HTTPResponseCode(), 10))
	}
	if ms, err := strconv.ParseFloat(e.Extra("time-taken"), 64); err == nil && ms >= 0 {
		e.SetDuration(ms / 1000) // IIS counts milliseconds
	}
	record.AddTraffic(e)
}

func (p *w3c) header(line string) error {
	key, v, _ := strings.Cut(line, ":")
	v = strings.TrimSpace(v)
	switch key {
	case "#Fields":
		p.fields = nil
		if strings.Count(v, " ") >= maxColumns {
			return fault.New(fault.Limited, "a header of more than %d columns", maxColumns)
		}
		fields := strings.Fields(v)
		for _, f := range fields {
			if len(f) > maxColumnName {
				return fault.New(fault.Limited, "a column name longer than %d bytes", maxColumnName)
			}
		}
		p.fields = fields
	case "#Software":
		p.software = v[:min(len(v), maxColumnName)]
		p.software = record.Text(p.software)
		if p.software == "" {
			p.software = "W3C log"
		}
	case "#Date":
		p.date, _, _ = strings.Cut(v, " ")
	case "#Time Format":
		p.local = v == "Local"
	}
	return nil
}
