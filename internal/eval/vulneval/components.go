package vulneval

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// Part is a component as a bill of materials writes it, with the truth.
type Part struct {
	Supplier, Name, Version string
	PURLs, CPEs             []string
	Form                    string
	CVE                     string
	Want                    string
	From                    string
}

// What is wanted of a part.
const (
	PartAffected = "affected"
	PartSafe     = "not affected" // whatever is said, but that
	PartUnsure   = "undetermined" // a distribution's build: the fix may be in it
	PartOther    = "another"      // another component of a like name: anything but affected
)

type record struct {
	Meta struct {
		ID string `json:"cveId"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA struct {
			Affected []struct {
				Vendor, Product string
				Name            string `json:"packageName"`
				Collection      string `json:"collectionURL"`
				Default         string `json:"defaultStatus"`
				Versions        []struct {
					Version, Status, LessThan string
					UpTo                      string `json:"lessThanOrEqual"`
					Changes                   []any
				}
			}
		}
	}
}

var (
	dotted  = regexp.MustCompile(`^\d+(\.\d+){1,3}$`)
	oneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._+ -]{2,30}$`)
)

// Parts makes components of a CVE record whose own part names one product in one
// range, as bills write them: true ones in the range and at its end, and others of a
// like name. It reads the record by itself and shares no code with the matcher.
func Parts(data []byte, f func(Part)) {
	var r record
	if json.Unmarshal(data, &r) != nil || len(r.Containers.CNA.Affected) != 1 {
		return
	}
	a := r.Containers.CNA.Affected[0]
	if len(a.Versions) != 1 || !oneName.MatchString(a.Product) || len(a.Vendor) < 3 || strings.EqualFold(a.Vendor, "n/a") {
		return
	}
	v := a.Versions[0]
	if v.Status != "affected" || !dotted.MatchString(v.LessThan) || len(v.Changes) > 0 || a.Default == "affected" || v.Version == v.LessThan || strings.EqualFold(a.Product, a.Name) && a.Collection != "" {
		return
	}
	inside := v.Version
	if !dotted.MatchString(inside) {
		if v.Version != "0" {
			return
		}
		inside = "0.0.1"
	}
	from := a.Vendor + " " + a.Product + " " + v.Version + " < " + v.LessThan
	for version, want := range map[string]string{inside: PartAffected, v.LessThan: PartSafe} {
		spelled(a.Vendor, a.Product, version, func(p Part) {
			p.CVE, p.From = r.Meta.ID, from
			if p.Want == "" {
				p.Want = want
			}
			if want == PartSafe && p.Want == PartUnsure {
				p.Want = PartSafe
			}
			f(p)
		})
	}
}

