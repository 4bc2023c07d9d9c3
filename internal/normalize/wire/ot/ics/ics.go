// Package ics is what the decoders of plant protocols share: reading bounded
// bytes, cutting a stream into messages, remembering requests, and the shape
// of their events. It knows no protocol and must not do I/O.
package ics

import (
	"net/netip"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// Kind says which half of an exchange a message is.
type Kind uint8

// The kinds. Other is a message that nobody asked for and nobody answers.
const (
	Request Kind = iota
	Response
	Other
)

// New begins the event of one message.
func New(out proto.Out, protocol string, kind Kind, function string) *event.Event {
	e := out.New(event.NetworkActivity)
	e.SetICSProtocol(protocol)
	switch kind {
	case Request:
		e.SetActivityName("Request")
	case Response:
		e.SetActivityName("Response")
	case Other:
		e.SetActivityName("Traffic")
	}
	e.SetICSFunction(function)
	return e
}

// Good marks a message as an answer without error.
func Good(e *event.Event) {
	e.SetICSResponse("ok")
	e.SetStatus(event.Success)
}

// Bad marks a message as an answer with the error why.
func Bad(e *event.Event, why string) {
	e.SetICSResponse(why)
	e.SetStatus(event.Failure)
	e.SetStatusDetail(why)
}

// Odd marks a message that could not be read to its end.
func Odd(e *event.Event) {
	e.SetStatus(event.Failure)
	e.SetStatusDetail("malformed message")
}

// Claim is what a device says about itself.
type Claim struct {
	Source                          string // how it said it: "modbus device identification", ...
	Vendor, Model, Firmware, Serial string
	Name, Type, Location, OS        string
	IP                              string // where the claim itself names its address; else the sender's is taken
}

// empty reports that a claim claims nothing.
func (c Claim) empty() bool {
	return c.Vendor == "" && c.Model == "" && c.Firmware == "" && c.Serial == "" && c.Name == "" && c.Type == "" && c.Location == "" && c.OS == ""
}

// Tell emits what the device at one side of the flow claims, unless that is
// nothing. The core passes on only the first of equal claims.
func Tell(out proto.Out, f *proto.Flow, side proto.Side, claim Claim, raw []byte) {
	if claim.empty() {
		return
	}
	e := out.New(event.DeviceInventoryInfo)
	e.SetActivityName("Log")
	switch addr := Address(f, side); {
	case claim.IP != "":
		e.SetDeviceIP(claim.IP)
		if f.Transport == "ethernet" {
			e.SetDeviceMAC(MAC(f, side))
		}
	case addr.IsValid():
		e.SetDeviceIP(addr.String())
	default:
		e.SetDeviceMAC(MAC(f, side))
	}
	e.SetIdentitySource(claim.Source)
	e.SetIdentityVendor(claim.Vendor)
	e.SetIdentityModel(claim.Model)
	e.SetIdentityFirmware(claim.Firmware)
	e.SetIdentitySerial(claim.Serial)
	e.SetIdentityName(claim.Name)
	e.SetIdentityType(claim.Type)
	e.SetIdentityLocation(claim.Location)
	e.SetIdentityOs(claim.OS)
	out.Emit(e, raw)
}

// Address is the address of one side of a flow; invalid without IP.
func Address(f *proto.Flow, side proto.Side) netip.Addr {
	if side == proto.Client {
		return f.Client.Addr()
	}
	return f.Server.Addr()
}

// MAC is the hardware address of one side of a flow.
func MAC(f *proto.Flow, side proto.Side) string {
	if side == proto.Client {
		return f.ClientMAC
	}
	return f.ServerMAC
}

// shownOfSecret is how many bytes are kept of a message that holds a password:
// its head alone. A short BACnet password begins as early as the ninth byte of
// its APDU.
const shownOfSecret = 4

// Safe is what may be kept of a message: its beginning, if the event says that
// a password was given in it.
func Safe(e *event.Event, raw []byte) []byte {
	if e.Extra("password") == "" {
		return raw
	}
	return raw[:min(len(raw), shownOfSecret)]
}
