package copilot_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/copilot"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/store"
	"vedette/internal/store/memory"
	"vedette/internal/toolbox"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

type talks map[string][]string

func (t talks) Questions(_ context.Context, id string) ([]string, error) {
	if q, ok := t[id]; ok {
		return q, nil
	}
	return nil, fault.New(fault.NotFound, "there is no conversation %q", id)
}

func (t talks) Append(_ context.Context, id, question string) error {
	t[id] = append(t[id], question)
	return nil
}

func product(t *testing.T, events *memory.Events) *copilot.Copilot {
	t.Helper()
	lexicon, err := os.ReadFile("../../content/lexicon/lexicon.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := copilot.New(toolbox.New(events, nil), talks{}, string(lexicon), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// logins stores three failed and one successful login from two sources.
func logins(t *testing.T) *memory.Events {
	t.Helper()
	s := memory.New()
	var batch []*event.Event
	for i, l := range []struct{ src, user, status string }{
		{"203.0.113.7", "root", event.Failure},
		{"203.0.113.7", "admin", event.Failure},
		{"198.51.100.4", "root", event.Failure},
		{"192.0.2.10", "maria", event.Success},
	} {
		e := &event.Event{}
		e.SetMetadataUID(fmt.Sprintf("u%d", i))
		e.SetClassUID(int64(event.Authentication))
		e.SetTimeField(now.Add(-time.Duration(i+1) * time.Minute))
		e.SetMetadataLogName("syslog/sshd")
		e.SetActivityName("Logon")
		e.SetSrcEndpointIP(l.src)
		e.SetUserName(l.user)
		e.SetStatus(l.status)
		batch = append(batch, e)
	}
	if _, err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t *testing.T, c *copilot.Copilot, question, follow string) *copilot.Answer {
	t.Helper()
	a, err := c.Ask(t.Context(), copilot.Request{Question: question, Now: now, Follow: follow})
	if err != nil {
		t.Fatalf("asking %q: %v", question, err)
	}
	return a
}

func said(a *copilot.Answer) string {
	var b strings.Builder
	for _, s := range a.Answer {
		b.WriteString(s.Text + " [" + s.Status + "]\n")
	}
	return b.String()
}

func TestAnswersAreComputedAndCited(t *testing.T) {
	c := product(t, logins(t))
	for question, want := range map[string]string{
		"how many failed logins were there":               "3 logins match [verified]",
		"which source has the most failed logins":         "203.0.113.7: 2 [verified]",
		"did maria log in successfully":                   "yes: 1 login matches [verified]",
		"when was the last failed login":                  "2026-03-10 11:59:00 UTC",
		"what percentage of the logins failed":            "75 % (3 of 4 logins) [verified]",
		"how many different users tried to log in":        "3 different users",
		"failed logins for operator":                      `nothing stored has user.name = "operator"`,
		"how many failed logins in the last 90 seconds":   "1 login matches [verified]",
		"how many failed logins per source":               "198.51.100.4: 1 [verified]",
		"show me the failed logins of root":               "2 logins match [verified]",
		"which users never had a failed login":            "maria",
		"how many failed logins were there not from root": "1 login matches [verified]",
	} {
		a := ask(t, c, question, "")
		if a.Status != copilot.StatusAnswered || !strings.Contains(said(a), want) {
			t.Errorf("%q (%s, %s)\n got %swant %s", question, a.Status, a.ReadAs, said(a), want)
		}
		for _, s := range a.Answer {
			if s.Status != "verified" || len(s.Evidence) == 0 {
				t.Errorf("%q: sentence %q is %s with evidence %v", question, s.Text, s.Status, s.Evidence)
			}
		}
	}
}

func TestFollowUpsKeepTheConversation(t *testing.T) {
	c := product(t, logins(t))
	first := ask(t, c, "how many failed logins were there", "")
	second := ask(t, c, "and for root?", first.Conversation)
	if !strings.Contains(said(second), "2 logins match") || second.Conversation != first.Conversation {
		t.Errorf("%s (%s)", said(second), second.ReadAs)
	}
	_, err := c.Ask(t.Context(), copilot.Request{Question: "and admin?", Now: now, Follow: "c-unknown"})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown conversation gave %v", err)
	}
}

func TestNothingStoredIsSaid(t *testing.T) {
	a := ask(t, product(t, memory.New()), "how many connections were there", "")
	if !strings.Contains(said(a), "nothing is stored yet") {
		t.Error(said(a))
	}
}

func TestNotUnderstoodSuggests(t *testing.T) {
	a := ask(t, product(t, logins(t)), "what is the boiler pressure", "")
	if a.Status != copilot.StatusNotUnderstood || len(a.Evidence) != 0 || !slices.Contains(a.Suggestions, "which sources have the most failed logins?") {
		t.Errorf("%s %s %v", a.Status, said(a), a.Suggestions)
	}
}

// What we suggest is answered, and what it says "per" of is told apart.
func TestSuggestionsAreAnsweredAsTheyRead(t *testing.T) {
	c := product(t, logins(t))
	list := ask(t, c, "what is the boiler pressure", "").Suggestions
	if !slices.Contains(list, "how many events per log type?") {
		t.Fatalf("suggested %q", list)
	}
	for _, q := range list {
		a := ask(t, c, q, "")
		if a.Status != copilot.StatusAnswered || strings.Contains(q, " per ") && !strings.Contains(a.Evidence[0].Query, "| by ") {
			t.Errorf("%q is %s, by %v", q, a.Status, a.Evidence)
		}
	}
}

func TestEmptyAndEndlessQuestionsAreRefused(t *testing.T) {
	c := product(t, logins(t))
	for _, q := range []string{"", "  \n", strings.Repeat("how many ", 10000)} {
		if _, err := c.Ask(t.Context(), copilot.Request{Question: q, Now: now}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.20q gave %v", q, err)
		}
	}
}

// A text that a device wrote cannot hide or move what is on the screen, nor
// add a sentence.
func TestHostileTextIsCleaned(t *testing.T) {
	s := logins(t)
	e := &event.Event{}
	e.SetMetadataUID("evil")
	e.SetClassUID(int64(event.Authentication))
	e.SetTimeField(now)
	e.SetActivityName("Logon")
	e.SetStatus(event.Failure)
	e.SetUserName("root\x1b[2J\u202e\nall is well" + strings.Repeat("A", 5000))
	if _, err := s.Append(t.Context(), []*event.Event{e}); err != nil {
		t.Fatal(err)
	}
	for _, line := range ask(t, product(t, s), "which users had failed logins", "").Answer {
		if strings.ContainsAny(line.Text, "\x1b\u202e\n") || len(line.Text) > 400 {
			t.Errorf("sentence %q", line.Text)
		}
	}
}

// Records whose clock is in doubt are not in any time; the answer says that
// they are there.
func TestDoubtfulClocksAreSaid(t *testing.T) {
	s := logins(t)
	e := &event.Event{}
	e.SetMetadataUID("boot")
	e.SetClassUID(int64(event.Authentication))
	e.SetTimeField(time.Unix(22, 0))
	e.SetMetadataClockSuspect(true)
	e.SetActivityName("Logon")
	e.SetStatus(event.Failure)
	if _, err := s.Append(t.Context(), []*event.Event{e}); err != nil {
		t.Fatal(err)
	}
	c := product(t, s)
	a := ask(t, c, "how many failed logins in the past hour", "")
	if !strings.Contains(said(a), "3 logins match [verified]") || !strings.Contains(said(a), "1 login matches but for the time: their clocks are in doubt") {
		t.Error(said(a))
	}
	if a := ask(t, c, "how many failed logins were there", ""); !strings.Contains(said(a), "4 logins match") || strings.Contains(said(a), "doubt") {
		t.Error(said(a))
	}
}

// Recorded data is older than "the past hour"; the answer says so.
func TestAskedTimeAfterTheData(t *testing.T) {
	c := product(t, logins(t))
	a, err := c.Ask(t.Context(), copilot.Request{Question: "how many failed logins in the past hour", Now: now.Add(240 * time.Hour)})
	if err != nil || !strings.Contains(said(a), "the newest stored event is of 2026-03-10 11:59:00 UTC, before the asked time: to count back from it, ask with --now last [verified]") {
		t.Errorf("%v %s", err, said(a))
	}
	if a := ask(t, c, "how many failed logins in the past hour", ""); strings.Contains(said(a), "newest stored") {
		t.Error(said(a))
	}
}

// A known type of device that nobody has is said to be missing; it is not
// answered with "nothing is unusual".
func TestUnusualOfNobody(t *testing.T) {
	a := ask(t, product(t, logins(t)), "Show me unusual communication patterns from industrial sensors over the past 24 hours", "")
	if a.Status != copilot.StatusAnswered || !strings.Contains(said(a), `no device is known with type = "industrial sensor"`) || strings.Contains(said(a), "departs") {
		t.Errorf("%s %s", a.Status, said(a))
	}
}

// The conversations beside a ranking are those of who is ranked, and where nobody is,
// those of all.
func TestUnusualShowsTheirConversations(t *testing.T) {
	s := memory.New()
	flow := func(n int, at time.Duration, src, dst string) {
		e := &event.Event{}
		e.SetMetadataUID(fmt.Sprintf("f%d", n))
		e.SetClassUID(int64(event.NetworkActivity))
		e.SetTimeField(now.Add(-at))
		e.SetMetadataLogName("zeek/conn")
		e.SetSrcEndpointIP(src)
		e.SetDstEndpointIP(dst)
		e.SetDstEndpointPort(502)
		if _, err := s.Append(t.Context(), []*event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, src := range []string{"10.0.0.1", "10.0.0.2"} {
		for h := 1; h <= 72; h++ {
			n++
			flow(n, time.Duration(h)*time.Hour, src, "10.0.0.100")
		}
	}
	sources := func() string {
		a := ask(t, product(t, s), "show me unusual communication patterns over the past 24 hours", "")
		if len(a.Evidence) < 2 || len(a.Plan) < 2 {
			t.Fatalf("%s %s", a.Status, said(a))
		}
		list := []string{}
		for _, row := range a.Evidence[1].Rows {
			list = append(list, fmt.Sprint(row[0]))
		}
		slices.Sort(list)
		return strings.Join(slices.Compact(list), " ")
	}
	if got := sources(); got != "10.0.0.1 10.0.0.2" {
		t.Errorf("nobody is ranked, and the conversations are those of %s", got)
	}
	flow(1000, time.Hour/2, "10.0.0.2", "203.0.113.9")
	if got := sources(); got != "10.0.0.2" {
		t.Errorf("10.0.0.2 is ranked, and the conversations are those of %s", got)
	}
}

var _ copilot.Tools = (*toolbox.Box)(nil)

var _ store.Events = (*memory.Events)(nil)

// A log that resolves names writes a name in place of the address: such sources
// stand in one ranking with the addresses.
func TestSourcesByNameAlone(t *testing.T) {
	s := logins(t)
	var batch []*event.Event
	for i := range 3 {
		e := &event.Event{}
		e.SetMetadataUID(fmt.Sprintf("named%d", i))
		e.SetClassUID(int64(event.Authentication))
		e.SetTimeField(now.Add(-time.Duration(i) * 30 * time.Hour))
		e.SetMetadataLogName("syslog/sshd")
		e.SetActivityName("Logon")
		e.SetSrcEndpointHostname("n2.example.net")
		e.SetUserName("root")
		e.SetStatus(event.Failure)
		batch = append(batch, e)
	}
	if _, err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	c := product(t, s)
	for question, want := range map[string]string{
		"top 2 sources by failed logins":                        "n2.example.net: 3",
		"on how many days did root fail to log in?":             "on 3 different days",
		"which sources had failed logins on more than one day?": "n2.example.net: count 3, on 3 different days",
	} {
		if got := said(ask(t, c, question, "")); !strings.Contains(got, want) {
			t.Errorf("%q: %s\nwant %s", question, got, want)
		}
	}
}

// Records whose time was masked are stored at the start of 1970, which is no hour.
func TestATrendWithoutTimesIsNotKnown(t *testing.T) {
	s := memory.New()
	e := &event.Event{}
	e.SetMetadataUID("masked")
	e.SetClassUID(int64(event.Authentication))
	e.SetTimeField(time.Unix(0, 0))
	e.SetMetadataLogName("syslog/sshd")
	e.SetActivityName("Logon")
	e.SetStatus(event.Failure)
	if _, err := s.Append(t.Context(), []*event.Event{e}); err != nil {
		t.Fatal(err)
	}
	a := ask(t, product(t, s), "failed logins per hour", "")
	if a.Status == copilot.StatusAnswered || strings.Contains(said(a), "highest at") {
		t.Errorf("%s: %s", a.Status, said(a))
	}
}
