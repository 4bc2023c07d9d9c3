package vulneval_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vedette/content"
	"vedette/internal/eval/vulneval"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
)

// shared is a file of the public data set, which is not in the repository.
func shared(t testing.TB, name string) string {
	t.Helper()
	tried := []string{}
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, dir)
	} else if dir, err := os.Getwd(); err == nil {
		for range 6 {
			dir = filepath.Dir(dir)
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		if path := filepath.Join(dir, name); fileThere(path) {
			return path
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

func fileThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func eachFile(t testing.TB, path string, f func(name string, data []byte)) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, e := range z.File {
		in, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name, ".json") {
			f(e.Name, data)
		}
	}
}

// every tells which share of the products is looked at: all of them take
// minutes, which VEDETTE_ALL=1 asks for.
func every() int {
	if os.Getenv("VEDETTE_ALL") != "" {
		return 1
	}
	return 20
}

type tally struct{ n, right, exact int }

// TestAdvisories: devices of the CSAF advisories of the development set, in
// several spellings, inside, at the edge of and beside the affected versions.
func TestAdvisories(t *testing.T) {
	corpus, index, schemas := vulneval.NewCorpus(), match.New(match.ParseAliases(content.Vendors())), schema.New()
	for _, name := range []string{"csaf/cisa-ot-2022.zip", "csaf/cisa-ot-2023.zip"} {
		eachFile(t, shared(t, name), func(name string, data []byte) {
			if err := corpus.Add(data); err != nil {
				t.Fatal(err)
			}
			a, err := advisory.Read(data, schemas)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			index.Add(a)
		})
	}
	by := map[string]*tally{}
	kinds := map[string]int{}
	examples := map[string]string{}
	answers := map[[3]string]map[string]match.Row{}
	falseYes := 0
	corpus.Devices(every(), func(d vulneval.Device) {
		asked := [3]string{d.Vendor, d.Product, d.Version}
		if answers[asked] == nil {
			answers[asked] = map[string]match.Row{}
			for _, r := range index.Match(match.Query{Vendor: d.Vendor, Product: d.Product, Version: d.Version}) {
				answers[asked][r.ID] = r
			}
		}
		got, why := answers[asked][d.CVE].Status, answers[asked][d.CVE].Reason
		for _, k := range []string{"all", "form: " + d.Form, "place: " + d.Place, "want: " + d.Want} {
			if by[k] == nil {
				by[k] = &tally{}
			}
			by[k].n++
			if got == d.Want {
				by[k].right++
			}
			if vulneval.ExactString(&d) == d.Want {
				by[k].exact++
			}
		}
		if got == "affected" && d.Want == "not_affected" {
			falseYes++
		}
		if got != d.Want {
			kind := d.Form + ": want " + d.Want + ", got " + got
			kinds[kind]++
			if examples[kind] == "" || kinds[kind]%97 == 0 {
				examples[kind] = d.Vendor + " | " + d.Product + " | " + d.Version + " | " + d.From + " | " + why
			}
		}
	})
	for _, k := range sorted(by) {
		v := by[k]
		t.Logf("%-36s %6d devices, right %6.2f %%, by exact strings %6.2f %%", k, v.n, 100*float64(v.right)/float64(v.n), 100*float64(v.exact)/float64(v.n))
	}
	t.Logf("%d different queries", len(answers))
	t.Logf("affected where it is not: %d", falseYes)
	left := 0
	for _, n := range corpus.Left {
		left += n
	}
	t.Logf("%d pairs of product and CVE read, %d left out because their range is not read here", corpus.Read, left)
	for _, k := range sorted(kinds) {
		t.Logf("%5d %s: %s", kinds[k], k, examples[k])
	}
	if all := by["all"]; float64(all.right) < 0.97*float64(all.n) {
		t.Errorf("%d of %d right", all.right, all.n)
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
