package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/toolbox"
)

// What a MUD file is learnt from and tested against in the store: names first,
// then the flows that the device began and those that it answered, equal ones
// together. ^= does not ask whether there is such a value, which = does.
const (
	mudNames = "dns_activity src_endpoint.uid^=%q answers exists last %s | by query.hostname, answers count | top 10000"
	mudFlows = "%s^=%q connection_info.protocol_name exists last %s | by src_endpoint.uid, src_endpoint.ip, dst_endpoint.uid, dst_endpoint.ip, dst_endpoint.port, " +
		"connection_info.protocol_name, connection_info.state, dst_endpoint.hostname, tls.sni, http_request.url.hostname count | top 10000"
)

// mudStored shows a device's flows as the store has them, as events.
func (r *root) mudStored(ctx context.Context, b backend, s mud.Subject, span string, see func(*event.Event)) error {
	now, err := r.now()
	if err != nil {
		return err
	}
	schema := event.NewSchema()
	for _, text := range []string{
		fmt.Sprintf(mudNames, s.UID, span), fmt.Sprintf(mudFlows, "src_endpoint.uid", s.UID, span), fmt.Sprintf(mudFlows, "dst_endpoint.uid", s.UID, span),
	} {
		table, err := b.Query(ctx, text, now)
		if fault.KindOf(err) == fault.NotFound {
			continue // nothing of the kind is stored
		}
		if err != nil {
			return err
		}
		if table.Total > int64(len(table.Rows)) {
			fmt.Fprintf(r.Err, "there are %d kinds of flows; the %d most frequent were looked at\n", table.Total, len(table.Rows))
		}
		for i := range table.Rows {
			see(rowEvent(schema, table, i))
		}
	}
	return nil
}

// rowEvent puts a row of a table back into the fields that it came from.
func rowEvent(schema *event.Schema, table *toolbox.Table, row int) *event.Event {
	e := new(event.Event)
	for i, v := range table.Rows[row] {
		f, ok := schema.Lookup(table.Columns[i])
		if !ok || v == nil {
			continue
		}
		switch f.Kind {
		case event.Int:
			e.SetInt(f.Slot, intOf(v))
		case event.List:
			e.SetList(f.Slot, textsOf(v))
		case event.IP:
			e.SetIP(f.Slot, fmt.Sprint(v))
		case event.Time:
			if t, ok := v.(time.Time); ok {
				e.SetTime(f.Slot, t)
			}
		default:
			e.SetStr(f.Slot, fmt.Sprint(v))
		}
	}
	return e
}

func intOf(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case json.Number:
		n, _ := v.Int64() // a whole number, or nothing
		return n
	}
	return 0
}

// textsOf reads a list, which a grouped column may have as its JSON text.
func textsOf(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, one := range v {
			out = append(out, fmt.Sprint(one))
		}
		return out
	case string:
		var out []string
		if json.Unmarshal([]byte(v), &out) == nil {
			return out
		}
		return []string{v}
	}
	return nil
}
