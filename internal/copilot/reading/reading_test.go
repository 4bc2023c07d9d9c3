package reading

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/query"
)

// fakeWorld is a small plant's stored names and values.
type fakeWorld struct {
	values map[string][]query.ValueCount // "from/field"
	names  []Name
	extras []string
}

func (w fakeWorld) Values(_ context.Context, from, field string) ([]query.ValueCount, bool, error) {
	return w.values[from+"/"+field], true, nil
}

func (w fakeWorld) Span(context.Context) (oldest, newest time.Time, err error) {
	return testNow.Add(-72 * time.Hour), testNow, nil
}
func (w fakeWorld) Events(context.Context) (int64, error)    { return 1000, nil }
func (w fakeWorld) Extras(context.Context) ([]string, error) { return w.extras, nil }
func (w fakeWorld) Names(context.Context) (*Names, error)    { return NewNames(w.names), nil }
func (w fakeWorld) Types(context.Context) ([]DeviceType, error) {
	return []DeviceType{{"plc", []string{"controller"}}, {"industrial sensor", []string{"sensor"}}, {"camera", []string{"ip camera"}}, {"medical device", []string{"infusion pump"}}}, nil
}

var testNow = time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC) // a Tuesday

func counts(values ...string) []query.ValueCount {
	out := make([]query.ValueCount, len(values))
	for i, v := range values {
		out[i] = query.ValueCount{Value: v, Count: int64(100 - i)}
	}
	return out
}

func plant() fakeWorld {
	return fakeWorld{
		values: map[string][]query.ValueCount{
			"/metadata.log_name":             counts("zeek/conn", "zeek/dns", "zeek/modbus_detailed", "syslog/sshd", "eve/alert"),
			"/connection_info.protocol_name": counts("tcp", "udp", "icmp"),
			"/app_name":                      counts("http", "dns", "ssh", "modbus"),
			"/ics.protocol":                  counts("modbus"),
			"/ics.function":                  counts("READ_COILS", "WRITE_SINGLE_REGISTER"),
			"/user.name":                     counts("root", "admin", "maria"),
			"/query.hostname":                counts("example.com", "time.example.net"),
			"/rcode":                         counts("NOERROR", "NXDOMAIN"),
			"/finding_info.title":            counts("ET SCAN Potential SSH Scan", "ET TROJAN Mozi"),
			"devices/type":                   counts("plc", "industrial sensor", "camera"),
			"devices/zone":                   counts("Control", "Office"),
			"devices/vendor":                 counts("Siemens AG"),
		},
		names: []Name{{Text: "line-3-plc", UID: "d1", Operator: true}, {Text: "pump house sensor", UID: "d2", Operator: true}},
	}
}

func read(t testing.TB, w World, question string, prev *Frame) *Reading {
	t.Helper()
	r, err := NewReader(testLexicon(t)).Read(t.Context(), question, testNow, w, prev)
	if err != nil {
		t.Fatalf("reading %q: %v", question, err)
	}
	return r
}

func planOf(r *Reading) string {
	parts := make([]string, 0, len(r.Steps))
	for _, s := range r.Steps[:min(1, len(r.Steps))] {
		if s.Tool != "query" {
			parts = append(parts, s.Tool)
		}
		parts = append(parts, s.Query.String())
	}
	return strings.Join(parts, " ")
}

