package copilot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/store/memory"
)

// plant stores logins and writes of two days: one source fails three times,
// gets in and writes; another only fails.
func plant(t *testing.T) *memory.Events {
	t.Helper()
	s := memory.New()
	var batch []*event.Event
	add := func(ago time.Duration, class event.Class, src string, set func(*event.Event)) {
		e := &event.Event{}
		e.SetMetadataUID(fmt.Sprintf("u%02d", len(batch)))
		e.SetClassUID(int64(class))
		e.SetTimeField(now.Add(-ago))
		e.SetSrcEndpointIP(src)
		set(e)
		batch = append(batch, e)
	}
	login := func(ago time.Duration, src, status string) {
		add(ago, event.Authentication, src, func(e *event.Event) {
			e.SetMetadataLogName("syslog/sshd")
			e.SetActivityName("Logon")
			e.SetUserName("root")
			e.SetStatus(status)
		})
	}
	for i := range 3 {
		login(time.Hour+time.Duration(i)*time.Second, "10.0.0.1", event.Failure)
	}
	login(59*time.Minute, "10.0.0.1", event.Success)
	add(58*time.Minute, event.NetworkActivity, "10.0.0.1", func(e *event.Event) {
		e.SetMetadataLogName("zeek/modbus_detailed")
		e.SetICSProtocol("modbus")
		e.SetICSFunction("WRITE_SINGLE_REGISTER")
		e.SetICSWrite(true)
	})
	login(30*time.Minute, "10.0.0.2", event.Failure)
	login(26*time.Hour, "10.0.0.2", event.Failure)
	login(27*time.Hour, "10.0.0.2", event.Failure)
	if _, err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheWholeLanguageIsAnswered(t *testing.T) {
	c := product(t, plant(t))
	for question, want := range map[string]string{
		"a failed login followed by a wombat within 5 minutes":                                    "I did not understand: a wombat",
		"a failed login followed by a configuration write within 5 minutes":                       "10.0.0.1: 3 times up to 2026-03-10 11:00:00 UTC, then at 2026-03-10 11:02:00 UTC [verified]",
		"failed logins followed by a successful login within 5 seconds":                           "no such sequence is stored: none where the second followed within 5s [verified]",
		"how many times was a successful login preceded by a failed login within 5 minutes?":      "1 sequence where the second followed within 5m [verified]",
		"failed logins not followed by a successful login within 1 hour in the last 7 days":       "2 sequences where the second did not follow within 1h [verified]",
		"which sources had more failed logins than the day before?":                               "10.0.0.1: count 3, count before 0, difference of count 3",
		"which sources had fewer failed logins than the day before?":                              "10.0.0.2: count 1, count before 2, difference of count -1, change of count -50 % [verified]",
		"compare the number of failed logins with the previous day":                               "count: 4; count before: 2; difference of count: 2; change of count: 100 % [verified]",
		"failure rate of logins per source":                                                       "10.0.0.1: part 3, whole 4, share 75 % [verified]",
		"what share of logins does each source make up?":                                          "10.0.0.1: count 4, share 57.14 % [verified]",
		"did any source fail to log in and then write within 10 minutes?":                         "1 sequence where",
		"which users failed to log in and then logged in successfully within 10 minutes?":         "root: 1 [verified]",
		"failed logins followed by a successful login within 10 minutes by the same user at noon": "",
	} {
		a := ask(t, c, question, "")
		if got := said(a); !strings.Contains(got, want) || strings.Contains(got, "[unsupported]") {
			t.Errorf("%q: %s\nread as %s\nwant %s", question, got, a.ReadAs, want)
		}
	}
}

func TestChartsDrawTheEvidence(t *testing.T) {
	c := product(t, plant(t))
	line := ask(t, c, "failed logins per hour", "").Chart
	if line == nil || line.Kind != "line" || line.Y != "count" || line.Width != 3600 || line.Evidence != "E1" {
		t.Errorf("trend: %+v", line)
	}
	beside := ask(t, c, "failed logins per hour in the last 24 hours compared with the previous day", "").Chart
	if beside == nil || beside.Before != "E2" || beside.Shift != 86400 {
		t.Errorf("two periods: %+v", beside)
	}
	bars := ask(t, c, "failed logins per source", "").Chart
	if bars == nil || bars.Kind != "bars" || strings.Join(bars.X, " ") != "src_endpoint.ip" {
		t.Errorf("ranking: %+v", bars)
	}
	if one := ask(t, c, "how many failed logins were there", "").Chart; one != nil {
		t.Errorf("one number: %+v", one)
	}
}
