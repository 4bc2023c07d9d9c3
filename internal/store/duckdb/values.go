package duckdb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/flow"
	"vedette/internal/query"
	"vedette/internal/store"
)

// valuesName is the folder of what was counted in sealed days. It holds nothing
// that cannot be counted again.
const valuesName = "values"

// listed is the values of a field in one sealed file, the most frequent first.
type listed struct {
	Complete bool               `json:"complete"`
	Values   []query.ValueCount `json:"values"`
}

// summed is the values of a field in a set of sealed files.
type summed struct {
	files    string
	most     int
	counts   map[string]int64
	complete bool
}

// Values implements [store.Lister]. A sealed file never changes, so that its
// values are counted once and kept beside it; what is asked for later is the sum of
// those counts and of the hot events. When a sealed file has more values than most,
// its rarest are not known, and the list is not complete.
func (s *Store) Values(ctx context.Context, field string, most int) ([]query.ValueCount, bool, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, false, err
	}
	defer leave()
	plan, err := query.NewPlan(valuesQuery(field, most), store.DeviceFields())
	if err != nil {
		return nil, false, err
	}
	if _, ok := query.Confined(ctx); ok {
		return s.confinedValues(ctx, plan, most)
	}
	counts, complete := map[string]int64{}, true
	err = s.reading(ctx, "listing values", func(conn *sql.Conn) error {
		files, err := s.sealedFiles(ctx, conn, -1<<40, 1<<40)
		if err != nil {
			return err
		}
		old, err := s.sealedValues(ctx, conn, plan, field, most, files)
		if err != nil {
			return err
		}
		hot, err := s.count(ctx, conn, plan, "events", most)
		if err != nil {
			return err
		}
		maps.Copy(counts, old.counts)
		for _, v := range hot.Values {
			counts[v.Value] += v.Count
		}
		complete = old.complete && hot.Complete
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	out := make([]query.ValueCount, 0, len(counts))
	for v, n := range counts {
		out = append(out, query.ValueCount{Value: v, Count: n})
	}
	slices.SortFunc(out, func(a, b query.ValueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	if len(out) > most {
		out, complete = out[:most], false
	}
	return out, complete, nil
}

func valuesQuery(field string, most int) query.Query {
	return query.Query{
		Group: []string{field}, Measures: []query.Measure{{Fn: query.Count}}, Where: &query.Expr{Field: field, Op: query.Exists},
		Sort: []query.Sort{{By: "count", Desc: true}}, Limit: most,
	}
}

// count lists the values of one relation.
func (s *Store) count(ctx context.Context, conn *sql.Conn, plan *query.Plan, relation string, most int) (listed, error) {
	res, err := s.runOver(ctx, conn, plan, query.Tables{Events: relation, Devices: "devices", DeviceFields: store.DeviceFields()})
	if err != nil {
		return listed{}, err
	}
	out := listed{Complete: res.Total <= int64(most), Values: []query.ValueCount{}}
	for _, row := range res.Rows {
		v, isText := row[0].(string)
		n, isInt := row[1].(int64)
		if isText && isInt {
			out.Values = append(out.Values, query.ValueCount{Value: v, Count: n})
		}
	}
	return out, nil
}

// sealedValues sums up what sealed files have, and remembers the sum until
// other files are sealed.
func (s *Store) sealedValues(ctx context.Context, conn *sql.Conn, plan *query.Plan, field string, most int, files []sealedFile) (summed, error) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.file
	}
	now := strings.Join(names, "\n")
	s.valuesMu.Lock()
	defer s.valuesMu.Unlock()
	if sum, ok := s.values[field]; ok && sum.files == now && sum.most == most {
		return sum, nil
	}
	sum := summed{files: now, most: most, counts: map[string]int64{}, complete: true}
	for _, f := range files {
		one, err := s.valuesOf(ctx, conn, plan, field, most, f)
		if err != nil {
			return sum, err
		}
		sum.complete = sum.complete && one.Complete
		for _, v := range one.Values {
			sum.counts[v.Value] += v.Count
		}
	}
	if s.values == nil {
		s.values = map[string]summed{}
		s.dropValues(names)
	}
	if len(sum.counts) <= maxSummed {
		s.values[field] = sum
	}
	return sum, nil
}

// maxSummed is how many values of a field are remembered; those of a field with
// more are summed up from the files each time.
const maxSummed = 50_000

// valuesOf reads what was counted in a sealed file, or counts.
func (s *Store) valuesOf(ctx context.Context, conn *sql.Conn, plan *query.Plan, field string, most int, f sealedFile) (listed, error) {
	path := filepath.Join(s.dir, valuesName, f.file, fieldFile(field))
	var kept struct {
		Most int `json:"most"`
		listed
	}
	if raw, err := os.ReadFile(path); err == nil && json.Unmarshal(raw, &kept) == nil && kept.Most == most { //nolint:gosec // G304: in the data directory
		return kept.listed, nil
	}
	one, err := s.count(ctx, conn, plan, s.union("(SELECT * FROM events LIMIT 0)", []sealedFile{f}), most)
	if err != nil {
		return one, err
	}
	kept.Most, kept.listed = most, one
	raw, err := json.Marshal(kept)
	if err != nil {
		return one, fault.Wrap(fault.Internal, err, "writing down the values of %s", field)
	}
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = flow.ReplaceFile(path, raw) // on a full disk it is counted again the next time
	}
	return one, nil
}

// fieldFile is the name of a field's file: fields outside the schema have names
// that a sensor chose.
func fieldFile(field string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return -1
	}, field)
	sum := sha256.Sum256([]byte(field))
	if plain != field || plain == "" || strings.HasPrefix(plain, ".") || len(plain) > 100 {
		plain = "x-" + hex.EncodeToString(sum[:12])
	}
	return plain + ".json"
}

// dropValues removes what was counted in files that are sealed no more.
func (s *Store) dropValues(sealed []string) {
	entries, err := os.ReadDir(filepath.Join(s.dir, valuesName))
	if err != nil {
		return // there is none yet
	}
	for _, e := range entries {
		if !slices.Contains(sealed, e.Name()) {
			_ = os.RemoveAll(filepath.Join(s.dir, valuesName, e.Name())) // tried again at the next start
		}
	}
}

var _ store.Lister = (*Store)(nil)
