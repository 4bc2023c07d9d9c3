package fingerprint_test

import (
	"archive/zip"
	"encoding/base64"
	"encoding/xml"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/content"
	"vedette/internal/asset/fingerprint"
)

func load(tb testing.TB) *fingerprint.Set {
	tb.Helper()
	s, err := fingerprint.Parse(content.Recog())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestTranslate(t *testing.T) {
	for _, c := range []struct{ name, pattern, flags, want string }{
		{"anchors are at lines", `^a$`, "", `(?m)^a$`},
		{"case and dot", `a.b`, "REG_ICASE,REG_DOT_NEWLINE", `(?mis)a.b`},
		{"hex digit", `\h+[\h:]`, "", `(?m)[0-9a-fA-F]+[0-9a-fA-F:]`},
		{"end of text", `a\Z`, "", `(?m)a(?:\n?\z)`},
		{"quotes need no escape", `\"x\'\<`, "", `(?m)"x'<`},
		{"bracket in a class", `[[a]`, "", `(?m)[\[a]`},
		{"class of names", `[[:alpha:]_]x[b]`, "", `(?m)[[:alpha:]_]x[b]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := fingerprint.Translate(c.pattern, c.flags)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	for _, p := range []string{`a(?!b)`, `(a)\1`, `(?<=x)y`, `(?>a)`, `a++`, `(`} {
		if got, err := fingerprint.Translate(p, ""); err == nil {
			t.Errorf("%q became %q, want a refusal", p, got)
		}
	}
}

func TestMatch(t *testing.T) {
	s := load(t)
	if err := s.Check(); err != nil || s.Len() < 4000 {
		t.Fatalf("%d fingerprints, %v", s.Len(), err)
	}
	for _, c := range []struct {
		key, text string
		want      map[string]string
	}{
		{"ssh.banner", "OpenSSH_8.9p1 Ubuntu-3ubuntu0.1", map[string]string{"service.product": "OpenSSH", "os.product": "Linux", "os.vendor": "Ubuntu"}},
		{"ssh.banner", "ArrayOS", map[string]string{"service.vendor": "Array Networks"}},
		{"http_header.server", "Apache/2.4.6 (CentOS)", map[string]string{"service.product": "HTTPD", "service.version": "2.4.6"}},
		{"ftp.banner", "ProFTPD 1.3.5 Server ready.", map[string]string{}},
		{"no.such", "OpenSSH_8.9p1", map[string]string{}},
		{"ssh.banner", "", map[string]string{}},
		{"ssh.banner", strings.Repeat("\xff", 5000), map[string]string{}},
	} {
		m := s.Match(c.key, c.text)
		got := map[string]string{}
		for name := range c.want {
			got[name] = m.Get(name)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %q: %+v\n%s", c.key, c.text, m, diff)
		}
	}
}

// recogExample is one example of the collection, with what it must give.
type recogExample struct {
	key, text string
	want      map[string]string
}

// TestSharedExamples matches the collection's own examples and holds the share
// that gives every stated field.
func TestSharedExamples(t *testing.T) {
	s := load(t)
	good, matched, all := 0, 0, 0
	for _, x := range sharedExamples(t) {
		if !s.Has(x.key) {
			continue
		}
		all++
		m := s.Match(x.key, x.text)
		if m == nil {
			if testing.Verbose() {
				t.Logf("%s: nothing fits %q", x.key, x.text)
			}
			continue
		}
		matched++
		ok := true
		for name, want := range x.want {
			if got := m.Get(name); got != want {
				ok = false
				if testing.Verbose() {
					t.Logf("%s %q: %s is %q, want %q", x.key, x.text, name, got, want)
				}
			}
		}
		if ok {
			good++
		}
	}
	share := 100 * float64(good) / float64(all)
	t.Logf("%d examples: %d matched, %d (%.2f %%) give the stated fields", all, matched, good, share)
	if share < 99.9 {
		t.Errorf("%.2f %% of the examples give what they state, the floor is 99.9", share)
	}
}

func sharedExamples(t *testing.T) []recogExample {
	t.Helper()
	dir := os.Getenv("VEDETTE_SHARED")
	if dir == "" {
		dir = "../../../../shared"
	}
	archive, err := zip.OpenReader(filepath.Join(dir, "data", "asset", "recog-fingerprints.zip"))
	if err != nil {
		t.Skipf("the Recog databases are not here (set VEDETTE_SHARED): %v", err)
	}
	defer archive.Close()
	var out []recogExample
	for _, f := range archive.File {
		var c struct {
			Matches string `xml:"matches,attr"`
			Prints  []struct {
				Examples []struct {
					Attrs []xml.Attr `xml:",any,attr"`
					Text  string     `xml:",chardata"`
				} `xml:"example"`
			} `xml:"fingerprint"`
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.NewDecoder(in).Decode(&c); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if c.Matches == "" {
			c.Matches = strings.Replace(strings.TrimSuffix(path.Base(f.Name), ".xml"), "_banners", ".banner", 1)
		}
		for _, p := range c.Prints {
			for _, e := range p.Examples {
				if x, ok := example(c.Matches, e.Attrs, e.Text); ok {
					out = append(out, x)
				}
			}
		}
	}
	return out
}

func example(key string, attrs []xml.Attr, text string) (recogExample, bool) {
	x := recogExample{key: key, text: text, want: map[string]string{}}
	for _, a := range attrs {
		switch {
		case a.Name.Local == "_encoding":
			raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				return x, false
			}
			x.text = string(raw)
		case strings.HasPrefix(a.Name.Local, "_"): // in a file of its own, which the zip has not
			return x, false
		case !strings.HasSuffix(a.Name.Local, ".cpe23"):
			x.want[a.Name.Local] = a.Value
		}
	}
	return x, true
}

// What a match says is made of the table and of the banner alone, whatever the
// banner holds, and asking again gives the same.
func FuzzMatch(f *testing.F) {
	s := load(f)
	f.Add("ssh.banner", "OpenSSH_8.9p1 Ubuntu-3ubuntu0.1")
	f.Add("snmp.sys_description", "Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(53)SE2")
	f.Add("x509.subject", "CN={hw.product},O=Acme")
	f.Fuzz(func(t *testing.T, key, text string) {
		m := s.Match(key, text)
		if again := s.Match(key, text); again != m {
			t.Fatalf("asked again %q gives another answer", text)
		}
		if m == nil {
			return
		}
		if m.Database != key || len(m.Fields) > 64 {
			t.Fatalf("%+v", m)
		}
		for _, f := range m.Fields {
			if f.Value == "" || len(f.Value) > 1024 {
				t.Fatalf("field %s has %d bytes", f.Name, len(f.Value))
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(content.Recog())
	f.Fuzz(func(t *testing.T, zipped []byte) {
		if s, err := fingerprint.Parse(zipped); (err == nil) != (s != nil) {
			t.Fatal("a set or an error, and not both")
		}
	})
}

func BenchmarkMatchNew(b *testing.B) {
	s := load(b)
	for i := 0; b.Loop(); i++ {
		s.Match("ssh.banner", "OpenSSH_8.9p1 Ubuntu-3ubuntu0."+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676%26))+string(rune('a'+i/17576%26)))
	}
}

func BenchmarkMatchNothing(b *testing.B) {
	s := load(b)
	for i := 0; b.Loop(); i++ {
		s.Match("http_header.server", "custom thing 7."+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676%26))+string(rune('a'+i/17576%26)))
	}
}

func BenchmarkMatchKnown(b *testing.B) {
	s := load(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Match("ssh.banner", "OpenSSH_8.9p1 Ubuntu-3ubuntu0.1")
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}
