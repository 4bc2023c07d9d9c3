package policy

import (
	"strings"
	"time"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
)

// binder knows which device has which MUD file: named by its uid, or learnt
// from its vendor and model or the MUD URL that it announced.
type binder struct {
	byUID   map[string]*Binding // nil: it has none
	byModel map[string]*Binding // vendor and model in lower case
	byURL   map[string]*Binding
	urls    map[string]string // uid: the URL it announced
	dns     map[string]time.Time
	full    int64
}

// maxDevices bounds what is remembered of devices.
const maxDevices = 250_000

func newBinder(cfg *Config) *binder {
	b := &binder{byUID: map[string]*Binding{}, byModel: map[string]*Binding{}, byURL: map[string]*Binding{}, urls: map[string]string{}, dns: map[string]time.Time{}}
	for i := range cfg.MUD {
		one := &cfg.MUD[i]
		switch {
		case one.File == nil:
		case one.Device != "":
			b.byUID[one.Device] = one
		case one.Vendor != "":
			b.byModel[modelKey(one.Vendor, one.Model)] = one
		default:
			b.byURL[one.url()] = one
		}
	}
	return b
}

func modelKey(vendor, model string) string {
	return strings.ToLower(vendor) + "\x00" + strings.ToLower(model)
}

func (b *binder) empty() bool { return len(b.byUID) == 0 && len(b.byModel) == 0 && len(b.byURL) == 0 }

func (b *binder) of(uid string) *Binding {
	if uid == "" {
		return nil
	}
	return b.byUID[uid]
}

// learn finds the file of the device that an event is about, once a device.
func (b *binder) learn(e *event.Event) {
	uid := e.DeviceUID()
	if uid == "" {
		return
	}
	if url := announced(e); url != "" && len(b.byURL) > 0 {
		b.announce(uid, url)
	}
	if e.QueryHostname() != "" && len(e.Answers()) > 0 && b.of(e.SrcEndpointUID()) != nil {
		if _, known := b.dns[e.SrcEndpointUID()]; !known && len(b.dns) < maxDevices {
			b.dns[strings.Clone(e.SrcEndpointUID())] = e.TimeField()
		}
	}
	vendor, model := e.Str(event.SlotDeviceVendor), e.Str(event.SlotDeviceModel)
	if vendor == "" || len(b.byModel) == 0 || b.byUID[uid] != nil {
		return
	}
	found := b.byModel[modelKey(vendor, model)]
	if found == nil {
		found = b.byModel[modelKey(vendor, "")]
	}
	if found != nil {
		b.bind(uid, found)
	}
}

// announced is the MUD URL that a device sent with DHCP, LLDP or its certificate, as
// sources name the field.
func announced(e *event.Event) string {
	for _, x := range e.Extras() {
		switch x.Name {
		case "mud_url", "mud-url", "mudurl", "mud.url":
			return x.Value
		}
	}
	return ""
}

func (b *binder) announce(uid, url string) {
	if len(b.urls) >= maxDevices || len(url) > 2048 {
		b.full++
		return
	}
	b.urls[strings.Clone(uid)] = strings.Clone(url)
	if found := b.byURL[url]; found != nil && b.byUID[uid] == nil {
		b.bind(uid, found)
	}
}

func (b *binder) bind(uid string, to *Binding) {
	if len(b.byUID) >= maxDevices {
		b.full++
		return
	}
	b.byUID[strings.Clone(uid)] = to
}

// seesNames reports whether the device's DNS answers have passed here long
// enough for an address without a name to have none.
func (b *binder) seesNames(uid string, at time.Time) bool {
	first, ok := b.dns[uid]
	return ok && at.Sub(first) >= settled
}

// peer tells what is known of the other side's own file.
func (b *binder) peer(e *event.Event, f *mud.Flow) {
	uid := e.DstEndpointUID()
	if !f.FromDevice {
		uid = e.SrcEndpointUID()
	}
	if uid == "" {
		return
	}
	f.Peer.MUDURL = b.urls[uid]
	if other := b.byUID[uid]; other != nil && f.Peer.MUDURL == "" {
		f.Peer.MUDURL = other.File.URL
	}
	f.Peer.Manufacturer = mud.Authority(f.Peer.MUDURL)
}
