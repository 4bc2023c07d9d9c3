package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/ingest"
)

// toldName is the file beside the spool that has what senders told once, such
// as the templates of flows: it leaves the spool long before they tell it again.
const toldName = "told"

// The bounds of that file: it is not written more often, whatever senders do, and
// not read if it is larger.
const (
	toldEvery = 5 * time.Second
	maxTold   = 64 << 20
)

// toldPayload is a payload with its bytes.
type toldPayload struct {
	ingest.Payload
	Raw []byte `json:"raw"`
}

// remember writes down what senders told, if that has changed, and now if it is the
// end. Nothing waits for it: what cannot be written is told again some time.
func (l *Live) remember(end bool) {
	if !end && time.Since(l.written) < toldEvery {
		return
	}
	payloads, version := l.parse.Learnt()
	if version == l.learnt {
		return
	}
	l.written = time.Now()
	list := make([]toldPayload, len(payloads))
	for i, p := range payloads {
		list[i] = toldPayload{p, p.Data}
	}
	raw, err := json.Marshal(list)
	if err == nil {
		err = flow.ReplaceFile(filepath.Join(l.app.cfg.Dir, spoolName, toldName), raw)
	}
	if err != nil {
		l.app.cfg.Log.Error("what senders told cannot be written down", "component", "ingest", "err", err)
		return
	}
	l.learnt = version
}

// recall reads it.
func recall(parse *ingest.Live, dir string) error {
	path := filepath.Join(dir, toldName)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && info.Size() > maxTold {
		err = fault.New(fault.Limited, "%s is larger than %d MiB", path, maxTold>>20)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path) //nolint:gosec // G304: in the data directory
	}
	var list []toldPayload
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading what senders told")
	}
	payloads := make([]ingest.Payload, len(list))
	for i, p := range list {
		payloads[i] = p.Payload
		payloads[i].Data = p.Raw
	}
	parse.Learn(context.Background(), payloads)
	return nil
}
