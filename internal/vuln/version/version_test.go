package version

import "testing"

func TestCompare(t *testing.T) {
	f := func(scheme, a, b string, want Order) {
		t.Helper()
		if got := Compare(scheme, a, b); got != want {
			t.Errorf("%q %q %q: %v, want %v", scheme, a, b, got, want)
		}
		if got := Compare(scheme, b, a); got != want.turned() {
			t.Errorf("%q %q %q turned: %v, want %v", scheme, b, a, got, want.turned())
		}
	}
	f(Generic, "V2.8.3", "V2.8.3 SP1", Less)
	f(Generic, "FW V2.8", "2.8.0", Equal)
	f(Generic, "Firmware: 2.8", "v2.9", Less)
	f(Generic, "21.011", "21.11", Equal)
	f(Generic, "21.011", "21.012", Less)
	f(Generic, "R2023a", "R2023b", Less)
	f(Generic, "V16 Update 5", "V16", Greater)
	f(Generic, "V16 Update 5", "V16 Upd6", Less)
	f(Generic, "V7.5 SP2 Update 8", "V7.5 SP2 Update 10", Less)
	f(Generic, "V7.5 Update 9", "V7.5 SP1", Less)
	f(Generic, "1.0.212N", "1.0.212M", Greater)
	f(Generic, "1.0.212", "1.0.212N", Less)
	f(Generic, "V01L001", "V01L053", Less)
	f(Generic, "R16A", "R15B", Greater)
	f(Generic, "June/20/2023", "July/1/2023", Less)
	f(Generic, "FB", "FC", Less)
	f(Generic, "20130114", "1.3", Unknown)
	f(Generic, "CPCI85 V05", "CPCI85 V04", Greater)
	f(Generic, "CPCI85 V05", "V04", Unknown)
	f(Generic, "1.4.0_build221212", "1.4.0 Build 221213", Less)
	f(Generic, "1.0-rc1", "1.0", Less)
	f(Generic, "02.20.126.11-41", "02.20.126.11-42", Less)
	f(Generic, "2020_R2_SP1_P01", "2020 R2 SP1", Greater)
	f(Generic, "12_SP0_1204.77", "12_SP0_1204.78", Less)
	f(Generic, "1.0.2", "1.0.2a", Less)
	f(Semver, "1.2.3-beta.2", "1.2.3-beta.10", Less)
	f(Semver, "1.2.3", "1.2.3+build", Equal)
	f(Deb, "1:1.0-1", "2.0-1", Greater)
	f(Deb, "1.0~rc1-1", "1.0-1", Less)
	f(Deb, "2.30-21+deb11u1", "2.30-21", Greater)
	f(RPM, "1.0.2k-19.el7", "1.0.2k-21.el7_9", Less)
	f(RPM, "1.0~rc1", "1.0", Less)
	f(PyPI, "1.0.dev1", "1.0a1", Less)
	f(PyPI, "1.0.post1", "1.0", Greater)
	f(Maven, "1.0-alpha-1", "1.0", Less)
	f(Maven, "1.0", "1", Equal)
	f(Maven, "1.0.1", "1.0-sp1", Greater)
	f(Git, "abc", "abd", Unknown)
}

