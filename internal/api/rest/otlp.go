package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"

	"vedette/internal/fault"
)

// maxExport is the most bytes of one OTLP export.
const maxExport = 64 << 20

// exported is the answer to an OTLP export: which records were refused, in the
// encoding of the request (OTLP 1.x, section "OTLP/HTTP Response").
type exported struct {
	json    bool
	refused int64
}

// logs takes an export of an OpenTelemetry collector into the spool.
func logs(s *server, r *http.Request) (any, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/x-protobuf" {
		return nil, fault.New(fault.Invalid, "an export of OTLP is application/x-protobuf or application/json")
	}
	in, err := unzipped(r, maxExport)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the export")
	}
	out := exported{json: kind == "application/json"}
	out.refused, err = s.TakeLogs(r.Context(), body, out.json, person(r).ID)
	return out, err
}

func (e exported) send(w http.ResponseWriter) {
	why := ""
	if e.refused > 0 {
		why = fmt.Sprintf("%d records are longer than can be taken", e.refused)
	}
	if e.json {
		out := map[string]any{}
		if e.refused > 0 {
			out["partialSuccess"] = map[string]any{"rejectedLogRecords": fmt.Sprint(e.refused), "errorMessage": why}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the client has gone if this fails
		return
	}
	var body []byte
	if e.refused > 0 {
		part := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(e.refused))
		part = protowire.AppendString(protowire.AppendTag(part, 2, protowire.BytesType), why)
		body = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), part)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(body) // the client has gone if this fails
}
