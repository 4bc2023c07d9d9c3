package asset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const netBoxDevices = `{"count":2,"next":null,"results":[
 {"id":1,"name":"plc-3","device_type":{"id":7,"manufacturer":{"id":1,"name":"Siemens"},"model":"S7-315"},"role":{"name":"PLC","slug":"plc"},"serial":"S 7/77",
  "site":{"name":"Plant A"},"location":{"name":"Hall 2"},"tenant":{"name":"Ops"},"primary_ip":{"address":"10.0.0.2/24"},"primary_ip4":{"address":"10.0.0.2/24"},
  "status":{"value":"active","label":"Active"},"custom_fields":{"purdue_level":1,"criticality":"high","zone":{"value":"cell 1","label":"cell 1"},"other":null}},
 {"id":2,"name":null,"device_role":{"name":"hmi"},"primary_ip6":{"address":"2001:db8::3/64"}},
 {"id":3,"name":5}]}`

// TestImportNetBox takes over devices, and then the addresses of one of them.
func TestImportNetBox(t *testing.T) {
	r := newRegistry(t)
	report, err := r.Import(strings.NewReader(netBoxDevices))
	if err != nil {
		t.Fatal(err)
	}
	want := ImportReport{Rows: 3, Created: 2, Rejected: 1}
	if diff := cmp.Diff(want, report, cmpopts.IgnoreFields(ImportReport{}, "Problems")); diff != "" {
		t.Errorf("report (-want +got):\n%s%v", diff, report.Problems)
	}
	d := firstFound(t, r, "plc-3")
	for key, value := range map[Key]string{KeyVendor: "Siemens", KeyModel: "S7-315", KeyType: "plc", KeySerial: "S 7/77", KeyLocation: "Hall 2", KeyOwner: "Ops", KeyLevel: "1", KeyZone: "cell 1", KeyCriticality: "high"} {
		if got := d.Attributes[key].Value; got != value {
			t.Errorf("%s is %q, not %q", key, got, value)
		}
	}
	report, err = r.Import(strings.NewReader(`[{"address":"10.0.0.9/24","dns_name":"x.example","assigned_object":{"name":"eth1","device":{"name":"plc-3"},"mac_address":"00:1B:1B:00:00:07"}}]`))
	if err != nil || report.Updated != 1 || firstFound(t, r, "10.0.0.9").UID != d.UID {
		t.Errorf("%+v, %v", report, err)
	}
	for _, bad := range []string{`{"a":1}`, `{"results":5}`, `{"results":[{"name":"x"`, `[{]`} {
		if _, err := r.Import(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func firstFound(t *testing.T, r *Registry, text string) Device {
	t.Helper()
	found := r.Find(text)
	if len(found) != 1 {
		t.Fatalf("%d devices are called %s", len(found), text)
	}
	return found[0]
}

// TestColumnsOfAssetTools reads headers as exports of OT asset tools have them.
func TestColumnsOfAssetTools(t *testing.T) {
	for header, want := range map[string][]Key{
		"Asset Name,IP,MAC,Vendor,Model,Firmware Version,Serial Number,Asset Type,Purdue Level,Criticality,Site,Virtual Zone,OS Build":                        {KeyName, columnIP, columnMAC, KeyVendor, KeyModel, KeyFirmware, KeySerial, KeyType, KeyLevel, KeyCriticality, KeyLocation, KeyZone, columnIgnored},
		"name,level,ip,mac_address,zone,type,vendor,product_name,firmware_version,serial_number,last_activity_time":                                           {KeyName, KeyLevel, columnIP, columnMAC, KeyZone, KeyType, KeyVendor, KeyModel, KeyFirmware, KeySerial, columnIgnored},
		"Device name,IP Address(es),MAC Address(es),Device Manufacturer,Hardware Model,FW Revision,Serial No.,Device Category,Purdue Layer,Device Importance": {KeyName, columnIP, columnMAC, KeyVendor, KeyModel, KeyFirmware, KeySerial, KeyType, KeyLevel, KeyCriticality},
	} {
		var got []Key
		for h := range strings.SplitSeq(header, ",") {
			got = append(got, columnOf(h))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", header, diff)
		}
	}
}

// FuzzImportJSON holds that each row of an inventory that is read to its end
// made a device, changed one or was rejected.
func FuzzImportJSON(f *testing.F) {
	f.Add(netBoxDevices)
	f.Add(`[{"address":"10.0.0.9/24","assigned_object":{"device":"plc-3"}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		rep, err := newRegistry(t).Import(strings.NewReader(text))
		if err == nil && rep.Rows != rep.Created+rep.Updated+rep.Rejected {
			t.Errorf("%+v", rep)
		}
	})
}
