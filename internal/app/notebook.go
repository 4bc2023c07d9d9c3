package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/correlate"
	"vedette/internal/query"
)

// noteAct is what writing a note does. A query in it is run first: what is kept
// with it is what the store answered, not what somebody says that it did.
func (a *App) noteAct(ctx context.Context, d *api.IncidentDecision, uid string) (func() error, error) {
	text, err := correlate.NoteText(d.Text)
	if err != nil {
		return nil, err
	}
	d.Text, d.Query = text, strings.TrimSpace(d.Query)
	step := correlate.Note{Text: text, Query: d.Query}
	step.Zones, _ = query.Confined(ctx)
	if d.Query != "" {
		if step.Result, err = a.kept(ctx, d.Query); err != nil {
			return nil, err
		}
	}
	return func() error {
		_, err := a.desk(ctx).AddStep(uid, d.Actor, step)
		return err
	}, nil
}

// kept runs a query and returns of its answer what a note keeps.
func (a *App) kept(ctx context.Context, text string) (*correlate.Result, error) {
	now, err := a.nowOf(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	t, err := a.Query(ctx, text, now)
	if err != nil {
		return nil, err
	}
	out := &correlate.Result{At: now.UTC(), Columns: append([]string{}, t.Columns...), Rows: [][]string{}, Total: t.Total}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = keptCell(v)
		}
		out.Rows = append(out.Rows, cells)
	}
	out.Clip()
	return out, nil
}

func keptCell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(v)
}
