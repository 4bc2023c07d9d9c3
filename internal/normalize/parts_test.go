package normalize_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/event"
	"vedette/internal/normalize"
)

// manyEvents are the dialects of which one record may give several events, or
// that cut their records themselves; their tests are here.
var manyEvents = map[string]bool{"telemetry-json": true, "senml": true, "sparkplug": true, "netflow": true, "csv": true, "nmap": true}

// part is one event of a source, or why a record was rejected.
type part struct {
	offset int64
	raw    []byte
	event  *event.Event
	err    error
}

// parts reads a whole source as package ingest does, at most limit records, and
// says what no parser may do.
func parts(t testing.TB, d normalize.Dialect, name string, data []byte) (out []part) {
	t.Helper()
	next := lines(data)
	if d.Cut != nil {
		next = d.Cut(bufio.NewReader(bytes.NewReader(data)))
	}
	p := newParser(d, name, data)
	seen := map[string]bool{}
	var raw []byte
	var offset int64
	take := func(e *event.Event) {
		if bad := invariant(e); bad != "" {
			t.Errorf("at %d: %s", offset, bad)
		}
		if seen[e.MetadataUID()] {
			t.Errorf("at %d: two events of one identity", offset)
		}
		seen[e.MetadataUID()] = true
		out = append(out, part{offset, bytes.Clone(raw), e.Clone(), nil})
	}
	for {
		var err error
		if raw, offset, err = next(); err != nil {
			if !errors.Is(err, io.EOF) {
				out = append(out, part{offset, nil, nil, err})
			}
			break
		}
		if d.Cut == nil && len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		if err := p.Parse(normalize.Record{Raw: raw, Offset: offset}, take); err != nil {
			out = append(out, part{offset, bytes.Clone(raw), nil, err})
		}
	}
	if e, ok := p.(normalize.Ender); ok {
		e.End(take)
	}
	return out
}

func lines(data []byte) func() ([]byte, int64, error) {
	at := 0
	return func() ([]byte, int64, error) {
		if at >= len(data) {
			return nil, 0, io.EOF
		}
		start := at
		line, _, _ := bytes.Cut(data[at:], []byte("\n"))
		at += len(line) + 1
		return bytes.TrimRight(line, "\r"), int64(start), nil
	}
}

// TestGoldenParts is [TestGolden] for these dialects.
func TestGoldenParts(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(manyEvents)) {
		for _, path := range partSamples(t, name) {
			t.Run(filepath.ToSlash(path), func(t *testing.T) {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got := detect(data, filepath.Base(path)); got != name {
					t.Fatalf("detected as %q", got)
				}
				compareGolden(t, path+".golden", renderParts(t, parts(t, dialect(t, name), filepath.Base(path), data)))
			})
		}
	}
}

// TestPartsAreLossless checks that each value of each record is in one of its
// events, under its own name or in a field: of JSON each leaf, of a table each
// cell.
func TestPartsAreLossless(t *testing.T) {
	for name, valuesOf := range map[string]func(raw string) []field{"telemetry-json": jsonValues, "csv": cellValues} {
		for _, path := range partSamples(t, name) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts := map[int64]string{}
			raws := map[int64]string{}
			for _, o := range parts(t, dialect(t, name), filepath.Base(path), data) {
				if o.event != nil {
					raws[o.offset] = o.event.RawField()
					c := o.event.Clone()
					c.Unset(event.SlotRaw)
					texts[o.offset] += string(c.AppendJSON(nil))
				}
			}
			for offset, raw := range raws {
				for _, f := range valuesOf(raw) {
					quoted, err := json.Marshal(f.value)
					if err != nil {
						t.Fatal(err)
					}
					if !strings.Contains(strings.ToLower(texts[offset]), strings.ToLower(strings.Trim(string(quoted), `"`))) {
						t.Errorf("%s at %d: %s=%q is not in %s", path, offset, f.key, f.value, texts[offset])
					}
				}
			}
		}
	}
}

// timesLike are values that became the time of an event, a payload that became
// readings, and an address in another spelling.
func timesLike(v string) bool {
	return strings.HasPrefix(v, "17477352") || strings.HasPrefix(v, "2025-05-20") || strings.HasPrefix(v, "20.05.") || len(v) > 40 || strings.Contains(v, "-00-") || v == "0,0275"
}

