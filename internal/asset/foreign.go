package asset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"vedette/internal/fault"
)

// maxEntries is how many objects of a JSON export are read.
const maxEntries = 1_000_000

// named is what NetBox writes for a reference or a choice: an object with a
// name, a label or a value; older versions write the word alone.
type named struct{ text string }

// UnmarshalJSON implements [json.Unmarshaler].
func (n *named) UnmarshalJSON(b []byte) error {
	var o struct {
		Name, Display, Label, Address string
		Value                         any
	}
	if json.Unmarshal(b, &n.text) == nil {
		return nil
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return nil //nolint:nilerr // a number or a list says nothing to us
	}
	value, _ := o.Value.(string)
	for _, s := range []string{o.Address, o.Name, o.Label, value, o.Display} {
		if n.text == "" {
			n.text = s
		}
	}
	return nil
}

// netBoxEntry is a device, an address or an interface of NetBox's REST API (its
// models dcim.device, ipam.ipaddress and dcim.interface).
type netBoxEntry struct {
	Name       string `json:"name"`
	Serial     string `json:"serial"`
	DeviceType struct {
		Model        string `json:"model"`
		Manufacturer named  `json:"manufacturer"`
	} `json:"device_type"`
	Role       named `json:"role"`
	DeviceRole named `json:"device_role"` // before version 4
	Site       named `json:"site"`
	Location   named `json:"location"`
	Tenant     named `json:"tenant"`
	IP         named `json:"primary_ip"`
	IP4        named `json:"primary_ip4"`
	IP6        named `json:"primary_ip6"`

	Address  string `json:"address"`
	DNSName  string `json:"dns_name"`
	Assigned struct {
		Device named  `json:"device"`
		MAC    string `json:"mac_address"`
	} `json:"assigned_object"`

	Device named  `json:"device"`
	MAC    string `json:"mac_address"`

	Custom map[string]any `json:"custom_fields"`
}

// netBoxColumns are the columns that an entry becomes.
var netBoxColumns = []string{"name", "ip", "mac", "type", "vendor", "model", "serial", "location", "owner", "zone", "level", "criticality", "firmware"}

// row is the entry by netBoxColumns.
func (e *netBoxEntry) row() []string {
	name := e.Name
	for _, s := range []string{e.Device.text, e.Assigned.Device.text} {
		if s != "" {
			name = s // an interface and an address are those of their device
		}
	}
	if name == "" {
		name = e.DNSName
	}
	addresses := make([]string, 0, 4)
	for _, s := range []string{e.Address, e.IP4.text, e.IP6.text, e.IP.text} {
		if ip, _, _ := strings.Cut(s, "/"); ip != "" {
			addresses = append(addresses, ip)
		}
	}
	return []string{
		name, strings.Join(addresses, " "), firstOf(e.MAC, e.Assigned.MAC), firstOf(e.Role.text, e.DeviceRole.text, e.custom(KeyType)),
		e.DeviceType.Manufacturer.text, e.DeviceType.Model, e.Serial, firstOf(e.Location.text, e.Site.text), firstOf(e.custom(KeyOwner), e.Tenant.text),
		e.custom(KeyZone), e.custom(KeyLevel), e.custom(KeyCriticality), e.custom(KeyFirmware),
	}
}

// custom finds a custom field by what its name means as a column.
func (e *netBoxEntry) custom(key Key) string {
	found, at := "", ""
	for name, v := range e.Custom {
		if v == nil || columnOf(name) != key || at != "" && name > at { // the first by name
			continue
		}
		var text named
		if b, err := json.Marshal(v); err == nil && json.Unmarshal(b, &text) == nil && text.text == "" {
			text.text = strings.Trim(fmt.Sprint(v), "[]")
		}
		found, at = text.text, name
	}
	return found
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// isJSON tells whether an inventory is JSON rather than a table.
func isJSON(buf *bufio.Reader) bool {
	head, _ := buf.Peek(512)
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(head[1:], " \t\r\n"), []byte("{")))
}

// netBoxTable makes a table of an export of NetBox: a page of its API, or the
// list alone.
func netBoxTable(in io.Reader) (*bufio.Reader, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(netBoxColumns) // into memory
	dec := json.NewDecoder(in)
	if err := seekList(dec); err != nil {
		return nil, err
	}
	for n := 0; dec.More(); n++ {
		if n == maxEntries {
			return nil, fault.New(fault.Limited, "reading the inventory: more than %d entries", maxEntries).WithHint("split the file")
		}
		var e netBoxEntry
		err := dec.Decode(&e)
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
			return nil, fault.Wrap(fault.Invalid, err, "reading entry %d of the inventory", n+1)
		}
		_ = w.Write(e.row())
	}
	if _, err := dec.Token(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the inventory: it breaks off")
	}
	w.Flush()
	return bufio.NewReader(&out), nil
}

