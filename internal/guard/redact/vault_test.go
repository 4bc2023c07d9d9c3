package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/guard/redact"
)

var site = redact.Catalogue{
	Hosts:     []string{"plc-line3-01", "HMI07", "scada.werk2.example", "sensor", "Käfer-Pumpe"},
	Addresses: []string{"10.20.3.17", "10.20.3.18", "fd00::17", "00:1a:2b:3c:4d:5e"},
	Serials:   []string{"6ES7-315-2EH14", "SN99812"},
	Users:     []string{"anna.meier", "operator"},
	Tags:      []string{"FIC-101.PV"},
	Sites:     []string{"Werk Nord", "Halle 7"},
}

// texts draws text of a site: its values among words, marks and look-alikes.
func texts() *rapid.Generator[string] {
	values := append(append(append(append(append([]string{}, site.Hosts...), site.Addresses...), site.Users...), site.Tags...), site.Sites...)
	piece := rapid.OneOf(
		rapid.SampledFrom(values),
		rapid.SampledFrom([]string{"from", "to", "user ", "host=", "the", "Dr. Anna Meier", "bob@plant.example", "10.20.9.9", "192.0.2.77", "HOST_ab12", "IP_ab_cd_0123", "«", "»", "_", "x", "Ω", "=", ":", "(", ")", "\n", "failed login", "8.8.8.8/24", "+49 30 1234567"}),
		rapid.StringN(0, 6, 12),
	)
	return rapid.Custom(func(t *rapid.T) string {
		sep := rapid.SampledFrom([]string{" ", "", " ", ", "}).Draw(t, "sep")
		return strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), sep)
	})
}

// TestRoundTrip: what a vault hid it gives back, hiding twice changes nothing,
// and no value of the catalogue is in what it wrote.
func TestRoundTrip(t *testing.T) {
	compiled := redact.Compile(site)
	rapid.Check(t, func(t *rapid.T) {
		v := redact.NewVaultOf([]byte("key of a conversation"), compiled)
		for range 3 {
			field := rapid.SampledFrom([]string{"", "message", "src_endpoint.ip", "device.hostname", "user.name"}).Draw(t, "field")
			text := texts().Draw(t, "text")
			out := v.Hide(field, text)
			if again := v.Hide(field, out); again != out {
				t.Fatalf("hide(%q) = %q, again %q", text, out, again)
			}
			if l := v.Leaks([]byte(out)); len(l) > 0 {
				t.Fatalf("hide(%q) = %q leaks %v", text, out, l)
			}
			if strings.Contains(out, redact.HiddenSecret) || strings.Contains(out, redact.Withheld) {
				continue
			}
			if back := v.Restore(out); back != text {
				t.Fatalf("restore(hide(%q)) = %q through %q", text, back, out)
			}
		}
	})
}

// TestSameness: one value has one token in a conversation and another in the
// next; neighbours in a network can be told from strangers.
func TestSameness(t *testing.T) {
	v := redact.NewVault([]byte("one"), site)
	a, b, c := v.Hide("src_endpoint.ip", "10.20.3.17"), v.Hide("dst_endpoint.ip", "10.20.3.18"), v.Hide("dst_endpoint.ip", "10.99.3.18")
	net := func(s string) string { return s[:strings.LastIndexByte(s, '_')] }
	if a == b || net(a) != net(b) || net(a) == net(c) {
		t.Errorf("neighbours %s %s, stranger %s", a, b, c)
	}
	if got := v.Hide("", "seen 10.20.3.17 again"); got != "seen "+a+" again" {
		t.Errorf("in text: %q, in a field: %q", got, a)
	}
	upper, plain := v.Hide("device.hostname", "PLC-LINE3-01"), v.Hide("device.hostname", "plc-line3-01")
	if !strings.HasPrefix(plain, upper) || v.Restore(plain) != "plc-line3-01" || v.Restore(upper) != "PLC-LINE3-01" {
		t.Errorf("two spellings: %s %s", upper, plain)
	}
	if other := redact.NewVault([]byte("two"), site).Hide("src_endpoint.ip", "10.20.3.17"); other == a {
		t.Errorf("the token %s is the same in another conversation", a)
	}
	if got := v.Restore("IP_00_00_0000 HOST_beef"); got != "IP_00_00_0000 HOST_beef" {
		t.Errorf("restored what was not issued: %q", got)
	}
}

