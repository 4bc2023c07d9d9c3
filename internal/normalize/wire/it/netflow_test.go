package it

import (
	"os"
	"testing"

	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

// TestNetFlowOnTheWire shows what an exporter sent in one datagram: the ends of
// the events are those of the flows, the device is the exporter.
func TestNetFlowOnTheWire(t *testing.T) {
	data, err := os.ReadFile("../../testdata/netflow/v5.nf")
	if err != nil {
		t.Fatal(err)
	}
	data = data[:len(data)/2] // one of the two messages
	if probeNetFlow(data, proto.Client, true) == 0 || probeNetFlow(data, proto.Client, false) != 0 || probeNetFlow(data[:50], proto.Client, true) != 0 {
		t.Error("probed wrongly")
	}
	out, err := prototest.Run(newNetFlow(prototest.Flow("udp", 2055)), false, prototest.Say{Side: proto.Client, Data: data})
	if err != nil || len(out.Events) != 2 {
		t.Fatalf("%d events, %v", len(out.Events), err)
	}
	e := out.Events[0]
	if e.SrcEndpointIP() != "192.0.2.7" || e.DstEndpointIP() != "198.51.100.20" || e.DeviceIP() != "192.0.2.10" || e.TrafficBytes() != 3400 || e.AppName() != "" || e.TimeField().Unix() != 1747735190 {
		t.Errorf("%s", e.AppendJSON(nil))
	}
}
