// Package it decodes the protocols of offices and of the internet.
package it

import "vedette/internal/normalize/wire/proto"

// Protocols are the protocols of this package.
func Protocols() []proto.Protocol { return nil }
