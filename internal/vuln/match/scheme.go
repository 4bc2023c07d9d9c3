package match

import (
	"slices"
	"strings"

	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/version"
)

// The name of a product, and of its maker, whose versions are ordered in its own way.
const openSSL = "openssl"

// versionsOf are the versions of a product, in the order of its maker where that is known
// and the source tells no other.
func versionsOf(p *advisory.Product) *version.Set {
	set := &p.Versions
	if set.Scheme != version.Generic && set.Scheme != version.Semver || !isOpenSSL(p) {
		return set
	}
	return set.OfOpenSSL()
}

// fixScheme is how the version that mends a product is held against others: people write
// it, whatever the scheme of the affected ones.
func fixScheme(p *advisory.Product) string {
	if isOpenSSL(p) {
		return version.OpenSSL
	}
	return version.Generic
}

// isOpenSSL tells OpenSSL itself, not what a distribution makes of it.
func isOpenSSL(p *advisory.Product) bool {
	if NameKey(p.Name) == openSSL && (p.Vendor == "" || isMaker(p.Vendor)) {
		u, ok := advisory.ParsePURL(p.PURL)
		return !ok || !distributions[u.Type]
	}
	return slices.ContainsFunc(p.CPEs, cpeOfOpenSSL)
}

func isMaker(vendor string) bool { return strings.HasPrefix(NameKey(vendor), openSSL) }

func cpeOfOpenSSL(text string) bool {
	c, ok := advisory.ParseCPE(text)
	return ok && c.Vendor == openSSL && c.Product == openSSL
}

// Scheme is how the versions of what is asked for are ordered, as far as its names tell.
func (q *Query) Scheme() string {
	full := *q
	full.filled()
	p := advisory.Product{Vendor: full.Vendor, Name: full.Product, CPEs: full.CPEs}
	if !isOpenSSL(&p) || q.packaged() {
		return version.Generic
	}
	return version.OpenSSL
}
