package correlateeval

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/asset"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/normalize"
)

const (
	excytinFile = "bench/excytin-incidents.zip"
	eveFile     = "net/suricata-eve.jsonl.gz"
	maxFile     = 64 << 20
)

// Excytin reads the alerts of ExCyTIn-Bench with the incident of each.
func Excytin(dir string) ([]Labelled, error) {
	z, err := zip.OpenReader(filepath.Join(dir, filepath.FromSlash(excytinFile)))
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening %s", excytinFile).WithHint("put the public test data into the folder")
	}
	defer z.Close() //nolint:errcheck // only read
	incidents, err := lines(z, "incidents.jsonl")
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, raw := range incidents {
		var in struct{ IncidentNumber, AlertIds string }
		var ids []string
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading an incident of %s", excytinFile)
		}
		if err := json.Unmarshal([]byte(in.AlertIds), &ids); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the alerts of incident %s", in.IncidentNumber)
		}
		for _, id := range ids {
			of[id] = in.IncidentNumber
		}
	}
	alerts, err := lines(z, "alerts.jsonl")
	if err != nil {
		return nil, err
	}
	var out []Labelled
	for _, raw := range alerts {
		a, err := defender(raw)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading an alert of %s", excytinFile)
		}
		if a.Incident = of[a.Finding.UID]; a.Incident != "" {
			out = append(out, a)
		}
	}
	return out, nil
}

func lines(z *zip.ReadCloser, name string) ([][]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "opening %s in %s", name, excytinFile)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading %s in %s", name, excytinFile)
	}
	var out [][]byte
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	return out, nil
}

// named is an entity of an alert.
type named struct {
	Type, HostName, MdatpDeviceID, Name, AadUserID, Address, URL, Directory, CommandLine string
	FileHashes                                                                           []struct{ Algorithm, Value string }
}

// UnmarshalJSON reads entities, of which some are references only.
func (n *named) UnmarshalJSON(raw []byte) error {
	type plain struct {
		Type, HostName, Name, Address, Directory, CommandLine string
		Mdatp                                                 string `json:"MdatpDeviceId"`
		User                                                  string `json:"AadUserId"`
		URL                                                   string `json:"Url"`
		FileHashes                                            []struct{ Algorithm, Value string }
	}
	var p plain
	err := json.Unmarshal(raw, &p)
	*n = named{p.Type, p.HostName, p.Mdatp, p.Name, p.User, p.Address, p.URL, p.Directory, p.CommandLine, p.FileHashes}
	return err
}

// defender makes a finding of an alert of Microsoft's: the first host is the
// device, a second one the other end, what the alert itself names are entities.
// What only hangs on these, such as the image of a process, is left out.
func defender(raw []byte) (Labelled, error) {
	var a struct {
		SystemAlertID string `json:"SystemAlertId"`
		AlertName, AlertSeverity, AlertType, StartTime, EndTime,
		Techniques, SubTechniques, Entities string
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return Labelled{}, err
	}
	f := event.Finding{UID: a.SystemAlertID, Rule: a.AlertType + "/" + a.AlertName, Title: a.AlertName, Family: event.FamilySource, Count: 1}
	f.Severity = map[string]event.Severity{"Low": event.Low, "Medium": event.Medium, "High": event.High}[a.AlertSeverity]
	f.Severity = max(f.Severity, event.Informational)
	f.First, f.Time = moment(a.StartTime), moment(a.EndTime)
	if f.Time.Before(f.First) {
		f.Time = f.First
	}
	_ = json.Unmarshal([]byte(a.Techniques), &f.Techniques) // there may be none
	var entities []named
	if a.Entities != "" {
		if err := json.Unmarshal([]byte(a.Entities), &entities); err != nil {
			return Labelled{}, err
		}
	}
	out := Labelled{}
	for _, e := range entities {
		out.meet(&f, e)
	}
	out.Finding = f
	return out, nil
}

// meet adds an entity to the finding.
func (l *Labelled) meet(f *event.Finding, e named) {
	add := func(kind, value string) {
		if o := (event.Observable{Type: kind, Value: value}); value != "" && !slices.Contains(f.Entities, o) {
			f.Entities = append(f.Entities, o)
		}
	}
	switch e.Type {
	case "host":
		host := strings.ToLower(e.HostName)
		l.Hosts = append(l.Hosts, host)
		switch {
		case f.Device == "":
			f.Device = host
		case f.Dst.UID == "" && host != f.Device:
			f.Dst.UID = host
		default:
			add("hostname", host)
		}
	case "account":
		if e.AadUserID != "" {
			add("user", e.AadUserID)
		} else {
			add("user", strings.ToLower(e.Name))
		}
	case "ip":
		add("ip", e.Address)
	case "url":
		add("url", strings.TrimSuffix(strings.TrimPrefix(e.URL, "http://"), "/"))
	case "process":
		add("process", e.CommandLine)
	case "file":
		add("file", strings.ToLower(e.Directory+`\`+e.Name))
		for _, h := range e.FileHashes {
			if h.Algorithm == "SHA256" {
				add("hash", h.Value)
			}
		}
	}
}

func moment(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999999-07:00", s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// EVE reads the alerts of the recorded Suricata log the way the product does.
func EVE(dir string) ([]event.Finding, error) {
	var formats []ingest.Format
	for _, d := range normalize.Dialects() {
		formats = append(formats, ingest.Format{Name: d.Name, Detect: d.Detect, Cut: d.Cut, Open: func(o ingest.Origin) ingest.Reading {
			p := d.New(normalize.Source{ID: o.ID, Name: o.Name, Modified: o.Modified, Now: o.Now})
			return ingest.Reading{Record: func(raw []byte, offset int64, emit func(*event.Event)) error {
				return p.Parse(normalize.Record{Raw: raw, Offset: offset}, emit)
			}}
		}})
	}
	devices := asset.New(asset.Config{}, nil, time.Now)
	var out []event.Finding
	_, err := ingest.NewReader(formats, time.Now).File(context.Background(), filepath.Join(dir, filepath.FromSlash(eveFile)), "", func(e *event.Event) error {
		devices.Observe(e)
		if f, ok := event.FindingOf(e); ok {
			f.Title, f.Rule = strings.Clone(f.Title), strings.Clone(f.Rule)
			f.UID = strings.Clone(f.UID)
			for i := range f.Techniques {
				f.Techniques[i] = strings.Clone(f.Techniques[i])
			}
			out = append(out, f)
		}
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "reading %s", eveFile).WithHint("put the public test data into the folder")
	}
	return out, nil
}
