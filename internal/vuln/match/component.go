package match

import (
	"regexp"
	"slices"
	"strings"

	"vedette/internal/vuln/advisory"
)

// languages are the types of package URLs of ecosystems in which anybody may give a
// package any name that is free: there "redis" is a client as soon as the server.
var languages = wordSet("npm pypi cargo gem nuget maven composer hex pub cocoapods cpan cran hackage swift golang luarocks conda")

// distributions are the types of packages that are built, and mended, by others than
// the maker; "alpine" is what some tools write for apk.
var distributions = wordSet("deb rpm apk alpm alpine")

// plain is the type of package URLs of what is of no ecosystem, as bills of firmware have
// it: what it names is what its maker calls it.
const plain = "generic"

// filled completes a query: where only a package URL or a CPE has the version, that is
// it, and an epoch that stands apart is put before it; where only the package URL of what
// is of no ecosystem has a name, that is it.
func (q *Query) filled() {
	for _, u := range q.PURLs {
		p, ok := advisory.ParsePURL(u)
		if !ok {
			continue
		}
		if q.Version == "" {
			q.Version = p.Version
		}
		if q.Product == "" && p.Type == plain {
			q.Product = p.Name
		}
		epoch := advisory.Qualifier(u, "epoch")
		if p.Type == "rpm" && q.Version != "" && !strings.Contains(q.Version, ":") && epoch != "" && epoch != "0" && strings.Trim(epoch, "0123456789") == "" {
			q.Version = epoch + ":" + q.Version
		}
	}
	for _, text := range q.CPEs {
		if c, ok := advisory.ParseCPE(text); ok && q.Version == "" && c.Update == "" {
			q.Version = c.Version
		}
	}
}

// withoutVersion is the name of a product without the version, where that stands at
// its end as bills of files have it; "": it does not.
func withoutVersion(name, version string) string {
	version = strings.TrimLeft(version, "vV")
	rest, ok := strings.CutSuffix(name, version)
	if !ok || !strings.Contains(version, ".") {
		return ""
	}
	rest = strings.TrimRight(rest, "vV")
	cut := strings.TrimRight(rest, "-_ ")
	if cut == rest {
		return ""
	}
	return cut
}

// owned takes what a repository's owner and name tell: the maker and the product. What
// has no maker in its source is not taken.
func (x *Index) owned(s *search, p *advisory.PURL) {
	owner, name := p.Namespace, p.Name
	switch p.Type {
	case "github", "gitlab", "bitbucket":
	case "golang":
		parts := strings.Split(p.Namespace+"/"+p.Name, "/")
		if len(parts) < 3 || !slices.Contains([]string{"github.com", "gitlab.com", "bitbucket.org"}, parts[0]) {
			return
		}
		if len(parts) > 3 && !major.MatchString(parts[3]) {
			return // a part of what the repository has
		}
		owner, name = parts[1], parts[2]
	default:
		return
	}
	asked := s.vendor
	s.vendor = x.aliases.Vendor(owner)
	var list []ref
	for _, r := range s.list(tableName, prepare(name, vendorWords(owner)).key) {
		if makers := r.in.makers[r.product]; s.vendor != "" && slices.ContainsFunc(makers, func(m string) bool { return m != "" && sameVendor(s.vendor, m) }) {
			list = append(list, r)
		}
	}
	s.take(list, byName)
	s.vendor = asked
}

var major = regexp.MustCompile(`^v\d+$`)

// built takes the name of what a distribution's package was built from, if the package
// says so: libssl3 was built from openssl.
func (x *Index) built(s *search, q *Query, text string, p *advisory.PURL) {
	from := advisory.Qualifier(text, "upstream")
	if from == "" || q.Product == "" || !distributions[p.Type] {
		return
	}
	if name, ok := strings.CutSuffix(from, ".src.rpm"); ok { // name-version-release
		for range 2 {
			if i := strings.LastIndexByte(name, '-'); i > 0 {
				name = name[:i]
			}
		}
		from = name
	}
	from, _, _ = strings.Cut(from, "@")
	var list []ref
	for _, r := range s.list(tableName, prepare(from, vendorWords(q.Vendor)).key) {
		if !slices.Contains(r.in.makers[r.product], x.aliases.Vendor(p.Namespace)) || p.Namespace == "" { // "linux" of Debian is the distribution
			list = append(list, r)
		}
	}
	s.take(list, byName)
}

