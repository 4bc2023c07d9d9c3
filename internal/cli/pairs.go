package cli

import (
	"bytes"
	"encoding/json"
	"strings"

	"vedette/internal/fault"
)

// keysOf is something by its keys, for KEY=VALUE to change.
func keysOf(c any) (map[string]any, error) {
	raw, err := json.Marshal(c)
	m := map[string]any{}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading settings")
	}
	return m, nil
}

// strictly fills into from settings, and refuses those that it has no place for,
// with a hint where they are listed.
func strictly(m map[string]any, into any, what, hint string) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing %s", what)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return useError{fault.New(fault.Invalid, "%s has no such setting: %s", what, strings.TrimPrefix(err.Error(), "json: ")).WithHint("%s", hint)}
	}
	return nil
}
