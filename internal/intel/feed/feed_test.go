package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

// read reads a text and gives each indicator as one line.
func read(t testing.TB, text string, opts feed.Options) ([]string, feed.Report, error) {
	t.Helper()
	var got []string
	rep, err := feed.Read(t.Context(), strings.NewReader(text), opts, func(in intel.Indicator) error {
		if err := intel.Refuse(in.Type, in.Value, false); err != nil {
			return err
		}
		line := fmt.Sprintf("%s %s %d", in.Type, in.Value, in.Confidence)
		if in.Family != "" {
			line += " " + in.Family
		}
		if in.TLP > 0 {
			line += " tlp:" + in.TLP.String()
		}
		if !in.First.IsZero() {
			line += " from " + in.First.Format(time.DateOnly)
		}
		if !in.Until.IsZero() {
			line += " to " + in.Until.Format(time.DateOnly)
		}
		got = append(got, line)
		return nil
	})
	return got, rep, err
}

func reasons(rep feed.Report) map[string]int {
	out := map[string]int{}
	for _, r := range rep.Reasons {
		out[r.Reason] = r.Count
	}
	return out
}

const junk = "\xef\xbb\xbf# a list\r\n" +
	"203.0.113.9 # a comment\r\n\r\n" +
	"; another\n// third\n" +
	"hxxp://evil[.]example/x\n" +
	"0.0.0.0 ads.example\n" +
	"||tracker.example^$third-party\n" +
	"203.0.113.16-203.0.113.19\n" +
	"\x00\xff\xfe binary\n" +
	"10.0.0.1\nlocalhost\ncom\n0.0.0.0/0\n" +
	"not an indicator at all\n" +
	"\"198.51.100.7\"\n" +
	"last.example"

func TestList(t *testing.T) {
	got, rep, err := read(t, junk, feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ip 203.0.113.9 50", "url evil.example/x 50", "domain ads.example 50", "domain tracker.example 50", "subnet 203.0.113.16/30 50",
		"ip 198.51.100.7 50", "domain last.example 50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantWhy := map[string]int{intel.ErrNothing.Error(): 4, intel.ErrPrivate.Error(): 1, intel.ErrWide.Error(): 1}
	if diff := cmp.Diff(wantWhy, reasons(rep)); diff != "" || rep.Kind != feed.List || rep.Taken != 7 || rep.Refused != 6 || rep.Read != 13 {
		t.Errorf("%s %+v", diff, rep)
	}
}

func TestCSV(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"family,type,indicator": {
			"family,type,indicator\nmirai,ip:port,203.0.113.9:23\nmirai,url,/bins/x.arm\ngafgyt,domain,evil.example\n",
			[]string{"ip:port 203.0.113.9:23 50 mirai", "path /bins/x.arm 50 mirai", "domain evil.example 50 gafgyt"},
		},
		"names in a comment, quoted, with confidence and dates": {
			"################\n# \"first_seen_utc\",\"ioc_value\",\"ioc_type\",\"malware_printable\",\"confidence_level\",\"tags\"\n" +
				"\"2026-01-02 03:04:05\", \"203.0.113.9:80\", \"ip:port\", \"Mozi, the botnet\", \"75\", \"a,b\"\n",
			[]string{"ip:port 203.0.113.9:80 75 Mozi, the botnet from 2026-01-02"},
		},
		"several columns of values": {
			"first_seen,sha256_hash,md5_hash,signature\n2026-01-02,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,d41d8cd98f00b204e9800998ecf8427e,Mirai\n",
			[]string{"sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 50 Mirai from 2026-01-02", "md5 d41d8cd98f00b204e9800998ecf8427e 50 Mirai from 2026-01-02"},
		},
		"ja3": {
			"# ja3_md5,Firstseen,Lastseen,Listingreason\nb386946a5a44d1ddcc843bc75336dfce,2017-07-14 18:08:15,2019-07-27 20:42:54,Dridex\n",
			[]string{"ja3 b386946a5a44d1ddcc843bc75336dfce 50 Dridex from 2017-07-14"},
		},
		"without a header": {
			"1,203.0.113.9,x\n2,203.0.113.10,y\n3,nothing,z\n",
			[]string{"ip 203.0.113.9 50", "ip 203.0.113.10 50"},
		},
		"semicolons and an end": {
			"value;valid_until;tlp\nevil.example;2026-05-01;TLP:AMBER\n",
			[]string{"domain evil.example 50 tlp:amber to 2026-05-01"},
		},
	}
	for name, tt := range tests {
		got, rep, err := read(t, tt.text, feed.Options{})
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || rep.Kind != feed.CSV {
			t.Errorf("%s: %v %s %+v", name, err, diff, rep)
		}
	}
}

