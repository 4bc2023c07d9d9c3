package asset

import "vedette/internal/event"

// facts are the attributes of the three devices of an event that judgement
// reads there, so that no rule has to look a device up. An engine does not
// store them: a query takes them from the device table, as best known when it
// is asked.
var facts = [3][]fact{
	factsOf(event.SlotDeviceName, event.SlotDeviceType, event.SlotDeviceVendor, event.SlotDeviceModel, event.SlotDeviceFirmware,
		event.SlotDeviceZone, event.SlotDeviceLevel, event.SlotDeviceCriticality, event.SlotDeviceState),
	factsOf(event.SlotSrcEndpointName, event.SlotSrcEndpointType, event.SlotSrcEndpointVendor, event.SlotSrcEndpointZone,
		event.SlotSrcEndpointLevel, event.SlotSrcEndpointCriticality),
	factsOf(event.SlotDstEndpointName, event.SlotDstEndpointType, event.SlotDstEndpointVendor, event.SlotDstEndpointZone,
		event.SlotDstEndpointLevel, event.SlotDstEndpointCriticality),
}

// fact is an attribute, by its place in allKeys, and where it goes.
type fact struct {
	key  int
	slot event.Slot
}

// factsOf finds the attributes by the last part of the fields' names.
func factsOf(slots ...event.Slot) []fact {
	out := make([]fact, len(slots))
	for i, s := range slots {
		name := event.FieldOf(s).Name
		for j := len(name) - 1; j >= 0; j-- {
			if name[j] == '.' {
				name = name[j+1:]
				break
			}
		}
		out[i] = fact{keyIndex(Key(name)), s}
	}
	return out
}

// tell writes what is known of a device into the event.
func (n *node) tell(e *event.Event, side int) {
	for _, f := range facts[side] {
		if i := n.chosen[f.key]; i > 0 {
			e.SetStr(f.slot, n.evidence[i-1].Value)
		}
	}
}
