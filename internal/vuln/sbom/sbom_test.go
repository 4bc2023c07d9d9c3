package sbom

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/vuln/schema"
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

func eachFile(t *testing.T, path string, f func(name string, data []byte)) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, e := range z.File {
		if e.FileInfo().IsDir() {
			continue
		}
		in, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		f(e.Name, data)
	}
}

func TestSamples(t *testing.T) {
	f := func(name string, components, purls, cpes int, reason string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := Read(data, schemas)
		if reason != "" {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: %v, want %q", name, err, reason)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		p, c := b.Count()
		if len(b.Components) != components || p != purls || c != cpes {
			t.Errorf("%s: %d components, %d purls, %d cpes", name, len(b.Components), p, c)
		}
	}
	f("valid-bom-1.6.json", 3, 3, 1, "")
	f("valid-dependency.xml", 3, 0, 0, "")
	f("valid.spdx", 2, 1, 1, "")
	f("invalid-license-id-1.6.json", 0, 0, 0, "at components/0/licenses/0/license/id")
	f("invalid-serialnumber-1.5.json", 0, 0, 0, "at serialNumber")
}

func TestHostile(t *testing.T) {
	f := func(text, reason string) {
		t.Helper()
		if _, err := Read([]byte(text), schemas); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.60q: %v, want %q", text, err, reason)
		}
	}
	xml := `<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1">`
	f(`<!DOCTYPE bom [<!ENTITY a "b">]>`+xml+`</bom>`, "declares types or entities")
	f(xml+`<components><component type="library"><name>&a;</name></component></components></bom>`, "damaged")
	f(xml+`<nonsense/></bom>`, `no element "nonsense"`)
	f(xml+strings.Repeat("<components><component>", 200), "nested deeper")
	f(`{"bomFormat":"CycloneDX","specVersion":"1.5","x":`+strings.Repeat("[", 300), "nested deeper")
	f(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1} {}`, "something follows")
	f(`{"bomFormat":"CycloneDX","specVersion":"9.1"}`, "no CycloneDX version")
	f(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a","bom-ref":"x"},{"type":"library","name":"b","bom-ref":"x"}]}`, "there twice")
	f(`{"spdxVersion":"SPDX-2.3"}`, "name is missing")
	f("", "empty")
	f("hello", "no bill of materials")
	// Dependencies that go round in a circle are no harm: nothing follows them.
	if _, err := Read([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"dependencies":[{"ref":"a","dependsOn":["b"]},{"ref":"b","dependsOn":["a"]}]}`), schemas); err != nil {
		t.Error(err)
	}
}

// TestConformance: the file names of the conformance documents say which are
// valid.
func TestConformance(t *testing.T) {
	n := map[bool]int{}
	eachFile(t, shared(t, "sbom/cyclonedx-spec-tests.zip"), func(name string, data []byte) {
		base := filepath.Base(name)
		valid := strings.HasPrefix(base, "valid-")
		if !valid && !strings.HasPrefix(base, "invalid-") {
			return
		}
		n[valid]++
		if _, err := Read(data, schemas); (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Logf("%d valid ones, %d others", n[true], n[false])
}

// TestCounts: components, package URLs and CPEs equal a count of its own that
// knows nothing of the formats but their keys.
func TestCounts(t *testing.T) {
	read, refused := 0, 0
	for _, archive := range []string{"sbom/cyclonedx-examples.zip", "sbom/wild-sboms.zip", "sbom/edge-container-sboms-spdx.zip"} {
		eachFile(t, shared(t, archive), func(name string, data []byte) {
			b, err := Read(data, schemas)
			if err != nil {
				t.Logf("refused: %s: %v", name, err)
				refused++
				return
			}
			read++
			var doc any
			if json.Unmarshal(data, &doc) != nil {
				return // XML and tag-value have no second counter here
			}
			var c, p, x int
			if m, ok := doc.(map[string]any); ok && m["packages"] != nil {
				c, p, x = countSPDX(m)
			} else if ok {
				countParts(m["components"], &c, &p, &x)
			}
			purls, cpes := b.Count()
			if len(b.Components) != c || purls != p || cpes != x {
				t.Errorf("%s: %d %d %d, counted %d %d %d", name, len(b.Components), purls, cpes, c, p, x)
			}
		})
	}
	t.Logf("%d read, %d refused", read, refused)
}

func countParts(v any, c, p, x *int) {
	parts, _ := v.([]any)
	for _, e := range parts {
		m, _ := e.(map[string]any)
		*c++
		if m["purl"] != nil && m["purl"] != "" {
			*p++
		}
		if m["cpe"] != nil && m["cpe"] != "" {
			*x++
		}
		countParts(m["components"], c, p, x)
	}
}

func countSPDX(m map[string]any) (c, p, x int) {
	raw, _ := json.Marshal(m["packages"])
	parts, _ := m["packages"].([]any)
	return len(parts), strings.Count(string(raw), `"referenceType":"purl"`), strings.Count(string(raw), `"referenceType":"cpe2`) + strings.Count(string(raw), `cpe23Type"`) - strings.Count(string(raw), `"referenceType":"cpe23Type"`)
}

// FuzzRead: what is read has no component without a name where the format
// demands one, and reading it again gives the same.
func FuzzRead(f *testing.F) {
	names, _ := filepath.Glob("testdata/*")
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(data, schemas)
		if err != nil {
			if b, err2 := Read(data, schemas); err2 == nil {
				t.Fatalf("refused (%v), then read as %s", err, b.Format)
			}
			return
		}
		again, err := Read(data, schemas)
		if err != nil || len(again.Components) != len(b.Components) || b.Format == "" {
			t.Fatalf("%v: %d and %d components, format %q", err, len(again.Components), len(b.Components), b.Format)
		}
	})
}
