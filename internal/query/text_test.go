package query_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
)

func TestParseTextReadsTheDesignExample(t *testing.T) {
	got, err := query.ParseText(`network_activity type="industrial sensor" anomaly.score>=0.9 last 24h | by device.name, dst count, sum(bytes_out) | top 20`)
	if err != nil {
		t.Fatal(err)
	}
	want := query.Query{
		Classes: []string{"network_activity"}, Time: query.TimeRange{Last: "24h"},
		Where: &query.Expr{And: []query.Expr{
			{Field: "type", Op: query.Eq, Value: "industrial sensor"},
			{Field: "anomaly.score", Op: query.Ge, Value: 0.9},
		}},
		Group:    []string{"device.name", "dst"},
		Measures: []query.Measure{{Fn: query.Count}, {Fn: query.Sum, Field: "bytes_out"}},
		Sort:     []query.Sort{{By: "count", Desc: true}}, Limit: 20,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseText(t *testing.T) {
	f := func(text string, want query.Query) {
		t.Helper()
		got, err := query.ParseText(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
	cmpr := func(field string, op query.Op, v any) *query.Expr { return &query.Expr{Field: field, Op: op, Value: v} }
	f(``, query.Query{})
	f(`devices zone=cell`, query.Query{From: "devices", Where: cmpr("zone", query.Eq, "cell")})
	f(`src in 10.0.0.0/8`, query.Query{Where: cmpr("src", query.CIDR, "10.0.0.0/8")})
	f(`port in (22, 23)`, query.Query{Where: cmpr("port", query.In, []any{22.0, 23.0})})
	f(`"id.orig_h" exists | count`, query.Query{Where: cmpr("id.orig_h", query.Exists, nil), Measures: []query.Measure{{Fn: query.Count}}})
	f(`not (status=Failure or user~"a \"b\"")`, query.Query{Where: &query.Expr{Not: &query.Expr{Or: []query.Expr{
		*cmpr("status", query.Eq, "Failure"), *cmpr("user", query.Contains, `a "b"`),
	}}}})
	f(`| every 1h count as n where (port=22), distinct(src)`, query.Query{Bucket: "1h", Measures: []query.Measure{
		{Fn: query.Count, As: "n", Where: cmpr("port", query.Eq, 22.0)}, {Fn: query.Distinct, Field: "src"},
	}})
	f(`from 2025-12-10 to 2025-12-11T00:00:00Z | by src count, first | having count>5 | sort first, count desc | limit 3`, query.Query{
		Time:  query.TimeRange{From: time.Date(2025, 12, 10, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 12, 11, 0, 0, 0, 0, time.UTC)},
		Group: []string{"src"}, Measures: []query.Measure{{Fn: query.Count}, {Fn: query.First}},
		Having: []query.Having{{By: "count", Op: query.Gt, Value: 5.0}}, Sort: []query.Sort{{By: "first"}, {By: "count", Desc: true}}, Limit: 3,
	})
	f(`user="22"`, query.Query{Where: cmpr("user", query.Eq, "22")})
}

func TestParseTextSaysWhatIsWrong(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := query.ParseText(text)
		if err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	f(`port=`, "ends where a value was expected")
	f(`user="x`, "no closing quote")
	f(`port 22`, `column 6: "22" where a comparison after "port"`)
	f(`| by src | bogus`, `"bogus" where by, every`)
	f(`last never`, "no span of time")
	f(`| limit 0`, "limit must be a number")
	f(`()`, "empty parentheses")
	f(strings.Repeat("not ", 100)+"a=b", "nested deeper")
	f(`{"wher":1}`, "unknown field")
	f(`! a`, "no comparison starts with")
}

// live is a hand-made set of stored values.
type live map[string][]query.ValueCount

func (l live) Values(_ context.Context, _, field string) ([]query.ValueCount, bool, error) {
	v, ok := l[field]
	return v, ok, nil
}

func catalogue() *query.Catalogue {
	return &query.Catalogue{
		Schema: event.NewSchema(), Extras: []string{"missed_bytes"},
		Devices: []event.Field{{Name: "name", Kind: event.String}, {Name: "ips", Kind: event.List}, {Name: "first_seen", Kind: event.Time}},
		Live: live{
			"activity_name": {{Value: "ssh_login", Count: 4812}, {Value: "Open", Count: 3}},
			"status":        {{Value: "Failure", Count: 9}, {Value: "Success", Count: 1}},
		},
	}
}

func TestValidateNamesTheNearest(t *testing.T) {
	f := func(text, wantText, wantHint string) {
		t.Helper()
		q, err := query.ParseText(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = catalogue().Validate(t.Context(), q)
		gotText, gotHint := fault.Public(err)
		if !strings.Contains(gotText, wantText) || !strings.Contains(gotHint, wantHint) {
			t.Errorf("%s: %q (%q), want %q (%q)", text, gotText, gotHint, wantText, wantHint)
		}
	}
	f(`action=login`, `no activity_name = "login" is stored`, `"ssh_login" (4812 events)`)
	f(`source_adress=1`, "there is no field", "source_ip") //nolint:misspell // on purpose
	f(`network_activty=1`, "there is no field", "nearest")
	f(`bytes=lots`, "traffic.bytes needs a whole number", "")
	f(`src=1.2.3`, "src_endpoint.ip needs an address", "")
	f(`src>10.0.0.1`, "cannot be compared with >", "")
	f(`answers in 10.0.0.0/8`, "cannot be compared with cidr", "")
	f(`| by src sum(user)`, "sum needs a number", "")
	f(`| by src count | sort bytes`, "no column of the result", "src_endpoint.ip, count")
	f(`| by src count | having sum(x)>1`, "no measure of the query", "count")
	f(`| by src count, count`, "two measures", "as")
	f(`devices color=red`, "devices have no field", "first_seen")
	f(`devices last 24h`, "takes no classes, time", "first_seen")
}

func TestValidateNormalises(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		q, err := query.ParseText(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := catalogue().Validate(t.Context(), q)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if got.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	f(`src=::ffff:10.0.0.1 port=22`, `src_endpoint.ip=10.0.0.1 dst_endpoint.port=22 | limit 100`)
	f(`missed_bytes=0 id.resp_h in 10.1.2.3/8`, `missed_bytes="0" dst_endpoint.ip in 10.0.0.0/8 | limit 100`)
	f(`| by src sum(bytes_out) | top 5`, `| by src_endpoint.ip sum(traffic.bytes_out) as "sum(bytes_out)" | sort sum(bytes_out) desc | limit 5`)
	f(`devices ip=10.0.0.1`, `devices ips=10.0.0.1 | limit 100`)
	f(`write=true duration>1`, `ics.write=true duration>1 | limit 100`)
	f(`time>=2025-01-01`, `time>=2025-01-01T00:00:00Z | limit 100`)
}

// TestTextRoundTrip builds random queries and reads their text form back.
func TestTextRoundTrip(t *testing.T) {
	name := rapid.SampledFrom([]string{"src", "user.name", "a b", "in", "count", "x\"y", "last", "-", "p95", "sum(x)"})
	value := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "s") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Bool().Draw(t, "b") }),
		rapid.Custom(func(t *rapid.T) any { return float64(rapid.IntRange(-1e6, 1e6).Draw(t, "n")) / 8 }),
	)
	var expr func(depth int) *rapid.Generator[query.Expr]
	expr = func(depth int) *rapid.Generator[query.Expr] {
		leaf := rapid.Custom(func(t *rapid.T) query.Expr {
			op := rapid.SampledFrom([]query.Op{query.Eq, query.Ne, query.Lt, query.Contains, query.EndsWith, query.In, query.Exists}).Draw(t, "op")
			e := query.Expr{Field: name.Draw(t, "field"), Op: op}
			switch op {
			case query.In:
				e.Value = rapid.SliceOfN(value, 1, 3).Draw(t, "values")
			case query.Exists:
			default:
				e.Value = value.Draw(t, "value")
			}
			return e
		})
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.Custom(func(t *rapid.T) query.Expr {
			list := rapid.SliceOfN(expr(depth-1), 2, 3).Draw(t, "list")
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				return query.Expr{And: list}
			case 1:
				return query.Expr{Or: list}
			}
			return query.Expr{Not: &list[0]}
		}))
	}
	rapid.Check(t, func(t *rapid.T) {
		e := expr(2).Draw(t, "where")
		q := query.Query{
			Classes:  rapid.SliceOfN(rapid.SampledFrom(event.ClassNames()), 0, 2).Draw(t, "classes"),
			Where:    &query.Expr{Or: []query.Expr{e, e}},
			Group:    rapid.SliceOfN(name, 0, 2).Draw(t, "group"),
			Measures: []query.Measure{{Fn: query.Count, Where: &e}, {Fn: query.Sum, Field: name.Draw(t, "of"), As: name.Draw(t, "as")}},
			Having:   []query.Having{{By: "count", Op: query.Ge, Value: 2.0}},
			Sort:     []query.Sort{{By: name.Draw(t, "by"), Desc: true}, {By: "count"}},
			Limit:    rapid.IntRange(1, 100).Draw(t, "limit"),
		}
		if rapid.Bool().Draw(t, "bucket") {
			q.Bucket = "1h"
		}
		got, err := query.ParseText(q.String())
		if err != nil {
			t.Fatalf("%s\n%v", q, err)
		}
		if diff := cmp.Diff(q.String(), got.String()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParseText(f *testing.F) {
	f.Add(`network_activity type="industrial sensor" last 24h | by device.name, dst count, sum(bytes_out) | top 20`)
	f.Add(`not (a=1 or b in (1, "x")) | every 1h count where (a exists) | having count>=1 | sort count desc`)
	f.Add(`{"classes":["dns_activity"],"where":{"field":"a","op":"=","value":1}}`)
	for _, text := range wide {
		f.Add(text)
	}
	c := catalogue()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.ParseText(text)
		if err != nil {
			return
		}
		again, err := query.ParseText(q.String())
		if !strings.HasPrefix(strings.TrimSpace(text), "{") && (err != nil || again.String() != q.String()) {
			t.Fatalf("%q is written as %q and read back as %q (%v)", text, q, again, err)
		}
		_, _ = c.Validate(t.Context(), q) // must not panic
	})
}

func TestDurations(t *testing.T) {
	for _, s := range []string{"30m", "24h", "7d", "2w", "1h30m0s"} {
		d, err := query.ParseDuration(s)
		if err != nil {
			t.Error(err)
			continue
		}
		if again, err := query.ParseDuration(query.FormatDuration(d)); err != nil || again != d {
			t.Errorf("%s → %s → %v, %v", s, query.FormatDuration(d), again, err)
		}
	}
	for _, s := range []string{"", "d", "-1h", "0s", "1e99d", "nand", "9999999h", "xw"} {
		if _, err := query.ParseDuration(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}