func TestSTIX(t *testing.T) {
	data, err := os.ReadFile("testdata/bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	got, rep, err := read(t, string(data), feed.Options{Confidence: 40})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ip 203.0.113.9 85 Mirai tlp:amber from 2026-01-01 to 2026-04-01",
		"domain evil.example 40 from 2026-01-01", "url evil.example/a 40 from 2026-01-01",
		"subnet 198.51.100.0/24 40", "ip:port 203.0.113.10:23 40", "ip:port [2001:db8::7]:23 40",
		"md5 d41d8cd98f00b204e9800998ecf8427e 40", "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 40",
		"ip 203.0.113.20 40", "ip 203.0.113.21 40", "email it's@evil.example 40",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	why := reasons(rep)
	for _, reason := range []string{
		"a STIX pattern over several observations in time", "a STIX pattern with a comparison other than =, IN and ISSUBSET", "a STIX pattern that cannot be read",
		"a STIX pattern over what is not an address, a name, a URL, a hash or a mailbox", "a STIX pattern whose parts mean something only together",
		"a STIX indicator that was revoked", "a pattern in yara, which is not for this", "STIX malware: no indicator", "STIX ipv4-addr: no indicator",
		"an object with fields of the wrong type",
	} {
		if why[reason] == 0 {
			t.Errorf("nothing was counted as %q: %v", reason, why)
		}
	}
}

func TestMISP(t *testing.T) {
	data, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ip 203.0.113.9 50 Mozi tlp:green from 2026-01-02", "ip:port 203.0.113.9:8080 50 Mozi tlp:red", "domain evil.example 50 Mozi tlp:green", "ip 203.0.113.10 50 Mozi tlp:green",
		"sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 50 Mozi tlp:green",
	}
	for _, text := range []string{string(data), `{"response":[` + string(data) + `]}`, "[" + string(data) + "]"} {
		got, rep, err := read(t, text, feed.Options{})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		why := reasons(rep)
		if rep.Kind != feed.MISP || why["a MISP attribute that is not for detection (to_ids)"] != 1 || why["MISP yara: not for look-up"] != 1 || rep.Refused != 1 {
			t.Errorf("%+v", rep)
		}
	}
}

func TestDamaged(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(strings.Repeat("203.0.113.9\n", 9999)))
	_ = z.Close()
	if got, _, err := read(t, zipped.String(), feed.Options{}); err != nil || len(got) != 9999 {
		t.Errorf("gzip: %d, %v", len(got), err)
	}
	for name, text := range map[string]string{
		"gzip that breaks off":     zipped.String()[:zipped.Len()-9],
		"a bundle that breaks off": `{"type":"bundle","objects":[{"type":"indicator","id":"a","pattern":"[ipv4-addr:value = '203.0.113.9']"},{"ty`,
		"a bundle with an error":   `{"type":"bundle","objects":[{"type":"indicator",,}]}`,
	} {
		if _, _, err := read(t, text, feed.Options{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _, err := read(t, "203.0.113.9\n"+strings.Repeat("x", 3<<20)+"\n203.0.113.10", feed.Options{}); err != nil || len(got) != 2 {
		t.Errorf("a long line: %v %v", got, err)
	}
	if _, _, err := read(t, "x", feed.Options{Kind: "nonsense"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a kind that is none: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := feed.Read(ctx, strings.NewReader(strings.Repeat("203.0.113.9\n", 9999)), feed.Options{}, func(intel.Indicator) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPack(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("203.0.113.9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".hidden"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := feed.Pack(&buf, []string{dir, "-", "testdata/lists.zip"}, strings.NewReader("from stdin")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, err := range feed.Unpack(&buf) {
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(d); err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.Base(d.Name)+": "+strings.TrimSpace(text.String()))
	}
	if diff := cmp.Diff([]string{"a.txt: 203.0.113.9", "stdin: from stdin", "lists.zip!one.txt: one.example", "lists.zip!two.txt: two.example"}, got); diff != "" {
		t.Error(diff)
	}
	if err := feed.Pack(&buf, []string{filepath.Join(dir, "none")}, nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a path that is not there: %v", err)
	}
}

// FuzzRead: whatever a feed is, what is read adds up, and each indicator is in
// normal form.
func FuzzRead(f *testing.F) {
	f.Add([]byte(junk))
	f.Add([]byte("a,type,indicator\nx,ip,203.0.113.9\n"))
	f.Add([]byte("hx.p8//evil[[.]\nhxxp://a.example/evil[[.]\n"))
	for _, name := range []string{"bundle.json", "event.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		rep, err := feed.Read(t.Context(), bytes.NewReader(data), feed.Options{Source: "s"}, func(in intel.Indicator) error {
			n++
			kind, value, err := intel.ParseAs(in.Type, in.Value)
			if err != nil || kind != in.Type || value != in.Value {
				t.Fatalf("%v %q is not in normal form: %v %q %v", in.Type, in.Value, kind, value, err)
			}
			if in.Confidence < 1 || in.Confidence > 100 || strings.ContainsAny(in.Family, "\t\n") {
				t.Fatalf("%+v", in)
			}
			return intel.Refuse(in.Type, in.Value, false)
		})
		if rep.Taken > n || err == nil && rep.Taken > 0 && rep.Read == 0 {
			t.Fatalf("%d given, %+v, %v", n, rep, err)
		}
		sum := 0
		for _, r := range rep.Reasons {
			sum += r.Count
		}
		if sum != rep.Refused+rep.Opaque {
			t.Fatalf("reasons add up to %d: %+v", sum, rep)
		}
	})
}
