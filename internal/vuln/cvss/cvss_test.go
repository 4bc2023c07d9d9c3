package cvss

import (
	"math"
	"testing"
)

func TestBase(t *testing.T) {
	f := func(vector string, want float64, severity string) {
		t.Helper()
		v, err := Parse(vector)
		if err != nil {
			t.Errorf("%s: %v", vector, err)
			return
		}
		got, ok := v.Base()
		if math.Abs(got-want) > 0.001 || !ok || Severity(v.Version, got) != severity {
			t.Errorf("%s: %v %v, want %v", vector, got, ok, want)
		}
	}
	f("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "CRITICAL")
	f("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H", 9.6, "CRITICAL")
	f("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", 5.5, "MEDIUM")
	f("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:L/I:N/A:N", 4, "MEDIUM")
	f("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0, "NONE")
	f("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10, "HIGH")
	f("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3, "MEDIUM")
	f("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3, "CRITICAL")
	f("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10, "CRITICAL")
	f("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", 7.3, "HIGH") // threat is no part of the base score
	f("CVSS:4.0/SA:N/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N", 1, "LOW")        // in another order
	f("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0, "NONE")
	for _, bad := range []string{"", "CVSS:3.1/AV:N", "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:9.0/AV:N"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestAgrees: a score of version 4 may be with threat, one of the others may not.
func TestAgrees(t *testing.T) {
	f := func(vector string, score float64, want bool) {
		t.Helper()
		v, err := Parse(vector)
		if err != nil {
			t.Fatal(err)
		}
		if got, base := v.Agrees(score); got != want {
			t.Errorf("%s: %v is %v, the vector gives %v", vector, score, got, base)
		}
	}
	const four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	f(four, 9.3, true)
	f(four, 9.2, false)
	f(four+"/E:U", 9.3, true)
	f(four+"/E:U", 8.1, true)
	f(four+"/E:U", 8.2, false)
	f("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U", 9.8, true)
	f("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U", 8.9, false)
}

// FuzzParse: what is read has a score between 0 and 10.
func FuzzParse(f *testing.F) {
	f.Add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	f.Add("AV:N/AC:L/Au:N/C:C/I:C/A:C")
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/MSI:S/U:Amber")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		if s, ok := v.Base(); !ok || s < 0 || s > 10 || math.IsNaN(s) {
			t.Fatalf("%q: %v", text, s)
		}
	})
}
