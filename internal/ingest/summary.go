package ingest

import (
	"slices"
	"time"
)

// Summary is what a person is told about an ingest: totals and each source.
type Summary struct {
	Read         int            `json:"read"`       // records
	Stored       int            `json:"stored"`     // events that were new
	Duplicates   int            `json:"duplicates"` // events that were stored before
	Rejected     int            `json:"rejected"`
	Sources      []SourceResult `json:"sources"`
	Devices      int            `json:"devices"`
	Findings     int            `json:"findings"`  // that are new: ours, and alerts of other tools
	Incidents    int            `json:"incidents"` // that these findings opened or joined
	IncidentUIDs []string       `json:"incident_uids,omitempty"`
	Seconds      float64        `json:"seconds"`

	// TooOld is how many of the records that were taken in since the last maintenance
	// lie before KeptFrom, from when on retention keeps events: the next one drops them.
	TooOld   int        `json:"too_old,omitempty"`
	KeptFrom *time.Time `json:"kept_from,omitempty"`

	EventsPerSecond float64 `json:"events_per_second"`
}

// SourceResult is what became of one source.
type SourceResult struct {
	Path       string   `json:"path"`
	Format     string   `json:"format"`
	Read       int      `json:"read"`
	Stored     int      `json:"stored"`
	Duplicates int      `json:"duplicates"`
	Rejected   int      `json:"rejected"`
	Reasons    []Reason `json:"reasons"`
}

// Add counts a source's report in, with how many of its events were new.
func (s *Summary) Add(rep Report, stored, duplicates int) {
	reasons := rep.Reasons
	if reasons == nil {
		reasons = []Reason{}
	}
	s.Sources = append(s.Sources, SourceResult{rep.Path, rep.Format, rep.Read, stored, duplicates, rep.Rejected, reasons})
	s.Read += rep.Read
	s.Stored += stored
	s.Duplicates += duplicates
	s.Rejected += rep.Rejected
}

// Judged counts findings and the incidents they belong to.
func (s *Summary) Judged(findings int, incidents []string) {
	s.Findings += findings
	for _, uid := range incidents {
		if !slices.Contains(s.IncidentUIDs, uid) {
			s.IncidentUIDs = append(s.IncidentUIDs, uid)
		}
	}
	s.Incidents = len(s.IncidentUIDs)
}

// Done sets the rates once all sources are read.
func (s *Summary) Done(seconds float64) {
	s.Seconds = seconds
	if seconds > 0 {
		s.EventsPerSecond = float64(s.Stored) / seconds
	}
	if s.Sources == nil {
		s.Sources = []SourceResult{}
	}
}
