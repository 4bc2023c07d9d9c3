package share

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // G505: UUIDv5 is defined with SHA-1; nothing is secured by it
	"encoding/hex"
	"encoding/json"

	"vedette/internal/fault"
)

// UUID is one of RFC 9562.
type UUID [16]byte

// NewUUID draws one.
func NewUUID() UUID {
	var u UUID
	_, _ = rand.Read(u[:]) // it never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

// String returns the usual form, with hyphens.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// MarshalText writes the usual form.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads the usual form.
func (u *UUID) UnmarshalText(text []byte) error {
	var v UUID
	plain := make([]byte, 0, 32)
	for _, c := range text {
		if c != '-' {
			plain = append(plain, c)
		}
	}
	if len(text) != 36 || len(plain) != 32 {
		return fault.New(fault.Invalid, "%.40q is no UUID", text)
	}
	if _, err := hex.Decode(v[:], plain); err != nil {
		return fault.New(fault.Invalid, "%.40q is no UUID", text)
	}
	*u = v
	return nil
}

// Of is the UUID (version 5) of a name in a namespace.
func (u UUID) Of(name string) UUID {
	sum := sha1.Sum(append(u[:], name...)) //nolint:gosec // G401: as above
	var v UUID
	copy(v[:], sum[:])
	v[6], v[8] = v[6]&0x0f|0x50, v[8]&0x3f|0x80
	return v
}

// observableSpace is the namespace of STIX 2.1 for ids of observables (§2.9).
func observableSpace() UUID {
	return UUID{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}
}

// observableID is the id of an observable: of its type and of what STIX says that
// it is told by, so that everyone gives it the same.
func observableID(kind string, by map[string]any) string {
	text, err := json.Marshal(by)
	if err != nil { // texts and maps of them can be written
		return ""
	}
	return kind + "--" + observableSpace().Of(string(text)).String()
}
