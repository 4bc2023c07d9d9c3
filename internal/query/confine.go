package query

import (
	"context"
	"slices"

	"vedette/internal/event"
)

// confinedKey is what zones stand under in a context.
type confinedKey struct{}

// Confine returns a context in which engines answer of devices in these zones
// alone: they put that below every query, whatever it asks for, so that nobody who
// writes a query has to think of it. An event is seen if it concerns such a device
// and no device of another zone, see [DeviceSlots]. Of a context that is confined
// already only the common zones are left, which may be none.
func Confine(ctx context.Context, zones []string) context.Context {
	own := slices.Sorted(slices.Values(zones))
	own = slices.Compact(own)
	if before, ok := Confined(ctx); ok {
		own = slices.DeleteFunc(own, func(z string) bool { return !slices.Contains(before, z) })
	}
	return context.WithValue(ctx, confinedKey{}, own)
}

// Confined returns the zones that a context is confined to, in order; false: it is
// not confined.
func Confined(ctx context.Context) (zones []string, ok bool) {
	zones, ok = ctx.Value(confinedKey{}).([]string)
	return zones, ok
}

// Sees reports whether a device of a zone may be seen in a context.
func Sees(ctx context.Context, zone string) bool {
	zones, ok := Confined(ctx)
	return !ok || slices.Contains(zones, zone)
}

// Unconfined returns a context that is not confined, for what is worked out once
// for everybody and kept; what is then shown of it has to be narrowed by hand.
func Unconfined(ctx context.Context) context.Context {
	if _, ok := Confined(ctx); !ok {
		return ctx
	}
	return context.WithValue(ctx, confinedKey{}, nil)
}

// DeviceSlots are the fields of an event that name a device of the inventory. Who
// is confined to zones sees an event if one of them is set and none names a device
// outside of the zones.
func DeviceSlots() [3]event.Slot {
	return [...]event.Slot{event.SlotDeviceUID, event.SlotSrcEndpointUID, event.SlotDstEndpointUID}
}
