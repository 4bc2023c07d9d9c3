package store

import (
	"encoding/json"
	"unicode/utf8"

	"vedette/internal/fault"
)

// CheckChanges refuses changes that no engine can keep: without a kind or an
// id, or with a document that is not JSON.
func CheckChanges(changes []Change) error {
	for _, c := range changes {
		if c.Kind == "" || c.ID == "" || !utf8.ValidString(c.Kind) || !utf8.ValidString(c.ID) {
			return fault.New(fault.Invalid, "storing a record: kind %q and id %q must be texts that are not empty", c.Kind, c.ID)
		}
		if c.Version < AnyVersion {
			return fault.New(fault.Invalid, "storing %s %q: version %d is no version", c.Kind, c.ID, c.Version)
		}
		if c.JSON != nil && !json.Valid(c.JSON) {
			return fault.New(fault.Invalid, "storing %s %q: the document is not JSON", c.Kind, c.ID)
		}
	}
	return nil
}

// NoRecord is the fault of a record that does not exist.
func NoRecord(kind, id string) error {
	return fault.New(fault.NotFound, "there is no %s %q", kind, id)
}

// OtherVersion is the fault of a change whose version is not the stored one.
func OtherVersion(c Change, have int64) error {
	f := fault.New(fault.Conflict, "changing %s %q: it is at version %d, not %d", c.Kind, c.ID, have, c.Version).WithHint("read it again and repeat the change")
	switch {
	case c.Version == 0:
		f = fault.New(fault.Conflict, "making %s %q: it exists already", c.Kind, c.ID).WithHint("change the one there is, or choose another id")
	case have == 0:
		f = fault.New(fault.Conflict, "changing %s %q: it was deleted", c.Kind, c.ID)
	}
	return f
}