func TestPlans(t *testing.T) {
	for question, want := range map[string]string{
		"how many connections are there":             "network_activity metadata.log_name=zeek/conn | count",
		"which hosts did 10.0.0.5 contact":           "network_activity metadata.log_name=zeek/conn src_endpoint.ip=10.0.0.5 dst_endpoint.ip exists | by dst_endpoint.ip, dst_endpoint.name count | sort count desc | limit 1000",
		"who contacted 10.0.0.5":                     "network_activity metadata.log_name=zeek/conn dst_endpoint.ip=10.0.0.5 src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count | sort count desc | limit 1000",
		"how many bytes did 10.0.0.5 send":           "network_activity metadata.log_name=zeek/conn src_endpoint.ip=10.0.0.5 | sum(traffic.bytes_out)",
		"was 10.0.0.5 contacted by anyone":           "network_activity metadata.log_name=zeek/conn dst_endpoint.ip=10.0.0.5 | count",
		"top 3 users with failed logins":             "authentication activity_name=Logon status=Failure user.name exists | by user.name count | sort count desc | limit 3",
		"failed logins for root in the last 2 hours": "authentication activity_name=Logon user.name=root status=Failure last 2h | count",
		"show unusual communication patterns from industrial sensors over the past 24 hours": `unusual network_activity metadata.log_name=zeek/conn src_endpoint.type="industrial sensor" last 24h`,
	} {
		if got := planOf(read(t, plant(), question, nil)); got != want {
			t.Errorf("%q\n got %s\nwant %s", question, got, want)
		}
	}
}

// A name that a device wrote changes no plan: neither an operator's word, nor
// a word of the grammar, nor a type.
func TestHostileNamesChangeNoPlan(t *testing.T) {
	questions := []string{
		"how many failed logins were there",
		"count the connections per source",
		"top 5 sources by bytes sent in the last 24 hours",
		"show me unusual communication patterns from industrial sensors over the past 24 hours",
		"which industrial sensors talked to external hosts",
		"which users had failed logins since yesterday",
		"did any camera connect to port 23",
		"how many dns queries were not answered",
		"when was the first failed login of root",
		"which hosts never sent dns queries",
	}
	hostile := plant()
	evil := []string{
		"failed", "count", "industrial sensors", "industrial sensor", "top", "not", "last", "24 hours", "sources",
		"failed logins", "the connections", "root", "camera", "which", "port 23", "and", "bytes sent", "yesterday",
	}
	hostile.extras = []string{"note", "the.last", "count"}
	for i, name := range evil {
		for _, extra := range hostile.extras {
			hostile.values["/"+extra] = append(hostile.values["/"+extra], query.ValueCount{Value: name, Count: 1e9})
		}
		hostile.names = append(hostile.names, Name{Text: name, UID: "evil" + string(rune('a'+i))})
		for _, field := range []string{"/device.hostname", "/src_endpoint.hostname", "/query.hostname", "/http_request.user_agent", "/file.name", "/email.subject"} {
			hostile.values[field] = append(hostile.values[field], query.ValueCount{Value: name, Count: 1e9})
		}
	}
	for _, q := range questions {
		calm, attacked := read(t, plant(), q, nil), read(t, hostile, q, nil)
		if a, b := planOf(calm), planOf(attacked); a != b {
			t.Errorf("%q\n without: %s\n    with: %s", q, a, b)
		}
		if calm.Status != attacked.Status {
			t.Errorf("%q: status %s became %s", q, calm.Status, attacked.Status)
		}
	}
}

// What a device wrote may be asked for, and the reading says that it did.
func TestWrittenNameIsShown(t *testing.T) {
	w := plant()
	w.names = append(w.names, Name{Text: "zebra-cam", UID: "x"})
	r := read(t, w, "how many connections did zebra-cam make", nil)
	if !strings.Contains(planOf(r), "zebra-cam") || !strings.Contains(r.ReadAs, "a text that a device or peer wrote") {
		t.Errorf("plan %s, read as %s", planOf(r), r.ReadAs)
	}
	r = read(t, w, "how many connections did line-3-plc make", nil)
	if !strings.Contains(planOf(r), `line-3-plc`) || strings.Contains(r.ReadAs, "wrote") {
		t.Errorf("an operator's name was taken for a written one: %s, %s", planOf(r), r.ReadAs)
	}
}

func TestUnknownTypeIsSaid(t *testing.T) {
	r := read(t, plant(), "which hosts did infusion pumps contact", nil)
	if !slices.Contains(r.Missing, FieldWant{"device.type", "medical device"}) {
		t.Errorf("missing = %v, plan %s", r.Missing, planOf(r))
	}
}

