package normalize_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"vedette/internal/event"
)

// TestSharedWindows reads recorded attacks, flat and as nested objects: nothing
// is refused or lost, every event has a machine and an id, and the events of a
// few ids have the class that their id means.
func TestSharedWindows(t *testing.T) {
	want := map[string]event.Class{
		"4624": event.Authentication, "4634": event.Authentication, "4688": event.ProcessActivity, "5156": event.NetworkActivity,
		"sysmon1": event.ProcessActivity, "sysmon3": event.NetworkActivity, "sysmon11": event.FileActivity, "sysmon22": event.DNSActivity,
	}
	for archive, suffix := range map[string]string{"detect/otrf-attack-logs.zip": ".jsonl", "detect/sigma-regression.zip": ".json"} {
		names, content := zipped(t, archive, suffix)
		events := 0
		for _, name := range names {
			all, refused := readShared(t, name, onLines(t, content[name]))
			for _, r := range refused {
				t.Error(r)
			}
			for _, o := range all {
				events++
				id := o.event.MetadataEventCode()
				if o.event.MetadataProduct() == "Sysmon" {
					id = "sysmon" + id
				}
				if class, known := want[id]; known && o.event.ClassUID() != int64(class) {
					t.Errorf("%s is of class %d", id, o.event.ClassUID())
				}
				if id == "" || o.event.DeviceHostname() == "" || o.event.MetadataClockSuspect() && o.event.TimeField().Before(clock) {
					t.Errorf("%s: id %q of %q at %v", name, id, o.event.DeviceHostname(), o.event.TimeField())
				}
			}
		}
		t.Logf("%s: %d events of %d files", archive, events, len(names))
		if events < 100 {
			t.Errorf("only %d events in %s", events, archive)
		}
	}
}

// onLines puts each JSON value on a line, as package ingest cuts them.
func onLines(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		var one json.RawMessage
		if err := dec.Decode(&one); err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&out, one); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}