// cpeMakers are the makers that the CPEs of a query name, when nobody else names one. A
// CPE that has the name twice is what tools guess, and names none.
func (x *Index) cpeMakers(q *Query) []string {
	if q.Vendor != "" {
		return nil
	}
	var out []string
	for _, text := range q.CPEs {
		if c, ok := advisory.ParseCPE(text); ok {
			v := x.aliases.Vendor(c.Vendor)
			if v == "" || squash(words(c.Vendor)) == squash(words(c.Product)) {
				return nil
			}
			out = append(out, v)
		}
	}
	return out
}

// doubt tells why a product that was found by its name need not be what is asked for:
// a package of an ecosystem bears that name, and nothing says that it is the maker's.
func (f *found) doubt(x *Index, q *Query) string {
	kind := ""
	var owners []string
	for _, u := range q.PURLs {
		p, ok := advisory.ParsePURL(u)
		if !ok || !languages[p.Type] && (p.Type != plain || len(q.CPEs) > 0) {
			return ""
		}
		if p.Type == "golang" && pseudo.MatchString(p.Version+q.Version) {
			return "its version is a commit, which has no place among releases"
		}
		kind = p.Type
		owners = append(owners, x.ownersOf(&p)...)
	}
	if kind == "" || q.Vendor != "" {
		return ""
	}
	owners = append(owners, x.makersSaid(q)...)
	for p := range f.products {
		for _, maker := range f.in.makers[p] {
			if maker != "" && slices.ContainsFunc(owners, func(o string) bool { return o != "" && sameVendor(o, maker) }) {
				return ""
			}
		}
	}
	if kind == plain {
		return "its package URL has the name alone, and nothing says that it is this maker's"
	}
	return "a package of " + kind + " bears the name, and nothing says that it is this product"
}

// ownersOf are the makers that a package URL may tell of.
func (x *Index) ownersOf(p *advisory.PURL) (out []string) {
	if p.Type == plain { // "openssl" is OpenSSL's own
		out = append(out, x.aliases.Vendor(p.Name))
	}
	for part := range strings.FieldsFuncSeq(p.Namespace, func(r rune) bool { return r == '/' || r == '.' || r == '@' }) {
		out = append(out, x.aliases.Vendor(part))
	}
	return out
}

// makersSaid are those that CPEs name. One that has the name twice is what tools guess.
func (x *Index) makersSaid(q *Query) (out []string) {
	for _, text := range q.CPEs {
		if c, ok := advisory.ParseCPE(text); ok && squash(words(c.Vendor)) != squash(words(c.Product)) {
			out = append(out, x.aliases.Vendor(c.Vendor))
		}
	}
	return out
}

// pseudo is a version that Go makes of a commit: its time and the beginning of its hash.
var pseudo = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}(\+incompatible)?(v|$)`)

// upstream takes what a distribution adds off a version: the epoch, the revision, and
// marks of what was left out or put back: 1:2.0+really1.9+dfsg1-3+deb12u1 is 1.9.
func upstream(v string) string {
	if epoch, rest, ok := strings.Cut(v, ":"); ok && epoch != "" && strings.Trim(epoch, "0123456789") == "" {
		v = rest
	}
	if i := strings.LastIndexByte(v, '-'); i > 0 {
		v = v[:i]
	}
	if _, back, ok := strings.Cut(v, "+really"); ok && back != "" {
		v = back
	}
	if at := repacked.FindStringIndex(v); at != nil && at[0] > 0 {
		v = v[:at[0]]
	}
	return v
}

var repacked = regexp.MustCompile(`[+~.](dfsg|ds|repack|deb\d+u)\d*(\.\d+)?.*$`)
