package suricata

import (
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// eveRole says what is special about the values of a key.
type eveRole uint8

const (
	rolePlain eveRole = iota
	roleType
	roleTime
	roleAppProto
	roleSeverity
	roleAction
	roleAnswer
	roleService
	roleTechnique
)

// eveKey is what a key of EVE means, whatever the event type.
type eveKey struct {
	slot event.Slot // record.NoSlot: it is kept under its own name
	role eveRole
	mqtt string // the type of the message, where the key tells it
}

func newEVEKey(name string) *eveKey {
	k := &eveKey{slot: record.NoSlot, role: roleOf(name)}
	if slot, ok := eveKeys[name]; ok {
		k.slot = slot
	}
	if kind, ok := strings.CutPrefix(name, "mqtt."); ok {
		k.mqtt, _, _ = strings.Cut(kind, ".") // the type is the key of the message's object
	}
	return k
}

func roleOf(name string) eveRole {
	switch name {
	case "event_type":
		return roleType
	case "timestamp":
		return roleTime
	case "app_proto":
		return roleAppProto
	case "alert.severity":
		return roleSeverity
	case "alert.action":
		return roleAction
	case "enip.request.cip.service":
		return roleService
	}
	switch {
	case isAnswer(name):
		return roleAnswer
	case strings.HasPrefix(name, "alert.metadata.mitre_technique_id"):
		return roleTechnique
	}
	return rolePlain
}

// isAnswer finds the answers of DNS: "dns.answers.0.rdata", "dns.grouped.A".
func isAnswer(key string) bool {
	rest, ok := strings.CutPrefix(key, "dns.answers.")
	if ok {
		n, ok := strings.CutSuffix(rest, ".rdata")
		return ok && !strings.Contains(n, ".")
	}
	return strings.HasPrefix(key, "dns.grouped.") && strings.Count(key, ".") == 2
}

// unknownKind is the type of an event that names none.
const unknownKind = "unknown"

// eveKind is what an event type means.
type eveKind struct {
	logName string
	class   event.Class
	app     string
}

func newEVEKind(kind string) eveKind {
	t := eveTypes[kind]
	return eveKind{logName: "suricata/" + record.LogWord(kind), class: t.class, app: t.app}
}
