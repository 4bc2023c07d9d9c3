package wire

import (
	"slices"

	"vedette/internal/normalize/wire/it"
	"vedette/internal/normalize/wire/ot"
	"vedette/internal/normalize/wire/proto"
)

// Protocols are all protocols that can be decoded. There is no other list.
func Protocols() []proto.Protocol {
	return slices.Concat(it.Protocols(), ot.Protocols())
}
