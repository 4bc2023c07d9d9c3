// Package version orders versions: those of software ecosystems by the rules of
// each, and those that firmware of industrial devices carries (V2.8.3 SP1,
// 21.011, R2023a, "FW V2.8", Update 4) by rules that say "unknown" where the
// order is not sure. It also reads ranges as advisories write them, in `vers:`
// or in words.
//
// It must not guess: an order that two people could see differently is Unknown.
package version

import "strings"

// Order is how one version stands to another.
type Order int8

// The orders. Unknown is the zero value.
const (
	Unknown Order = iota
	Less
	Equal
	Greater
)

func (o Order) String() string {
	switch o {
	case Less:
		return "less"
	case Equal:
		return "equal"
	case Greater:
		return "greater"
	case Unknown:
	}
	return "unknown"
}

// turned is the order seen from the other side.
func (o Order) turned() Order {
	switch o {
	case Less:
		return Greater
	case Greater:
		return Less
	case Equal, Unknown:
	}
	return o
}

func order[T int | int64 | string](a, b T) Order {
	switch {
	case a < b:
		return Less
	case a > b:
		return Greater
	}
	return Equal
}

// The schemes by which versions are ordered.
const (
	Generic = ""
	Semver  = "semver"
	Deb     = "deb"
	RPM     = "rpm"
	APK     = "apk"
	PyPI    = "pypi"
	Maven   = "maven"
	Git     = "git" // hashes have no order
	OpenSSL = "openssl"
)

// MaxLength bounds a version; a longer text has no order.
const MaxLength = 200

// SchemeOf turns the name that a purl type, an OSV ecosystem or a CVE
// versionType gives into a scheme.
func SchemeOf(name string) string {
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), ":")
	switch name {
	case "semver", "npm", "golang", "go", "cargo", "crates.io", "nuget", "hex", "pub", "swift", "swifturl", "rubygems", "gem":
		return Semver
	case "deb", "dpkg", "debian", "ubuntu":
		return Deb
	case "rpm", "red hat", "redhat", "rocky linux", "almalinux", "suse", "opensuse":
		return RPM
	case "apk", "alpine":
		return APK
	case "pypi", "python", "pep440":
		return PyPI
	case "maven":
		return Maven
	case "git":
		return Git
	}
	return Generic
}

// Compare orders a and b by a scheme.
func Compare(scheme, a, b string) Order {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	if a == "" || b == "" || len(a) > MaxLength || len(b) > MaxLength {
		return Unknown
	}
	switch scheme {
	case Semver:
		return compareSemver(a, b)
	case Deb:
		return compareDeb(a, b)
	case RPM:
		return compareRPM(a, b)
	case APK:
		return compareGeneric(strings.Replace(a, "-r", " r", 1), strings.Replace(b, "-r", " r", 1))
	case PyPI:
		return comparePyPI(a, b)
	case Maven:
		return compareMaven(a, b)
	case Git:
		if strings.EqualFold(a, b) {
			return Equal
		}
		return Unknown
	case OpenSSL:
		return compareOpenSSL(a, b)
	}
	return compareGeneric(a, b)
}

// Fits tells whether a version is one of the scheme's. What is written by people
// under the name of a scheme often is not, and Generic serves it better.
func Fits(scheme, v string) bool { return Compare(scheme, v, v) == Equal }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// number compares two digit strings of any length.
func number(a, b string) Order {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return order(len(a), len(b))
	}
	return order(a, b)
}