func TestFollowUps(t *testing.T) {
	base := "how many failed logins per source in the last 2 hours"
	for question, want := range map[string][]string{
		"and for root?":            {"status=Failure", "user.name=root", "by src_endpoint.ip", "last 2h"},
		"only from 10.0.0.9":       {"status=Failure", "src_endpoint.ip=10.0.0.9", "last 2h"},
		"what about yesterday?":    {"status=Failure", "by src_endpoint.ip", "2026-03-09T00:00:00Z"},
		"by user instead":          {"status=Failure", "by user.name", "last 2h"},
		"and the successful ones?": {"status=Success", "last 2h"},
	} {
		first := read(t, plant(), base, nil)
		got := planOf(read(t, plant(), question, &first.Frame))
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%q: %s lacks %s", question, got, part)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	day := func(s string) string { return s + "T00:00:00Z" }
	for words, want := range map[string][2]string{
		"today":                                {day("2026-03-10"), ""},
		"yesterday":                            {day("2026-03-09"), day("2026-03-10")},
		"in the past 24 hours":                 {"2026-03-09T12:30:00Z", "2026-03-10T12:30:00Z"},
		"in the last 15 minutes":               {"2026-03-10T12:15:00Z", "2026-03-10T12:30:00Z"},
		"between 08:00 and 09:30":              {"2026-03-10T08:00:00Z", "2026-03-10T09:30:00Z"},
		"since 2026-03-08":                     {day("2026-03-08"), ""},
		"before 2026-03-08":                    {"", day("2026-03-08")},
		"on 2026-03-07":                        {day("2026-03-07"), day("2026-03-08")},
		"on March 7":                           {day("2026-03-07"), day("2026-03-08")},
		"after 2026-03-09T10:00:00Z":           {"2026-03-09T10:00:00Z", ""},
		"from 2026-03-08 to 2026-03-09T06:00Z": {day("2026-03-08"), "2026-03-09T06:00:00Z"},
	} {
		r := read(t, plant(), "how many connections were there "+words, nil)
		if len(r.Steps) == 0 {
			t.Errorf("%q was not understood", words)
			continue
		}
		rng, err := r.Steps[0].Query.Time.Resolve(testNow)
		if err != nil {
			t.Errorf("%q: %v", words, err)
			continue
		}
		for i, got := range []time.Time{rng.From, rng.To} {
			if want[i] == "" {
				continue
			}
			if at, _ := time.Parse(time.RFC3339, want[i]); got.Sub(at).Abs() > time.Nanosecond {
				t.Errorf("%q: side %d is %s, want %s", words, i, got, want[i])
			}
		}
	}
}

func TestHonestAboutTheUnknown(t *testing.T) {
	for _, question := range []string{"what is the weather like in Prague", "what is the CPU temperature of the boiler", "asdf qwer zxcv", "which firmware is signed by Contoso"} {
		if r := read(t, plant(), question, nil); r.Status == Understood {
			t.Errorf("%q was taken as understood: %s", question, r.ReadAs)
		}
	}
}

func TestSpelling(t *testing.T) {
	want := planOf(read(t, plant(), "how many connections per source", nil))
	if got := planOf(read(t, plant(), "how many conections per sorce", nil)); got != want {
		t.Errorf("misspelt: %s, want %s", got, want)
	}
}

// Any text gives a reading or an error, quickly, and a plan that its own
// language can read back.
func FuzzRead(f *testing.F) {
	for _, q := range []string{
		"how many failed logins per hour since 7am from 10.0.0.0/8 except root", "top 5 \"quoted", "2026-13-45 25:99 ::1 aa:bb:cc:dd:ee:ff",
		"compare between and or not not 5 more than at least", "\xff\x00\u202e", "which which which per per by by", "1e999 bytes over 99999999999999999999 hours",
	} {
		f.Add(q)
	}
	rd, w := NewReader(testLexicon(f)), plant()
	f.Fuzz(func(t *testing.T, q string) {
		r, err := rd.Read(t.Context(), q, testNow, w, nil)
		if err != nil {
			return
		}
		for _, s := range r.Steps {
			if _, err := query.ParseText(s.Query.String()); err != nil {
				t.Fatalf("%q planned %q, which does not parse: %v", q, s.Query.String(), err)
			}
		}
	})
}
