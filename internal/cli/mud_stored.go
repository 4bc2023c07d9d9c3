package cli

import (
	"context"
	"fmt"

	"vedette/internal/asset/mud"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// mudStored shows a device's flows as the store has them, as events.
func (r *root) mudStored(ctx context.Context, b backend, s mud.Subject, span string, see func(*event.Event)) error {
	now, err := r.now()
	if err != nil {
		return err
	}
	schema := event.NewSchema()
	for _, text := range mud.Stored(s.UID, "last "+span) {
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
			see(mud.RowEvent(schema, table.Columns, table.Rows[i]))
		}
	}
	return nil
}
