package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
)

// TestFindingRoundTrip: a finding survives its way through an event, and the
// event says what queries need.
func TestFindingRoundTrip(t *testing.T) {
	src := new(event.Event)
	src.SetTimeField(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	src.SetMetadataUID("u1")
	src.SetDeviceUID("d1")
	src.SetSrcEndpointIP("10.0.0.1")
	src.SetDstEndpointIP("10.0.0.2")
	src.SetDstEndpointPort(502)
	f := event.NewFinding("rule-1", src)
	f.Title, f.Family, f.Severity, f.Techniques = "PLC stopped", event.FamilySigma, event.High, []string{"T0858"}
	f.Reasons = []event.Reason{{Feature: "function", Observed: "STOP", Usual: "never", Weight: 1}}
	f.Entities = []event.Observable{{Type: "user", Value: "a\x00b"}}
	e, err := f.Event()
	if err != nil {
		t.Fatal(err)
	}
	if e.MetadataUID() != f.UID || e.SeverityId() != int64(event.High) || e.DstEndpointPort() != 502 || e.FindingInfoUID() != "rule-1" {
		t.Errorf("event %s", e.AppendJSON(nil))
	}
	if want := "PLC stopped: function: STOP (usual: never)"; e.Message() != want {
		t.Errorf("message %q, want %q", e.Message(), want)
	}
	got, ok := event.FindingOf(e)
	if diff := cmp.Diff(f, got); !ok || diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// TestForgedFinding: a log line that claims to be our finding is not believed,
// since nobody can choose the uid that the line itself is hashed into.
func TestForgedFinding(t *testing.T) {
	e := new(event.Event)
	e.SetClassUID(int64(event.DetectionFinding))
	e.SetMetadataProduct(event.FindingProduct)
	raw := `{"uid":"0000","title":"all is well"}`
	e.SetRawField(raw)
	e.SetMetadataUID(event.UID("src", 0, []byte(raw)))
	if _, ok := event.FindingOf(e); ok {
		t.Error("a forged finding was believed")
	}
}

// TestForeignAlert: an alert of another tool becomes a finding of its words.
func TestForeignAlert(t *testing.T) {
	e := new(event.Event)
	e.SetClassUID(int64(event.DetectionFinding))
	e.SetMetadataProduct("suricata")
	e.SetMetadataUID("u9")
	e.SetFindingInfoTitle("ET SCAN")
	e.SetCountField(3)
	f, ok := event.FindingOf(e)
	if !ok || f.UID != "u9" || f.Rule != "ET SCAN" || f.Family != event.FamilySource || f.Count != 3 || f.Severity != event.Informational {
		t.Errorf("%v %+v", ok, f)
	}
}
