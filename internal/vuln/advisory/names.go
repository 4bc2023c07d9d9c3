package advisory

import (
	"net/url"
	"regexp"
	"strings"
)

// CPE are the parts of a CPE name that matter here; "" is any or unknown.
type CPE struct{ Part, Vendor, Product, Version, Update string }

// ParseCPE reads a CPE name of form 2.2 or 2.3.
func ParseCPE(text string) (CPE, bool) {
	var parts []string
	switch {
	case len(text) > 8 && strings.EqualFold(text[:8], "cpe:2.3:"):
		parts = splitCPE(text[8:])
	case strings.HasPrefix(text, "cpe:/"):
		parts = strings.Split(text[5:], ":")
		for i, p := range parts {
			if plain, err := url.PathUnescape(p); err == nil {
				parts[i] = plain
			}
		}
	default:
		return CPE{}, false
	}
	get := func(i int) string {
		if i >= len(parts) || parts[i] == "*" || parts[i] == "-" {
			return ""
		}
		return parts[i]
	}
	c := CPE{strings.ToLower(get(0)), get(1), get(2), get(3), get(4)}
	return c, c.Product != "" && (c.Part == "a" || c.Part == "o" || c.Part == "h")
}

// splitCPE cuts at colons that no backslash guards, and takes the guards off.
func splitCPE(s string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == ':':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(parts, b.String())
}

// PURL are the parts of a package URL.
type PURL struct{ Type, Namespace, Name, Version string }

var purlType = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9.+-]*$`)

// ParsePURL reads a package URL.
func ParsePURL(text string) (PURL, bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return PURL{}, false
	}
	rest = strings.TrimLeft(rest, "/")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	kind, rest, ok := strings.Cut(rest, "/")
	if !ok || !purlType.MatchString(kind) {
		return PURL{}, false
	}
	p := PURL{Type: strings.ToLower(kind)}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 && !strings.Contains(rest[i:], "/") {
		p.Version = unescape(rest[i+1:])
		rest = rest[:i]
	}
	rest = strings.Trim(rest, "/")
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		p.Namespace, rest = unescape(rest[:i]), rest[i+1:]
	}
	p.Name = unescape(rest)
	return p, p.Name != ""
}

var pypiRuns = regexp.MustCompile(`[-_.]+`)

// Qualifier is the value of a qualifier of a package URL, or "".
func Qualifier(text, key string) string {
	text, _, _ = strings.Cut(text, "#")
	_, list, _ := strings.Cut(text, "?")
	for pair := range strings.SplitSeq(list, "&") {
		if k, v, ok := strings.Cut(pair, "="); ok && strings.EqualFold(k, key) {
			return unescape(v)
		}
	}
	return ""
}

// collections are where packages of an ecosystem lie, by host.
var collections = map[string]string{
	"repo.maven.apache.org": "maven", "repo1.maven.org": "maven", "central.sonatype.com": "maven", "mvnrepository.com": "maven", "search.maven.org": "maven",
	"registry.npmjs.org": "npm", "www.npmjs.com": "npm", "npmjs.com": "npm", "pypi.org": "pypi", "pypi.python.org": "pypi", "pkg.go.dev": "golang", "crates.io": "cargo",
	"rubygems.org": "gem", "www.nuget.org": "nuget", "nuget.org": "nuget", "packagist.org": "composer", "hex.pm": "hex", "pub.dev": "pub",
}

// packageIn is the package URL of a package in a collection, or "".
func packageIn(collection, name string) string {
	u, err := url.Parse(strings.TrimSpace(collection))
	if err != nil || name == "" {
		return ""
	}
	kind := collections[strings.ToLower(u.Host)]
	if kind == "" || strings.ContainsAny(name, " ?#") {
		return ""
	}
	if kind == "maven" {
		name = strings.Replace(name, ":", "/", 1)
	}
	if text := "pkg:" + kind + "/" + strings.ReplaceAll(name, "@", "%40"); ValidPURL(text) {
		return text
	}
	return ""
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// ValidPURL tells whether a text is a package URL with all that its type needs.
func ValidPURL(text string) bool {
	p, ok := ParsePURL(text)
	if !ok {
		return false
	}
	return p.Type != "maven" && p.Type != "swift" || p.Namespace != ""
}

// Base is the package without its version.
func (p PURL) Base() string {
	base := p.Type + "/" + p.Namespace + "/" + p.Name
	if p.Type == "pypi" {
		base = p.Type + "/" + p.Namespace + "/" + pypiRuns.ReplaceAllString(p.Name, "-") // PEP 503
	}
	return strings.ToLower(base)
}
