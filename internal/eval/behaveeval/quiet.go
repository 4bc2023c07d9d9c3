package behaveeval

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"vedette/internal/detect/behave"
	"vedette/internal/event"
)

// SlipsReport counts what is told of captures and logs of attacks, and of
// captures and logs in which nothing happens. There is no development part.
type SlipsReport struct {
	Attacks []SlipsCase `json:"attacks"`
	Raised  int         `json:"attacks_with_findings"`
	Quiet   []SlipsCase `json:"quiet"` // those with findings; the others are only counted
	Silent  int         `json:"quiet_without_findings"`
	// QuietSeverities counts the findings of the quiet side.
	QuietSeverities map[string]int `json:"quiet_by_severity"`
	QuietEvents     int            `json:"quiet_events"`
	Unreadable      []string       `json:"unreadable,omitempty"`
}

// SlipsCase is one capture, or the logs of one folder, shown to a detector
// that knows nothing.
type SlipsCase struct {
	Name     string         `json:"name"`
	Events   int            `json:"events"`
	Findings map[string]int `json:"findings"` // rule and severity -> number
}

// Slips runs the count.
func Slips(ctx context.Context, shared string) (*SlipsReport, error) {
	rep := &SlipsReport{QuietSeverities: map[string]int{}}
	attacks, err := zipped(shared, "net/slips-traffic.zip", traffic)
	if err != nil {
		return nil, err
	}
	for _, group := range grouped(attacks) {
		c, err := caseOf(ctx, group)
		if err != nil {
			rep.Unreadable = append(rep.Unreadable, group[0].name)
			continue
		}
		if len(c.Findings) > 0 {
			rep.Raised++
		}
		rep.Attacks = append(rep.Attacks, c)
	}
	for _, set := range []string{"net/iot23-benign-devices-zeek.zip", "net/ics-pcaps.zip"} {
		files, err := zipped(shared, set, traffic)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			rep.quiet(ctx, f)
		}
	}
	return rep, nil
}

func (rep *SlipsReport) quiet(ctx context.Context, f source) {
	c, err := caseOf(ctx, []source{f})
	if err != nil {
		rep.Unreadable = append(rep.Unreadable, f.name)
		return
	}
	rep.QuietEvents += c.Events
	if len(c.Findings) == 0 {
		rep.Silent++
		return
	}
	for rule, n := range c.Findings {
		_, severity, _ := strings.Cut(rule, " ")
		rep.QuietSeverities[severity] += n
	}
	rep.Quiet = append(rep.Quiet, c)
}

// traffic are the files that are records of traffic.
func traffic(name string) bool {
	return slices.Contains([]string{".log", ".pcap", ".pcapng", ".cap", ".binetflow"}, path.Ext(name))
}

// grouped puts the logs of one folder together; a file at the top stands alone.
func grouped(files []source) [][]source {
	var out [][]source
	for _, f := range files {
		dir := path.Dir(f.name)
		if n := len(out); n > 0 && dir != "." && path.Dir(out[n-1][0].name) == dir {
			out[n-1] = append(out[n-1], f)
			continue
		}
		out = append(out, []source{f})
	}
	return out
}

func caseOf(ctx context.Context, files []source) (SlipsCase, error) {
	c := SlipsCase{Name: files[0].name, Findings: map[string]int{}}
	if len(files) > 1 {
		c.Name = path.Dir(files[0].name)
	}
	es, err := events(ctx, files...)
	if err != nil {
		return c, err
	}
	byTime(es)
	c.Events = len(es)
	registry, d := newRegistry(), behave.New(behave.Config{})
	raise := func(f event.Finding) { c.Findings[f.Rule+" "+f.Severity.String()]++ }
	for _, e := range es {
		show(e, registry, d, raise, true)
	}
	d.Tick(time.Time{}, true, raise)
	return c, nil
}