// seekList goes to the first entry: of the list, or of "results" in an object.
func seekList(dec *json.Decoder) error {
	first, err := dec.Token()
	if err == nil && first == json.Delim('[') {
		return nil
	}
	for err == nil && dec.More() {
		var key json.Token
		if key, err = dec.Token(); err != nil {
			break
		}
		if key == "results" {
			if t, terr := dec.Token(); terr == nil && t == json.Delim('[') {
				return nil
			}
			break
		}
		var skipped json.RawMessage
		err = dec.Decode(&skipped)
	}
	return fault.New(fault.Invalid, "reading the inventory: it is JSON without a list of devices").
		WithHint("export /api/dcim/devices/ or /api/ipam/ip-addresses/ of NetBox, or a table as CSV")
}

// synonyms are what asset tools for OT call their columns, besides the usual
// spellings of [columnOf].
var synonyms = map[string]Key{
	"asset id": columnIgnored, "ip s": columnIP, "ip address es": columnIP, "ip addresses s": columnIP, "primary ip": columnIP, "ipv4 addresses": columnIP,
	"ipv6 addresses": columnIP, "device ip address": columnIP, "network address": columnIP, "internal ip": columnIP, "asset ip": columnIP,
	"mac s": columnMAC, "mac address es": columnMAC, "device mac address": columnMAC, "primary mac": columnMAC, "asset mac": columnMAC, "nic mac": columnMAC,
	"display name": KeyName, "asset tag": KeyName, "node name": KeyName, "station name": KeyName, "netbios name": KeyName, "dns name": KeyName, "fqdn": KeyName,
	"equipment name": KeyName, "tag name": KeyName, "equipment tag": KeyName,
	"device category": KeyType, "asset class": KeyType, "asset category": KeyType, "device class": KeyType, "equipment type": KeyType, "node type": KeyType,
	"device function":     KeyType,
	"device manufacturer": KeyVendor, "asset vendor": KeyVendor, "vendor name": KeyVendor, "manufacturer name": KeyVendor, "supplier": KeyVendor, "hersteller": KeyVendor,
	"model name": KeyModel, "hardware model": KeyModel, "asset model": KeyModel, "device product": KeyModel, "mlfb": KeyModel, "catalog number": KeyModel,
	"article number": KeyModel, "order code": KeyModel, "typ": KeyType, "modell": KeyModel,
	"firmware revision": KeyFirmware, "fw revision": KeyFirmware, "firmware ver": KeyFirmware, "device firmware": KeyFirmware, "current firmware": KeyFirmware,
	"serial num": KeySerial, "serialnumber": KeySerial, "serial nr": KeySerial, "device serial": KeySerial, "device serial number": KeySerial, "seriennummer": KeySerial,
	"site": KeyLocation, "site name": KeyLocation, "plant": KeyLocation, "facility": KeyLocation, "physical location": KeyLocation, "cabinet": KeyLocation,
	"standort": KeyLocation, "line": KeyLocation, "production line": KeyLocation,
	"zone name": KeyZone, "virtual zone": KeyZone, "iec 62443 zone": KeyZone, "62443 zone": KeyZone, "subnet name": KeyZone, "network segment": KeyZone, "cell area": KeyZone,
	"cell area zone": KeyZone, "area zone": KeyZone,
	"purdue layer": KeyLevel, "purdue model level": KeyLevel, "network layer": KeyLevel, "layer": KeyLevel, "isa95 level": KeyLevel, "purdue model": KeyLevel,
	"device criticality": KeyCriticality, "criticality level": KeyCriticality, "asset importance": KeyCriticality, "device importance": KeyCriticality,
	"business impact": KeyCriticality, "business value": KeyCriticality, "crown jewel": columnIgnored, "kritikalität": KeyCriticality,
	"owner name": KeyOwner, "device owner": KeyOwner, "asset responsible": KeyOwner, "responsible person": KeyOwner, "custodian": KeyOwner, "business owner": KeyOwner,
	"business unit": KeyOwner, "eigentümer": KeyOwner,
}

// synonymOf finds a header as [columnOf] has cleaned it.
func synonymOf(header string) Key { return synonyms[header] }
