package it

import (
	"vedette/internal/event"
	"vedette/internal/normalize/netflow"
	"vedette/internal/normalize/wire/proto"
)

// flows decodes NetFlow and IPFIX on their way from an exporter. The ends of an
// event are those of the flow that is told, its device is the exporter, and its
// time the begin of the flow.
type flows struct {
	f       *proto.Flow
	decoder netflow.Decoder
}

func newNetFlow(f *proto.Flow) proto.Decoder { return &flows{f: f} }

func probeNetFlow(data []byte, s proto.Side, onPort bool) int {
	if onPort && s == proto.Client && netflow.Is(data) {
		return 90
	}
	return 0
}

// Decode implements [proto.Decoder].
func (d *flows) Decode(p proto.Payload, out proto.Out) (int, error) {
	if p.Side != proto.Client || len(p.Data) == 0 {
		return len(p.Data), nil
	}
	// One whose templates are not known yet is passed over: they are sent again.
	_ = d.decoder.Message(p.Data, func(told netflow.Flow) {
		e := out.New(event.NetworkActivity)
		e.Reset()
		told.Fill(e)
		e.SetTimeField(told.Start())
		e.SetMetadataProduct(told.Format)
		e.SetMetadataLogName("netflow/flow")
		if d.f.Client.IsValid() {
			e.SetDeviceIP(d.f.Client.Addr().String())
		}
		out.Emit(e, told.Raw)
	})
	return len(p.Data), nil
}
