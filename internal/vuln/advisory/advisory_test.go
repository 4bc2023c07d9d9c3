package advisory

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/vuln/schema"
	"vedette/internal/vuln/version"
)

var schemas = schema.New()

// shared is a file of the public data set, which is not in the repository.
func shared(t *testing.T, name string) string {
	t.Helper()
	var tried []string
	if dir := os.Getenv("VEDETTE_SHARED"); dir != "" {
		tried = append(tried, filepath.Join(dir, "data"), dir)
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			tried = append(tried, filepath.Join(dir, "..", "shared", "data"))
		}
	}
	for _, dir := range tried {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skipf("no %s: put the public test data into ../shared/data beside the repository, or name its folder in VEDETTE_SHARED", name)
	return ""
}

func files(t *testing.T, path string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, e := range z.File {
		in, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[e.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestMandatory: the validator documents of the standard, with the verdicts of
// testcases.json.
func TestMandatory(t *testing.T) {
	all := files(t, shared(t, "csaf/oasis-validator-tests.zip"))
	var cases struct {
		Tests []struct {
			ID, Group       string
			Failures, Valid []struct {
				Name  string
				Valid bool
			}
		}
	}
	find := func(end string) []byte {
		for name, data := range all {
			if strings.HasSuffix(name, end) {
				return data
			}
		}
		return nil
	}
	if err := json.Unmarshal(find("testcases.json"), &cases); err != nil {
		t.Fatal(err)
	}
	right, n := 0, 0
	for _, c := range cases.Tests {
		for _, f := range append(c.Failures, c.Valid...) {
			data := find(f.Name)
			if data == nil || c.Group != "mandatory" {
				continue
			}
			n++
			_, err := Read(data, schemas)
			if (err == nil) != f.Valid {
				t.Errorf("%s %s: %v", c.ID, f.Name, err)
				continue
			}
			right++
		}
	}
	t.Logf("%d of %d mandatory documents as testcases.json says", right, n)
}

// TestPublished: every published advisory of the development set is read.
func TestPublished(t *testing.T) {
	n, products := 0, 0
	for _, name := range []string{"csaf/cisa-ot-2022.zip", "csaf/cisa-ot-2023.zip"} {
		for path, data := range files(t, shared(t, name)) {
			a, err := Read(data, schemas)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			n++
			products += len(a.Products)
		}
	}
	t.Logf("%d advisories, %d products", n, products)
}

const cveSample = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED"},"containers":{"cna":{"providerMetadata":{"shortName":"acme"},
"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Gate","defaultStatus":"unaffected","versions":[
{"version":"1.0","status":"affected","lessThan":"3.0","versionType":"custom","changes":[{"at":"2.4.1","status":"unaffected"}]}]}]},
"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"metrics":[{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"PoC"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}}]}]}}`

