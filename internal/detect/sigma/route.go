package sigma

import (
	"slices"
	"strconv"
	"strings"

	"vedette/internal/detect/sigma/pattern"

	"vedette/internal/event"
)

// routeKey is a place that routing looks at.
type routeKey uint8

const (
	keyClass routeKey = iota
	keyProduct
	keyLog
	keyCode
	keyApp
	keyICS
	keyChannel
	numKeys
)

// routeKeys are the words of the mapping.
var routeKeys = map[string]routeKey{
	"class": keyClass, "product": keyProduct, "log": keyLog, "code": keyCode, "app": keyApp, "ics": keyICS, "channel": keyChannel,
}

// route is what routing sees of an event.
type route struct {
	class                                int64
	product, log, code, app, ot, channel string
}

func routeOf(e *event.Event) route {
	r := route{
		class: e.ClassUID(), product: e.MetadataProduct(), log: e.MetadataLogName(), code: e.MetadataEventCode(),
		app: e.AppName(), ot: e.ICSProtocol(),
	}
	if r.product == "Windows" {
		r.channel = e.Extra("Channel")
	}
	return r
}

// folded are the values of a route as checks compare them.
func (r *route) folded() [numKeys]string {
	return [numKeys]string{strconv.FormatInt(r.class, 10), pattern.Fold(r.product), pattern.Fold(r.log), pattern.Fold(r.code), pattern.Fold(r.app), pattern.Fold(r.ot), pattern.Fold(r.channel)}
}

func (r route) clone() route {
	return route{
		r.class, strings.Clone(r.product), strings.Clone(r.log), strings.Clone(r.code),
		strings.Clone(r.app), strings.Clone(r.ot), strings.Clone(r.channel),
	}
}

// maxRoutes bounds how many kinds of events a scratch remembers the groups of.
// Texts of an event code may be made up, so it begins anew when it is full.
const maxRoutes = 4096

// maxRouteText bounds the texts that are remembered.
const maxRouteText = 256

// groupsOf returns the groups of rules that an event is shown to.
func (s *Set) groupsOf(e *event.Event, sc *Scratch) []int32 {
	r := routeOf(e)
	if groups, ok := sc.routes[r]; ok {
		return groups
	}
	keys := r.folded()
	var groups []int32
	for i := range s.groups {
		if s.groups[i].takes(&keys) {
			groups = append(groups, int32(i))
		}
	}
	if len(r.product)+len(r.log)+len(r.code)+len(r.app)+len(r.ot)+len(r.channel) > maxRouteText {
		return groups
	}
	if len(sc.routes) >= maxRoutes {
		clear(sc.routes)
	}
	sc.routes[r.clone()] = groups
	return groups
}

// takes reports whether all clauses of the group hold.
func (g *group) takes(keys *[numKeys]string) bool {
	for _, any := range g.when {
		if !slices.ContainsFunc(any, func(all []check) bool {
			return !slices.ContainsFunc(all, func(c check) bool { return !c.holds(keys) })
		}) {
			return false
		}
	}
	return true
}

func (c *check) holds(keys *[numKeys]string) bool {
	v := keys[c.key]
	return slices.ContainsFunc(c.values, func(p string) bool { return fits(p, v) })
}
