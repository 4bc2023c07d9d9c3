package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/cli"
)

// sharedData finds the folder of public test data, or skips.
func sharedData(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		return filepath.Join(dir, "data")
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, "shared", "data"); isDir(found) {
			return found
		}
		if dir == filepath.Dir(dir) {
			t.Skip("the public data sets are not here: put them into ../shared/data, or name the folder above in VEDETTE_SHARED")
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// The known questions keep their scores: the floors are a little under the
// figures in docs/questions.md.
func TestKnownQuestions(t *testing.T) {
	shared := sharedData(t)
	var out, errs bytes.Buffer
	code := cli.Main(t.Context(), []string{"bench", "ask", "--output", "json", "--shared", shared}, cli.Streams{In: &bytes.Buffer{}, Out: &out, Err: &errs})
	var got struct {
		Rows []struct {
			Half       string  `json:"half"`
			Questions  int     `json:"questions"`
			RightShare float64 `json:"right_share"`
			WrongShare float64 `json:"wrong_share"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); code != 0 || err != nil {
		t.Fatalf("bench ask ended with %d, %v: %s", code, err, errs.String())
	}
	floors := map[string][2]float64{"seen": {0.95, 0.04}, "blind": {0.78, 0.085}}
	for _, r := range got.Rows {
		floor, ok := floors[r.Half]
		if !ok {
			continue
		}
		delete(floors, r.Half)
		if r.Questions < 100 || r.RightShare < floor[0] || r.WrongShare > floor[1] {
			t.Errorf("%s: %d questions, right %.3f (floor %.2f), confidently wrong %.3f (ceiling %.2f)", r.Half, r.Questions, r.RightShare, floor[0], r.WrongShare, floor[1])
		}
	}
	if len(floors) > 0 {
		t.Errorf("halves without questions: %v", floors)
	}
}
