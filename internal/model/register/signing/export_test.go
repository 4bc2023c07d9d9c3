package signing

import (
	"crypto/ecdsa"
)

// For tests: what is not for callers.

func SignPayload(key *ecdsa.PrivateKey, payload []byte) ([]byte, error) {
	return bundleOf(key, payload)
}

func ParseStatement(payload []byte) (*Statement, error) { return parseStatement(payload) }

func (b *Bundle) Payload() []byte { return b.payload }