func jsonValues(raw string) (out []field) {
	for _, f := range leavesOf([]byte(raw)) {
		if v, _, _ := strings.Cut(f.value, " "); !timesLike(v) && f.value != "[0.1 0.2]" {
			out = append(out, f)
		}
	}
	return out
}

func cellValues(raw string) (out []field) {
	delimiter := ';'
	switch {
	case strings.Contains(raw, "|"):
		delimiter = '|'
	case strings.Count(raw, ",") > 1 || !strings.Contains(raw, ";"):
		delimiter = ','
	}
	r := csv.NewReader(strings.NewReader(raw))
	r.Comma = delimiter
	cells, _ := r.Read()
	for _, v := range cells {
		if number, err := strconv.ParseFloat(v, 64); err == nil {
			v = strconv.FormatFloat(number, 'g', -1, 64)
		}
		if !timesLike(v) {
			out = append(out, field{"cell", v})
		}
	}
	return out
}

func BenchmarkTelemetryJSON(b *testing.B) { benchmarkParts(b, "telemetry-json") }
func BenchmarkCSV(b *testing.B)           { benchmarkParts(b, "csv") }
func BenchmarkOCSF(b *testing.B)          { benchmarkParts(b, "ocsf") }
func BenchmarkArgus(b *testing.B)         { benchmarkParts(b, "argus") }
func BenchmarkSenML(b *testing.B)         { benchmarkParts(b, "senml") }
func BenchmarkNmap(b *testing.B)          { benchmarkParts(b, "nmap") }

// benchmarkParts reads the first sample as a long source.
func benchmarkParts(b *testing.B, name string) {
	data, err := os.ReadFile(partSamples(b, name)[0])
	if err != nil {
		b.Fatal(err)
	}
	d, events := dialect(b, name), 0
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	p := newParser(d, "x", data)
	for b.Loop() {
		next := lines(data)
		if d.Cut != nil {
			next = d.Cut(bufio.NewReader(bytes.NewReader(data)))
		}
		for {
			raw, offset, err := next()
			if err != nil {
				break
			}
			_ = p.Parse(normalize.Record{Raw: raw, Offset: offset}, func(*event.Event) { events++ })
		}
	}
	if events == 0 {
		b.Fatal("no events")
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

func partSamples(t testing.TB, name string) (out []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", name, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if !strings.HasSuffix(p, ".golden") {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no samples of %s", name)
	}
	return out
}

func renderParts(t *testing.T, all []part) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, o := range all {
		if o.err == nil {
			b.Write(append(o.event.AppendJSON(nil), '\n'))
			continue
		}
		line, err := json.Marshal(map[string]any{"offset": o.offset, "rejected": o.err.Error()})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err, "(-update writes it)")
	}
	if diff := cmp.Diff(strings.Split(string(old), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Error(diff)
	}
}

func FuzzTelemetryJSON(f *testing.F) { fuzzParts(f, "telemetry-json") }
func FuzzSenML(f *testing.F)         { fuzzParts(f, "senml") }
func FuzzSparkplug(f *testing.F)     { fuzzParts(f, "sparkplug") }
func FuzzNmap(f *testing.F)          { fuzzParts(f, "nmap") }
func FuzzCSV(f *testing.F)           { fuzzParts(f, "csv") }
func FuzzNetFlow(f *testing.F)       { fuzzParts(f, "netflow") }

// fuzzParts feeds a whole source to one dialect. What holds whatever is in it:
// each event is sound and has an identity of its own; all of them together are
// not much larger than the source; reading twice gives the same events.
func fuzzParts(f *testing.F, name string) {
	for _, path := range partSamples(f, name) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	d := dialect(f, name)
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := d.Detect(data, "a"); n < 0 || n > 100 {
			t.Errorf("%d %% sure", n)
		}
		first, again := parts(t, d, "fuzz", data), parts(t, d, "fuzz", data)
		if len(first) != len(again) {
			t.Fatalf("%d events, then %d", len(first), len(again))
		}
		total := 0
		for i, o := range first {
			if o.event == nil {
				continue
			}
			total += weight(o.event)
			if !bytes.Equal(o.event.AppendJSON(nil), again[i].event.AppendJSON(nil)) {
				t.Errorf("at %d: another event the second time", o.offset)
			}
		}
		if limit := (1 << 20) + 2000*len(data); total > limit {
			t.Errorf("%d bytes of events of %d", total, len(data))
		}
	})
}
