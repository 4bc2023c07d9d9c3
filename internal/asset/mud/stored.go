package mud

import (
	"encoding/json"
	"fmt"
	"time"

	"vedette/internal/event"
)

// What a MUD file is learnt from and tested against in the store: names first,
// then the flows that the device began and those that it answered, equal ones
// together. ^= does not ask whether there is such a value, which = does.
const (
	storedNames = "dns_activity src_endpoint.uid^=%q answers exists %s | by query.hostname, answers count | top 10000"
	storedFlows = "%s^=%q connection_info.protocol_name exists %s | by src_endpoint.uid, src_endpoint.ip, dst_endpoint.uid, dst_endpoint.ip, dst_endpoint.port, " +
		"connection_info.protocol_name, connection_info.state, dst_endpoint.hostname, tls.sni, http_request.url.hostname count | top 10000"
)

// Stored lists the queries whose rows, by [RowEvent], are what is stored of a
// device: names first. when is the time of a query, such as "last 30d".
func Stored(uid, when string) []string {
	return []string{
		fmt.Sprintf(storedNames, uid, when), fmt.Sprintf(storedFlows, "src_endpoint.uid", uid, when), fmt.Sprintf(storedFlows, "dst_endpoint.uid", uid, when),
	}
}

// RowEvent puts a row of a table back into the fields that it came from.
func RowEvent(schema *event.Schema, columns []string, row []any) *event.Event {
	e := new(event.Event)
	for i, v := range row {
		f, ok := schema.Lookup(columns[i])
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