// kernelSample is as the kernel's records are: hashes beside versions, affected
// by default, and branches in which it is mended.
const kernelSample = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-0009","state":"PUBLISHED"},"containers":{"cna":{"affected":[
{"vendor":"Linux","product":"Linux","versions":[{"version":"1da177e4c3f4","lessThan":"a7d91625863d","status":"affected","versionType":"git"}]},
{"vendor":"Linux","product":"Linux","defaultStatus":"affected","versions":[{"version":"5.15","status":"affected"},{"version":"0","lessThan":"5.15","status":"unaffected","versionType":"semver"},
{"version":"5.15.9","lessThanOrEqual":"5.15.*","status":"unaffected","versionType":"semver"},{"version":"5.16","lessThanOrEqual":"*","status":"unaffected","versionType":"original_commit_for_fix"}]}]}}}`

func TestKernel(t *testing.T) {
	a, err := Read([]byte(kernelSample), schemas)
	if err != nil {
		t.Fatal(err)
	}
	for v, want := range map[string]bool{"5.14.3": true, "5.15.2": false, "5.15.9": true, "5.15.70": true, "6.1": true} {
		if at, why := a.Products[1].Versions.Locate(v); (at == version.Inside) != want {
			t.Errorf("%s: %v %s", v, at, why)
		}
	}
}

func TestFormats(t *testing.T) {
	f := func(text, kind string, products int, version string, want version.Place) {
		t.Helper()
		a, err := Read([]byte(text), schemas)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			return
		}
		if a.Kind != kind || len(a.Products) != products {
			t.Errorf("%s: %+v", kind, a)
			return
		}
		if got, why := a.Products[0].Versions.Locate(version); got != want {
			t.Errorf("%s: %v %s", kind, got, why)
		}
	}
	f(cveSample, CVE, 2, "2.4.0", version.Inside)
	f(cveSample, CVE, 2, "2.4.1", version.Above)
	f(kernelSample, CVE, 2, "5.15.2", version.Inside)
	f(`{"id":"GO-1","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-2"],"affected":[{"package":{"ecosystem":"PyPI","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}]}]}`, OSV, 1, "1.2rc1", version.Inside)
	f(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://x/1","author":"x","timestamp":"2024-01-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2024-3"},"products":[{"@id":"pkg:deb/debian/a@1.0-1"}],"status":"fixed"}]}`, OpenVEX, 1, "1.0-1", version.Inside)
	f(`{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"vulnerabilities":[{"id":"CVE-2024-4","affects":[{"ref":"pkg:npm/a@1.0.0"}],"analysis":{"state":"not_affected"}}]}`, CycloneVE, 1, "1.0.0", version.Inside)
}

func TestRefused(t *testing.T) {
	f := func(text, reason string) {
		t.Helper()
		if _, err := Read([]byte(text), schemas); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.80q: %v, want %q", text, err, reason)
		}
	}
	f(``, "empty")
	f(`{"a":1}`, "none of the marks")
	f(`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-1","state":"PUBLISHED"}}`, "no CVE id")
	f(`{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-0001"}]}`, "dateAdded")
	f("cve,epss,percentile\nCVE-2024-0001,1.5,0.1\n", "not between 0 and 1")
	f(`{"@context":"https://openvex.dev/ns","@id":"x","author":"x","statements":[{"vulnerability":"CVE-2024-1","products":["p"],"status":"not_affected"}]}`, "justification")
	f(`{"document":{"csaf_version":"2.0"}}`, "missing")
}

// TestLines: a bad record among lines is told, and the rest is read.
func TestLines(t *testing.T) {
	one := strings.ReplaceAll(cveSample, "\n", "")
	text := one + "\n" + `{"dataType":"CVE_RECORD"}` + "\nnonsense\n" + strings.Replace(one, "2024-0001", "2024-0002", 1) + "\n"
	good, bad := 0, 0
	if err := Each(strings.NewReader(text), schemas, func(_ *Advisory, err error) error {
		if err != nil {
			bad++
		} else {
			good++
		}
		return nil
	}); err != nil || good != 2 || bad != 2 {
		t.Errorf("%v: %d good, %d bad", err, good, bad)
	}
}

// FuzzRead: every statement and remedy of what is read points to a product of
// it, and what is read survives being kept.
func FuzzRead(f *testing.F) {
	f.Add([]byte(cveSample))
	f.Add([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"vulnerabilities":[{"id":"CVE-2024-4","affects":[{"ref":"pkg:npm/a@1.0.0"}]}]}`))
	f.Add([]byte("cve,epss,percentile\nCVE-2024-0001,0.5,0.1\n"))
	f.Add([]byte(`{"@context":"https://openvex.dev/ns","@id":"x","author":"x","statements":[{"vulnerability":"CVE-2024-1","products":["cpe:/a:b:c:1"],"status":"affected"}]}`))
	names, _ := filepath.Glob("testdata/*.json")
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(data, schemas)
		if err != nil {
			return
		}
		for _, v := range a.Vulnerabilities {
			for _, s := range v.Statements {
				if s.Product < 0 || s.Product >= len(a.Products) || s.Status == "" {
					t.Fatalf("a statement %+v of %d products", s, len(a.Products))
				}
			}
		}
		line, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var again Advisory
		if err := json.Unmarshal(line, &again); err != nil || again.Key() != a.Key() {
			t.Fatalf("%v: %q became %q", err, a.Key(), again.Key())
		}
	})
}

func TestPackages(t *testing.T) {
	for _, c := range [][3]string{
		{"https://repo.maven.apache.org/maven2", "org.acme:thing", "pkg:maven/org.acme/thing"},
		{"https://pypi.org/project/pip", "pip", "pkg:pypi/pip"},
		{"https://registry.npmjs.org", "@acme/thing", "pkg:npm/%40acme/thing"},
		{"https://access.redhat.com/downloads/content/package-browser/", "openssl", ""},
		{"https://repo.maven.apache.org/maven2", "thing", ""},
		{"https://pypi.org.example/", "pip", ""},
		{"::", "pip", ""},
		{"https://pypi.org", "", ""},
	} {
		if got := packageIn(c[0], c[1]); got != c[2] {
			t.Errorf("%q %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	for text, want := range map[string]string{"pkg:rpm/a/b@1?arch=x&epoch=2#y": "2", "pkg:rpm/a/b@1?EPOCH=3": "3", "pkg:rpm/a/b@1": "", "pkg:deb/a/b@1#x?epoch=4": "", "": ""} {
		if got := Qualifier(text, "epoch"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, same := range [][2]string{{"pkg:pypi/A_b.c@1", "pkg:pypi/a-b-c"}, {"pkg:npm/%40acme/thing", "pkg:npm/@acme/thing@2"}} {
		a, _ := ParsePURL(same[0])
		b, _ := ParsePURL(same[1])
		if a.Base() != b.Base() {
			t.Errorf("%q, %q", a.Base(), b.Base())
		}
	}
}