// TestLeaks: each value of the catalogue is found in outgoing bytes however it
// was encoded.
func TestLeaks(t *testing.T) {
	v := redact.NewVault([]byte("k"), site)
	zero := func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") }
	escape := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		return b.String()
	}
	percent := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
		return b.String()
	}
	ways := map[string]func(string) string{
		"plain": func(s string) string { return s }, "upper": strings.ToUpper, "percent": url.QueryEscape, "every byte percent": percent,
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }, "url base64": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x=" + s)) },
		"hex": func(s string) string { return hex.EncodeToString([]byte(s)) }, "hex in capitals": func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"zero width": zero, "escapes": escape, "twice": func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
		},
		"percent in base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(percent(s))) },
	}
	for _, list := range [][]string{site.Hosts, site.Addresses, site.Serials, site.Users, site.Tags, site.Sites} {
		for _, value := range list {
			for name, way := range ways {
				out := fmt.Sprintf(`{"text":"look at %s please"}`, way(value))
				if len(v.Leaks([]byte(out))) == 0 {
					t.Errorf("%s, %s: not found in %s", value, name, out)
				}
			}
		}
	}
	if l := v.Leaks([]byte("nothing of the site: 10.20.3.170, plc-line3-012x is none")); len(l) > 0 {
		t.Errorf("found %v where nothing is", l)
	}
	v.Own("ask each sensor for its state; the operator decides")
	if l := v.Leaks([]byte("ask each sensor")); len(l) > 0 {
		t.Errorf("our own words are a leak: %v", l)
	}
	if len(v.Leaks([]byte("HMI07"))) == 0 {
		t.Error("a name is no leak any more")
	}
}

// TestSecrets: a secret does not come back.
func TestSecrets(t *testing.T) {
	v := redact.NewVault([]byte("k"), site)
	for _, secret := range []string{
		"password=hunter2!", `"api_key": "9f8a7b6c5d4e3f2a1b0c"`, "Authorization: Bearer abcdef1234567890abcdef", "AKIA" + "IOSFODNN7EXAMPLE", "ghp_" + strings.Repeat("a1B2", 9),
		"xoxb-" + "1234567890-abcdefghij", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc123_-", "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
		"postgres://app:s3cr3t@10.20.3.17/db", "community string: pr1vate99", "the PIN is 4711",
	} {
		out := v.Hide("", "see "+secret+" there")
		if !strings.Contains(out, redact.HiddenSecret) {
			t.Errorf("%q is left in %q", secret, out)
		}
		if v.Restore(out) == "see "+secret+" there" {
			t.Errorf("%q came back", secret)
		}
	}
	for _, text := range []string{"the password is wrong", "token expired", "key exchange failed"} {
		if out := v.Hide("", text); strings.Contains(out, redact.HiddenSecret) {
			t.Errorf("%q became %q", text, out)
		}
	}
}

// TestDefaultDeny: a field that is not known does not leave, and one that
// holds something else than its class says is read as text.
func TestDefaultDeny(t *testing.T) {
	v := redact.NewVault([]byte("k"), site)
	for _, c := range []struct{ field, value, want string }{
		{"no.such.field", "anything", `^\[WITHHELD\]$`},
		{"raw", "anything", `^\[WITHHELD\]$`},
		{"dst_endpoint.port", "502", `^502$`},
		{"time", "2026-11-27T10:00:00Z", `^2026-11-27T10:00:00Z$`},
		{"ics.function", "write single coil", `^write single coil$`},
		{"ics.function", "call anna.meier", `^call USER_[0-9a-f]+$`},
		{"src_endpoint.ip", "127.0.0.1", `^127\.0\.0\.1$`},
		{"ips", "10.20.3.17, 10.20.3.18", `^IP_\w+, IP_\w+$`},
		{"count", "17", `^17$`},
		{"sum(traffic.bytes_out)", "1234.5", `^1234\.5$`},
		{"p95(duration)", "0.25", `^0\.25$`},
		{"max(dst_endpoint.ip)", "10.20.3.17", `^IP_\w+$`},
		{"first", "2026-11-27T10:00:00Z", `^2026-11-27T10:00:00Z$`},
		{"count(anything)", "call anna.meier", `^call USER_[0-9a-f]+$`},
		{"bytes_out", "17", `^17$`},
		{"hostname", "HMI07", `^HOST_\w+$`},
		{"concat(x)", "17", `^\[WITHHELD\]$`},
		{"name", "HMI07 is ⟨device#1⟩", `^HOST_\w+ is ⟨device#1⟩$`},
		{"rows in all", "12", `^12$`},
		{"device.model", "SIMATIC S7-1200 of 10.20.3.17", `^SIMATIC S7-1200 of IP_\w+$`},
		{"mqtt.topic", "plant/Halle 7/plc-line3-01/state", `^plant/SITE_\w+/HOST_\w+/state$`},
	} {
		if got := v.Hide(c.field, c.value); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s %q became %q, want %s", c.field, c.value, got, c.want)
		}
	}
}
