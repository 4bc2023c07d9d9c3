package console

import (
	"context"
	"net/http"
	"time"
)

// Incident is one incident in short.
type Incident struct {
	UID        string    `json:"uid"`
	Title      string    `json:"title"`
	Severity   string    `json:"severity"`
	Status     string    `json:"status"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Devices    []string  `json:"devices"` // names
	Techniques []string  `json:"techniques"`
	Findings   int       `json:"findings"`
}

// IncidentDetail is all that the page shows of an incident. Stages are the
// ATT&CK tactics in the order of an attack; Joined says why its findings
// belong together.
type IncidentDetail struct {
	Incident
	Score    string    `json:"score"`
	Stages   []string  `json:"stages"`
	Timeline []Moment  `json:"timeline"`
	Joined   []string  `json:"joined"`
	Similar  []Similar `json:"similar"`
}

// Moment is one finding, or several equal ones, in a timeline.
type Moment struct {
	Time     time.Time `json:"time"`
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Count    int       `json:"count"`
	Reasons  []string  `json:"reasons"`
}

// Similar is an earlier incident that this one is like, and how.
type Similar struct {
	UID   string `json:"uid"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

// Incidents shows what findings add up to.
type Incidents interface {
	// OpenIncidents returns at most n open incidents, the gravest first.
	OpenIncidents(ctx context.Context, n int) ([]Incident, error)
	IncidentDetail(ctx context.Context, uid string) (IncidentDetail, error)
}

// shownIncidents is how many incidents the page lists.
const shownIncidents = 8

func (c *console) incident(w http.ResponseWriter, r *http.Request) {
	d, err := c.service.IncidentDetail(r.Context(), r.PathValue("uid"))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, d)
}