// spelled gives the ways in which bills write a component, and others that are none.
func spelled(vendor, product, version string, f func(Part)) {
	slug := strings.ToLower(strings.ReplaceAll(product, " ", "-"))
	owner := strings.ToLower(strings.NewReplacer(" ", "-", ".", "").Replace(vendor))
	guard := func(s string) string {
		return regexp.MustCompile(`([^a-z0-9_])`).ReplaceAllString(strings.ToLower(strings.ReplaceAll(s, " ", "_")), `\$1`)
	}
	cpe23 := "cpe:2.3:a:" + guard(vendor) + ":" + guard(product) + ":" + guard(version) + ":*:*:*:*:*:*:*"
	cpe22 := "cpe:/a:" + url.PathEscape(strings.ToLower(strings.ReplaceAll(vendor, " ", "_"))) + ":" + url.PathEscape(strings.ToLower(strings.ReplaceAll(product, " ", "_"))) + ":" + version
	cpe22 = strings.ReplaceAll(cpe22, "+", "%2b")
	one := func(form, supplier, name, version string, purls, cpes []string, want string) {
		f(Part{Supplier: supplier, Name: name, Version: version, PURLs: purls, CPEs: cpes, Form: form, Want: want})
	}
	list := func(s ...string) []string { return s }
	one("as written", vendor, product, version, nil, nil, "")
	one("upper case", strings.ToUpper(vendor), strings.ToUpper(product), version, nil, nil, "")
	one("other separators", vendor, strings.NewReplacer(" ", "_", "-", "_", ".", "_").Replace(product), version, nil, nil, "")
	one("v before the version", vendor, slug, "v"+version, nil, nil, "")
	one("project of", vendor+" Project", product, version, nil, nil, "")
	one("CPE 2.3", "", product, version, nil, list(cpe23), "")
	one("CPE 2.3, upper case", "", "component", version, nil, list(strings.Replace(strings.ToUpper(cpe23), "CPE:2.3:A:", "cpe:2.3:a:", 1)), "")
	one("CPE 2.2", "", product, version, nil, list(cpe22), "")
	one("CPE alone, with the version", "", "component", "", nil, list(cpe23), "")
	one("version in the name", vendor, slug+"-"+version, version, nil, nil, "")
	one("generic package with qualifiers", vendor, slug, version, list("pkg:generic/"+url.PathEscape(slug)+"@"+version+"?download_url=https://example.org/x.tgz#src"), nil, "")
	one("repository", "", slug, version, list("pkg:github/"+owner+"/"+url.PathEscape(slug)+"@v"+version), nil, "")
	one("module in a repository", "", "github.com/"+owner+"/"+slug, "v"+version, list("pkg:golang/github.com/"+owner+"/"+url.PathEscape(slug)+"@v"+version), nil, "")
	one("version in the package alone", vendor, slug, "", list("pkg:generic/"+url.PathEscape(slug)+"@"+version), nil, "")
	for form, v := range map[string]string{"Debian": "1:" + version + "-3+deb12u2", "Debian, repacked": version + "+dfsg1-2", "Debian, stepped back": "99.1+really" + version + "-1"} {
		one(form, vendor, slug, v, list("pkg:deb/debian/"+url.PathEscape(slug)+"@"+url.PathEscape(v)+"?arch=amd64&distro=debian-12"), nil, PartUnsure)
	}
	one("RPM with an epoch apart", vendor, slug, version+"-4.el9_2", list("pkg:rpm/redhat/"+url.PathEscape(slug)+"@"+version+"-4.el9_2?arch=x86_64&epoch=1"), nil, PartUnsure)
	one("Alpine", vendor, slug, version+"-r3", list("pkg:apk/alpine/"+url.PathEscape(slug)+"@"+version+"-r3"), nil, PartUnsure)
	one("Debian, built from", vendor, "lib"+slug+"2", version+"-1", list("pkg:deb/debian/lib"+url.PathEscape(slug)+"2@"+version+"-1?arch=arm64&upstream="+url.QueryEscape(slug)), nil, PartUnsure)
	others(vendor, slug, version, one)
}

func others(vendor, slug, version string, one func(form, supplier, name, version string, purls, cpes []string, want string)) {
	for _, kind := range []string{"npm", "pypi", "cargo", "gem", "nuget"} {
		one("other: package for "+kind, "", slug, version, []string{"pkg:" + kind + "/" + url.PathEscape(slug) + "@" + version}, nil, PartOther)
	}
	one("other: package of somebody's", "Somebody Else", slug, version, []string{"pkg:npm/%40somebody/" + url.PathEscape(slug) + "@" + version}, nil, PartOther)
	one("other: types", "", slug, version, []string{"pkg:npm/%40types/" + url.PathEscape(slug) + "@" + version}, []string{"cpe:2.3:a:types:" + strings.ReplaceAll(slug, "-", `\-`) + ":" + version + ":*:*:*:*:*:*:*"}, PartOther)
	for _, name := range []string{"py" + slug, "node-" + slug, slug + "-rs", "lib" + slug + "-perl", slug + "-doc", slug + "-exporter", "mod_" + slug} {
		one("other: named after it", vendor, name, version, nil, nil, PartOther)
	}
	one("other: somebody's fork", "", slug, version, []string{"pkg:github/somebody-else/" + url.PathEscape(slug) + "@v" + version}, nil, PartOther)
	one("other: guessed CPE", "", slug, version, []string{"pkg:npm/" + url.PathEscape(slug) + "@" + version}, []string{"cpe:2.3:a:" + strings.ReplaceAll(slug, "-", `\-`) + ":" + strings.ReplaceAll(slug, "-", `\-`) + ":" + version + ":*:*:*:*:*:*:*"}, PartOther)
}