func TestParse(t *testing.T) {
	f := func(text, version string, want Place) {
		t.Helper()
		s := Parse(text)
		if got, why := s.Locate(version); got != want {
			t.Errorf("%q %q: %v (%s), want %v; read as %+v", text, version, got, why, want, s)
		}
	}
	f("vers:all/<V5.5.2", "V5.5.1", Inside)
	f("vers:all/<V5.5.2", "V5.5.2", Above)
	f("vers:all/>=V7.80<V9.40", "V9.30", Inside)
	f("vers:all/>=V7.80<V9.40", "V7.79", Below)
	f("vers:all/*", "", Inside)
	f("vers:semver/>=1.0.0|<1.2.0|>=2.0.0|<2.1.0", "1.5.0", Between)
	f("vers:semver/>=1.0.0|<1.2.0|>=2.0.0|<2.1.0", "2.0.5", Inside)
	f("< V2.8", "2.7", Inside)
	f("<V2.8", "", NotSure)
	f("All versions prior to V2.8", "V2.8", Above)
	f("versions before 3.0", "2.9", Inside)
	f("Version 2.5 and earlier", "2.5", Inside)
	f("Version 2.5 and earlier", "2.6", Above)
	f("3.1 and prior", "3.0", Inside)
	f("2.0 through 2.4", "2.4", Inside)
	f("2.0 to 2.4", "2.5", Above)
	f("from 1.2 up to and including 1.9", "1.1", Below)
	f(">= 12.0.1 | <= 12.0.14", "12.0.15", Above)
	f(">=R3.08.10 | <= R3.09.00", "3.08.11", Inside)
	f(">FW19_up_to_and_including_FW26", "FW26", Inside)
	f(">FW19_up_to_and_including_FW26", "FW19", Below)
	f("All BIOS versions < V1.0.212N", "V1.0.212M", Inside)
	f("All versions with Ethernet interface", "1.0", NotSure)
	f("<= 3.3-006 (with <= bacnetstac 4.2.1)", "3.3-005", NotSure)
	f("<=with_the_first_5_digits_of_serial_number_24061", "1.0", NotSure)
	f("2.0.x", "2.0.7", Inside)
	f("2.0.x", "2.1", Above)
	f("10 | 11", "11", Inside)
	f("12.4.1-12.4.11", "12.4.9", Inside)
	f("2.03-06", "2.03-06", Inside)
	f("20-33", "25", Inside)
	f("1.3", "1.2", Unlisted)
	f("All versions", "9", Inside)
	f("n/a", "9", NotSure)
	f("< V17 Update 6", "V17 Update 5", Inside)
	f("< V17 Update 6", "V17", Inside)
	f("All versions < V2.8", "FW V2.8", Above)
	f("<June/20/2023", "June/19/2023", Inside)
	f(">= V2.0 < V2.1.4", "V2.1.3", Inside)
	f("1.5 and later", "1.5", Inside)
	f("<  rev. 8.3.0", "8.2.9", Inside)
	f("All versions with Nozomi Guardian before V22.6.2", "30", NotSure)
	f(">=v5.0.x|<=5.16.x", "5.16.9", Inside)
	f(">=v5.0.x|<=5.16.x", "5.17", Above)
	f("4.1.1 (and possibly prior versions)", "4.0", Inside)
	f("1.275M—1.280S", "1.276A", Inside)
	f("<=9.4_FP2_Hotfix_4", "9.4 FP2", Inside)
	f("1.000 (These products are sold in limited regions)", "1.000", Inside)
	f("Fixed in OpenSSL 1.1.1d (Affected 1.1.1-1.1.1c)", "1.1.1b", Inside)
	f("Fixed in OpenSSL 1.1.1d (Affected 1.1.1-1.1.1c)", "1.1.1d", Above)
	f("vers:semver/<3.0.0", "1.1.1k", Inside)
	f("V2.0, V2.1", "V2.1", Inside)
}

func FuzzCompare(f *testing.F) {
	for _, v := range []string{"V2.8.3 SP1", "21.011", "R2023a", "1.0-rc1", "CPCI85 V05", "2020_R2_SP1_P01", "1:1.0~rc1-2", "FB"} {
		f.Add("", v, "V2.8", "1.0a")
		f.Add("deb", v, "V2.8 Update 3", "1.0")
	}
	f.Fuzz(func(t *testing.T, scheme, a, b, c string) {
		for _, s := range []string{SchemeOf(scheme), Generic, Semver, Deb, RPM, PyPI, Maven} {
			ab, ba := Compare(s, a, b), Compare(s, b, a)
			if ab != ba.turned() {
				t.Fatalf("%q: %q %q %v, turned %v", s, a, b, ab, ba)
			}
			bc, ac := Compare(s, b, c), Compare(s, a, c)
			if (ab == Less || ab == Equal) && (bc == Less || bc == Equal) && ac == Greater {
				t.Fatalf("%q: %q %v %q %v %q, but the first is greater than the last", s, a, ab, b, bc, c)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, v := range []string{"vers:all/>=V7.80<V9.40", "All versions prior to V2.8", "2.0.x", ">FW19_up_to_and_including_FW26", "1.0, 1.1 and 2.0 through 2.4"} {
		f.Add(v, "2.0")
	}
	f.Fuzz(func(t *testing.T, text, v string) {
		s := Parse(text)
		at, why := s.Locate(v)
		if at == NotSure && why == "" {
			t.Fatalf("%q %q: not sure without a reason", text, v)
		}
		for _, sp := range s.Spans {
			if sp.Low == "" && sp.High == "" {
				t.Fatalf("%q: an open span", text)
			}
		}
	})
}
