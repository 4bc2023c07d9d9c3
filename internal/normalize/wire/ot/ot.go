// Package ot lists the decoders of plant protocols. Each family has a package
// of its own below; none knows another. It must not decode anything itself.
package ot

import (
	"slices"

	"vedette/internal/normalize/wire/ot/bacnet"
	"vedette/internal/normalize/wire/ot/dnp3"
	"vedette/internal/normalize/wire/ot/enip"
	"vedette/internal/normalize/wire/ot/fox"
	"vedette/internal/normalize/wire/ot/goose"
	"vedette/internal/normalize/wire/ot/hart"
	"vedette/internal/normalize/wire/ot/iec104"
	"vedette/internal/normalize/wire/ot/iso"
	"vedette/internal/normalize/wire/ot/medical"
	"vedette/internal/normalize/wire/ot/modbus"
	"vedette/internal/normalize/wire/ot/opcua"
	"vedette/internal/normalize/wire/ot/plc"
	"vedette/internal/normalize/wire/ot/profinet"
	"vedette/internal/normalize/wire/ot/synchrophasor"
	"vedette/internal/normalize/wire/proto"
)

// Protocols are all protocols of plants that can be decoded.
func Protocols() []proto.Protocol {
	return slices.Concat(
		[]proto.Protocol{
			modbus.Protocol(), dnp3.Protocol(), iso.Protocol(), iec104.Protocol(), bacnet.Protocol(), enip.Protocol(), opcua.Protocol(),
			synchrophasor.Protocol(), profinet.Protocol(), fox.Protocol(), hart.Protocol(),
		},
		goose.Protocols(), plc.Protocols(), medical.Protocols(),
	)
}
