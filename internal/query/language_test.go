package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/query"
	"vedette/internal/store"
)

// wide are queries that use the whole language.
var wide = []string{
	`authentication last 24h | by src count as failed where (status=Failure), count as all, ratio(failed, all) as rate, share(all) | having rate>0.5 | sort rate desc | limit 5`,
	`network_activity last 7d | by dst p99(bytes), p50(duration), p99.9(bytes_out) | rare 10`,
	`last 24h | by src count, distinct(dst) | compare previous | having "change of count">1 | sort "count before" desc | limit 3`,
	`last 24h | count | compare 7d`,
	`authentication last 24h | by src count, median_of(count), p99.9_of(count) as high, avg_of(count), max_of(count) | having high>2 | limit 1`,
	`sequence by src within 5m (authentication status=Failure) then (write=true or function~write) then not (http_activity) last 24h | limit 20`,
	`sequence by src, user within 1h (authentication, ssh_activity status=Success by dst, user) then (write=true)`,
	`sequence by src within 5m (status=Failure) then (write=true) last 24h | by src count`,
	`| diff(count, sum(bytes))`,
}

func TestWideLanguageReadsBack(t *testing.T) {
	for _, text := range wide {
		q, err := query.ParseText(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := query.ParseText(q.String())
		if diff := cmp.Diff(q, again); err != nil || diff != "" {
			t.Errorf("%s writes itself as %s: %v\n%s", text, q, err, diff)
		}
	}
}

func validate(t *testing.T, text string) (query.Query, error) {
	t.Helper()
	q, err := query.ParseText(text)
	if err != nil {
		return q, err
	}
	return (&query.Catalogue{Schema: event.NewSchema(), Devices: store.DeviceFields()}).Validate(t.Context(), q)
}

func TestWideLanguageIsValid(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for _, text := range wide[:len(wide)-1] {
		q, err := validate(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if q, err = q.Resolve(now); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := query.NewPlan(q, store.DeviceFields()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWideLanguageSaysWhatIsWrong(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := validate(t, text)
		if err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: error %v, want %q", text, err, want)
			return
		}
		public, hint := fault.Public(err)
		if !strings.Contains(public+" "+hint, want) {
			t.Errorf("%s: %s (%s), want %q", text, public, hint, want)
		}
	}
	f(`| ratio(a, b)`, `names "a", which is no measure before it`)
	f(`| count, ratio(count)`, "computed of 2 other measures")
	f(`| count, first, diff(count, first)`, "first is a time")
	f(`| ratio`, "where a measure such as")
	f(`| by src count | compare previous`, "needs a beginning and an end")
	f(`last 1h | every 5m count | compare previous`, "has no buckets")
	f(`last 1h | count | compare yesterday`, `"yesterday"`)
	f(`devices | count | compare 1d`, "no time to compare")
	f(`sequence by src within 5m (status=Failure)`, "2 to 4 steps")
	f(`sequence by src (status=Failure) then (write=true)`, "within and a span")
	f(`sequence by src within 5m (status=Failure) then (bogus=1)`, `no field "bogus"`)
	f(`sequence by src within 5m (status=Failure) then (write=true) | sum(bytes)`, "columns of its own")
	f(`sequence by src within 5m (status=Failure) then (write=true) | by dst count`, "by the fields that they go by")
	f(`status=Failure sequence by src within 5m (status=Failure) then (write=true)`, "belong into its steps")
	f(`sequence by src within 5m (status=Failure by dst, user) then (write=true)`, "step 1 has 2 fields for the 1")
	f(`sequence by src within 90d (status=Failure) then (write=true)`, "within 31 days")
	f(`sequence by duration within 1d (status=Failure) then (write=true)`, "cannot follow duration")
	f(`| p0(duration)`, "by, every")
}

func TestCompareResolves(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	q, err := validate(t, `last 24h | by src count, max(time) as newest | compare 7d`)
	if err != nil {
		t.Fatal(err)
	}
	if q, err = q.Resolve(now); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range q.Measures {
		names = append(names, m.Name())
	}
	if got := strings.Join(names, "|"); got != "count|count before|difference of count|change of count|newest|newest before" {
		t.Errorf("measures %s", got)
	}
	if !q.Time.From.Equal(now.AddDate(0, 0, -8)) || !q.Time.To.After(now) || q.Compare != "" {
		t.Errorf("range %v", q.Time)
	}
}
