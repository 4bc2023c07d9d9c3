package app

import (
	"context"

	"vedette/internal/console"
	"vedette/internal/fault"
)

// OpenIncidents implements [console.Incidents].
func (a *App) OpenIncidents(context.Context, int) ([]console.Incident, error) {
	return []console.Incident{}, nil
}

// IncidentDetail implements [console.Incidents].
func (a *App) IncidentDetail(_ context.Context, uid string) (console.IncidentDetail, error) {
	return console.IncidentDetail{}, fault.New(fault.NotFound, "there is no incident %q", uid)
}
