// Package pull gets feeds over HTTP on a schedule and tells how they are: when
// each last succeeded, since when it fails and why. What it got whole, within its
// bounds and from where the configuration allows, it hands on; what was there
// before stays until then.
//
// It owns fetching, its guards and the health of sources. It must not read what a
// feed says, beyond what says where its documents are, and it never follows an
// address into our own network unless the configuration names that network.
package pull

import (
	"context"
	"io"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// The kinds of sources.
const (
	Advisories = "advisories" // one document: KEV, EPSS, OSV, CVE, CSAF, VEX
	CSAF       = "csaf"       // a CSAF provider: provider-metadata.json, or a ROLIE feed
	Indicators = "indicators" // one document: STIX, MISP, CSV, a list
	TAXII      = "taxii"      // the objects of a TAXII 2.1 collection
)

// Kinds are all of them.
func Kinds() []string { return []string{Advisories, CSAF, Indicators, TAXII} }

// Source is one feed that is pulled.
type Source struct {
	Name    string
	Kind    string
	URL     string
	Every   time.Duration
	Hosts   []string       // besides the URL's own, from which documents may come and to which it may redirect
	Inside  []netip.Prefix // networks that are not on the internet and may be asked all the same
	Plain   bool           // http without TLS is allowed
	KeyFile string         // file with what is sent as Authorization; "" for nothing

	Stands    time.Duration // how long its newest date may stand still; 0: 60 days
	Signature string        // of CSAF documents: require, check or off; "": check
	Keys      []string      // fingerprints of the OpenPGP keys that are trusted; none: those that it names first

	// Reader is the version of what reads its documents. A later one has all of them
	// pulled anew, once.
	Reader int

	Confidence int           // of indicators that have none
	Expires    time.Duration // of indicators that have no end
	Grade      string        // how reliable it is, A to F; "": not graded

	Paused bool // it is not pulled, also not on a word
}

// same reports whether two are one source that is asked in one way.
func (s *Source) same(o *Source) bool { return reflect.DeepEqual(s, o) }

// Limits bound what one source can cost. The zero value is [DefaultLimits].
type Limits struct {
	Bytes     int64         // of one document as it comes
	Unpacked  int64         // of one document without gzip
	Total     int64         // of all documents of one pull
	Time      time.Duration // of one request
	Idle      time.Duration // without a byte
	Pull      time.Duration // of one pull
	Documents int           // of one pull; the others come with the next
	Redirects int
}

// DefaultLimits are far above what real feeds have.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 256 << 20, Unpacked: 2 << 30, Total: 4 << 30, Time: 5 * time.Minute, Idle: 30 * time.Second, Pull: time.Hour, Documents: 20_000, Redirects: 5,
	}
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// minEvery keeps a typing error from hammering who publishes.
const minEvery = time.Minute

// Check refuses a source that cannot be pulled.
func (s *Source) Check() error {
	u, err := url.Parse(s.URL)
	switch {
	case !sourceName.MatchString(s.Name):
		return fault.New(fault.Invalid, "%.70q is no name for a source", s.Name).WithHint("up to 64 lower-case letters, digits, - _ and .")
	case !slices.Contains(Kinds(), s.Kind):
		return fault.New(fault.Invalid, "source %s: there is no kind %.40q", s.Name, s.Kind).WithHint("the kinds are %s", strings.Join(Kinds(), ", "))
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
		return fault.New(fault.Invalid, "source %s: its url is no address of http or https, or has a password in it", s.Name).WithHint("name a file with the key: key_file")
	case u.Scheme == "http" && !s.Plain:
		return fault.New(fault.Invalid, "source %s: the url is http, which anyone on the way can change", s.Name).WithHint("use https, or say plain_http: true")
	case !slices.Contains([]string{"", SignatureRequire, SignatureCheck, SignatureOff}, s.Signature):
		return fault.New(fault.Invalid, "source %s: there is no signature: %.20s", s.Name, s.Signature).WithHint("require, check or off")
	case slices.ContainsFunc(s.Keys, func(k string) bool { return !goodPrint(plainPrint(k)) }):
		return fault.New(fault.Invalid, "source %s: one of its keys is no fingerprint", s.Name).WithHint("40 or 64 digits in hexadecimal")
	case s.Every < minEvery:
		return fault.New(fault.Invalid, "source %s: every is less than a minute", s.Name)
	}
	return nil
}

// Document is one that was got whole. Its reader is of plain bytes: gzip is
// undone, within the limits.
type Document struct {
	Name string
	io.Reader
}

// Taker takes in what a source gave: all or nothing of each document. It returns
// how many records were new.
type Taker interface {
	Take(ctx context.Context, src *Source, docs func(yield func(Document, error) bool)) (int, error)
}
