package asset

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vedette/internal/asset/kind"
	"vedette/internal/fault"
)

func TestImport(t *testing.T) {
	r := newRegistry(t)
	seen := firstDevice(r, "10.0.0.2")
	report, err := r.Import(strings.NewReader("\xef\xbb\xbfAsset Name;IP-Address;MAC_Address;Device Type;Purdue Level;Criticality;Owner;Colour\n" +
		"Boiler PLC;10.0.0.2;;PLC;L1;crit;Ops;red\n" +
		"Cam East;10.0.0.3 | 10.0.0.4;00-1B-1B-00-00-01;cctv;;;;\n" +
		"\n" +
		"Bad Type;10.0.0.5;;camrea;;;;\n" +
		";;;plc;;;;\n" +
		"Too;many;;;;;;;;cells\n" +
		"Bad IP;300.1.1.1;;hmi;;;;\n" +
		"\"unclosed\" quote;10.0.0.6;;;;;;\n" +
		"Last;10.0.0.7;;historian;3;low;IT;\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := ImportReport{Rows: 8, Created: 4, Updated: 1, Rejected: 3, Ignored: []string{"Colour"}}
	if diff := cmp.Diff(want, report, cmpopts.IgnoreFields(ImportReport{}, "Problems")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	var lines []int
	for _, p := range report.Problems {
		lines = append(lines, p.Line)
	}
	if diff := cmp.Diff([]int{5, 6, 7, 8, 9}, lines); diff != "" {
		t.Errorf("lines of problems (-want +got):\n%s\n%+v", diff, report.Problems)
	}
	plc := one(t, r, "boiler plc")
	if plc.UID != seen || plc.Value(KeyType) != "plc" || plc.Value(KeyLevel) != "1" || plc.Value(KeyCriticality) != "critical" || plc.NameSource() != SourceOperator {
		t.Errorf("plc %s: %+v", plc.UID, plc.Attributes)
	}
	cam := one(t, r, siemensMAC)
	if diff := cmp.Diff([]string{"10.0.0.3", "10.0.0.4"}, cam.IPs); diff != "" || cam.Value(KeyType) != "camera" {
		t.Errorf("camera %+v %s", cam.Attributes, diff)
	}
}

func TestImportJoinsWhatTrafficKeptApart(t *testing.T) {
	r := newRegistry(t)
	r.Observe(flow(0, "10.0.0.5", "", "8.8.8.8", "", ""))
	r.Observe(lease(1, hikMAC, "10.0.0.9", "x"))
	older := one(t, r, "10.0.0.5").UID
	gone := one(t, r, hikMAC).UID
	if _, err := r.Import(strings.NewReader("name,ip,mac\npump,10.0.0.5," + hikMAC + "\n")); err != nil {
		t.Fatal(err)
	}
	d := one(t, r, "pump")
	if d.UID != older || r.Aliases()[gone] != older {
		t.Errorf("merged to %s with aliases %v, want the older %s", d.UID, r.Aliases(), older)
	}
	if got, ok := r.Get(gone); !ok || got.UID != older {
		t.Error("the old uid does not find the device")
	}
	r.Observe(flow(2, "10.0.0.5", siemensMAC, "8.8.8.8", "", "")) // somebody else claims the pinned address
	if got := one(t, r, "10.0.0.5"); got.UID != older {
		t.Errorf("the pinned address moved to %s", got.UID)
	}
}

func TestImportRefuses(t *testing.T) {
	for in, kind := range map[string]fault.Kind{
		"":                        fault.Invalid,
		"\n \n":                   fault.Invalid,
		"PK\x03\x04\x00\x00":      fault.Invalid,
		"colour,shape\nred,big\n": fault.Invalid,
	} {
		if _, err := newRegistry(t).Import(strings.NewReader(in)); err == nil || fault.KindOf(err) != kind {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestExportImportRoundTrip(t *testing.T) {
	r := newRegistry(t)
	r.Observe(lease(0, hikMAC, "10.0.0.5", "=HYPERLINK(1)"))
	r.Observe(flow(1, "10.0.0.6", "", "10.0.0.7", siemensMAC, "s7comm"))
	if err := r.Set(one(t, r, "10.0.0.6").UID, KeyOwner, "'-ops; \"a,b\""); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := r.Export(&first); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first.String(), ",=HYPER") {
		t.Errorf("a device wrote a formula into the export:\n%s", first.String())
	}
	report, err := r.Import(bytes.NewReader(first.Bytes()))
	if err != nil || report.Created != 0 || len(report.Problems) != 0 {
		t.Fatalf("importing the export: %+v, %v", report, err)
	}
	if err := r.Export(&second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Errorf("export, import, export (-first +second):\n%s", diff)
	}
}

func TestTypes(t *testing.T) {
	for in, want := range map[string]string{
		"PLC": "plc", "Programmable_Logic  Controllers": "plc", "IP cameras": "camera", "human-machine interface": "hmi",
		"thermostats": "building controller", "infusion pump": "medical device", "switches": "switch", "NAS": "storage", "HVAC": "building controller", "": "", "failed": "",
	} {
		if got, _ := kind.Canonical(in); got != want {
			t.Errorf("kind.Canonical(%q) = %q, want %q", in, got, want)
		}
	}
	seen := make(map[string]string)
	for _, typ := range kind.Types() {
		for _, w := range append([]string{typ.Name}, typ.Synonyms...) {
			if other, ok := seen[w]; ok {
				t.Errorf("%q names both %s and %s", w, other, typ.Name)
			}
			seen[w] = typ.Name
		}
	}
	for _, role := range roleOf {
		if role.typ != "" {
			if name, ok := kind.Canonical(role.typ); !ok || name != role.typ {
				t.Errorf("role %s gives the unknown type %q", role.name, role.typ)
			}
		}
		if protocolOf(role.name) == 0 {
			t.Errorf("protocol %q does not read back", role.name)
		}
	}
}

// FuzzImport: no input panics or stalls; whatever is accepted can be exported
// and read again without a problem or a new device.
func FuzzImport(f *testing.F) {
	f.Add([]byte("name,ip,mac,type\nplc 1,10.0.0.1,00:1b:1b:00:00:01,plc\n"))
	f.Add([]byte("Asset Name;IP\n\"a;10.0.0.1\n"))
	f.Add([]byte("ip\n=1+1\n'=x\n10.0.0.1|10.0.0.2\n"))
	f.Add([]byte("uid\tname\ndev-1\t'=a\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := New(Config{MaxDevices: 1000}, nil, clock)
		report, err := r.Import(bytes.NewReader(in))
		if err != nil {
			return
		}
		if report.Created+report.Updated+report.Rejected != report.Rows {
			t.Fatalf("rows do not add up: %+v", report)
		}
		var out bytes.Buffer
		if err := r.Export(&out); err != nil {
			t.Fatal(err)
		}
		devices := r.Stats().Devices
		again, err := r.Import(&out)
		if err != nil || again.Created != 0 || r.Stats().Devices != devices || len(again.Problems) != 0 {
			t.Fatalf("reading the export: %+v, %v", again, err)
		}
	})
}
