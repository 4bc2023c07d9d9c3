package vulneval_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"vedette/content"
	"vedette/internal/eval/vulneval"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
)

// TestComponents: components as bills write them, made of CVE records, and others of
// like names. A false "affected" is worse than a miss.
func TestComponents(t *testing.T) {
	index, schemas := match.New(match.ParseAliases(content.Vendors())), schema.New()
	names := []string{"vuln/cve5-components.jsonl.gz", "vuln/cve5-ics-iot-kev.jsonl.gz"}
	for _, name := range names {
		eachRecord(t, name, schemas, index.Add)
	}
	type tally struct{ n, right, wrong, unsure, missed int }
	by, examples := map[string]*tally{}, map[string]string{}
	wrong, total := 0, 0
	for _, name := range names {
		eachRaw(t, shared(t, name), func(line []byte) {
			vulneval.Parts(line, func(p vulneval.Part) {
				got := "nothing"
				for _, r := range index.Match(queryOf(&p)) {
					if r.ID == p.CVE {
						got = r.Status
					}
				}
				k := by[p.Want+": "+p.Form]
				if k == nil {
					k = &tally{}
					by[p.Want+": "+p.Form] = k
				}
				total++
				k.n++
				switch {
				case got == match.Affected && p.Want != vulneval.PartAffected:
					k.wrong++
					wrong++
				case got == p.Want || p.Want == vulneval.PartSafe || p.Want == vulneval.PartOther:
					k.right++
				case got == match.Undetermined:
					k.unsure++
				default:
					k.missed++
				}
				if right := got == p.Want || got != match.Affected && p.Want != vulneval.PartAffected && p.Want != vulneval.PartUnsure; !right && examples[p.Want+p.Form] == "" {
					examples[p.Want+p.Form] = "yes"
					t.Logf("e.g. %s, want %s, got %s: %q %q %q %v %v (%s %s)", p.Form, p.Want, got, p.Supplier, p.Name, p.Version, p.PURLs, p.CPEs, p.CVE, p.From)
				}
			})
		})
	}
	for _, k := range sorted(by) {
		v := by[k]
		t.Logf("%-48s %5d: right %5.1f %%, undetermined instead %d, missed %d, wrongly affected %d", k, v.n, 100*float64(v.right)/float64(v.n), v.unsure, v.missed, v.wrong)
	}
	t.Logf("%d components, %d wrongly affected", total, wrong)
	sure := 0
	for k, v := range by {
		if strings.HasPrefix(k, vulneval.PartAffected) || strings.HasPrefix(k, vulneval.PartUnsure) {
			if sure++; 100*v.right < 95*v.n {
				t.Errorf("%s: %d of %d right", k, v.right, v.n)
			}
		}
	}
	if sure == 0 || 1000*wrong > 2*total {
		t.Errorf("%d forms, %d of %d wrongly affected", sure, wrong, total)
	}
}

func eachRaw(t *testing.T, path string, f func(line []byte)) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		f(s.Bytes())
	}
}

// queryOf asks as the product does of a component of a bill.
func queryOf(p *vulneval.Part) match.Query {
	q := match.Query{Vendor: p.Supplier, Product: p.Name, Version: p.Version, PURLs: p.PURLs, CPEs: p.CPEs}
	if q.Vendor == "" && len(q.CPEs) == 0 && len(q.PURLs) > 0 {
		q.Product = ""
	}
	return q
}
