// Package taxii serves what this site shares of its own sightings over TAXII 2.1
// (https://docs.oasis-open.org/cti/taxii/v2.1/taxii-v2.1.html), to read alone:
// discovery, one API root, collections, objects, manifest and versions.
//
// Each reading of objects is in the audit journal before it is answered. It must
// not decide what is shared, and it does not authenticate: whoever mounts the
// handler does, behind [Front], which lets TAXII clients give a token as the
// password of HTTP Basic.
package taxii

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/authz"
	"vedette/internal/fault"
	"vedette/internal/intel/share"
)

// MediaType is what is sent and asked for.
const MediaType = "application/taxii+json;version=2.1"

// stixType is of the objects.
const stixType = "application/stix+json;version=2.1"

// Prefix is where the server is mounted.
const Prefix = "/taxii2/"

// root is the API root.
const root = Prefix + "vedette/"

// Service is what is shared, and where each reading is recorded.
type Service interface {
	// Collections lists what is offered.
	Collections(ctx context.Context) ([]share.Collection, error)
	// Shared returns the objects of a collection in the order in which they were
	// first offered, no two at one moment.
	Shared(ctx context.Context, collection string) ([]share.Object, error)
	// SharedID is the id of a collection.
	SharedID(collection string) string
	// SharedBy is the name of this site.
	SharedBy() string
	api.Access
}

// Bounds of an answer.
const (
	usualPage = 200
	maxPage   = 1000
	maxListed = 100 // values of one match parameter
)

// server answers.
type server struct{ Service }

// Handler serves everything below [Prefix]. It trusts that a guard stands before
// it: a request whose context names nobody is refused.
func Handler(s Service) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (&server{s}).serve(w, r) })
}

// answer is what a request gets.
type answer struct {
	body  any
	read  string      // what is to be recorded; "" for what tells nothing of the site's data
	dates []time.Time // first and last of the objects
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	who, ok := authz.From(r.Context())
	if !ok {
		fail(w, http.StatusUnauthorized, "nobody is signed in", "")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.change(w, r)
		return
	}
	if !accepts(r.Header.Values("Accept")) {
		fail(w, http.StatusNotAcceptable, "only "+MediaType+" is spoken", "send it as Accept")
		return
	}
	a, err := s.answer(r)
	if err != nil {
		failed(w, err)
		return
	}
	body, err := json.Marshal(a.body)
	if err != nil {
		failed(w, fault.Wrap(fault.Internal, err, "writing the answer"))
		return
	}
	if a.read != "" { // what cannot be recorded does not leave
		call := api.ReadCall{Person: who.Name, Door: "taxii", Client: clip(r.UserAgent(), 200), Tool: a.read, Bytes: len(body)}
		if err := s.RecordRead(r.Context(), call); err != nil {
			failed(w, err)
			return
		}
	}
	if len(a.dates) == 2 {
		w.Header().Set("X-TAXII-Date-Added-First", share.Moment(a.dates[0]))
		w.Header().Set("X-TAXII-Date-Added-Last", share.Moment(a.dates[1]))
	}
	w.Header().Set("Content-Type", MediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client has gone if this fails
}

// change refuses what would change something: what TAXII knows, of the collection that
// there is, as not allowed, and all else as nothing that can be done there.
func (s *server) change(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, root), "/"), "/")
	adds := r.Method == http.MethodPost && len(path) == 3
	if !strings.HasPrefix(r.URL.Path, root+"collections/") || path[len(path)-1] == "" || len(path) < 3 || path[2] != "objects" || !adds && (r.Method != http.MethodDelete || len(path) != 4) {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "that can only be read", "ask with GET")
		return
	}
	if _, err := s.named(r.Context(), path[1]); err != nil {
		failed(w, err)
		return
	}
	if kind := r.Header.Get("Content-Type"); adds && (kind == "" || !accepts([]string{kind}) || strings.Contains(kind, "*")) {
		fail(w, http.StatusUnsupportedMediaType, "only "+MediaType+" is spoken", "send it as Content-Type; but collections can be read alone")
		return
	}
	fail(w, http.StatusForbidden, "nothing can be added to or taken from what is shared here", "collections can be read alone")
}

// named finds a collection by its id or alias.
func (s *server) named(ctx context.Context, name string) (share.Collection, error) {
	list, err := s.Collections(ctx)
	if err != nil {
		return share.Collection{}, err
	}
	for _, c := range list {
		if id := s.SharedID(c.Name); name == id || name == c.Name {
			return c, nil
		}
	}
	return share.Collection{}, fault.New(fault.NotFound, "there is no collection %.60q", name).WithHint("they are listed at %scollections/", root)
}

func clip(s string, most int) string { return strings.ToValidUTF8(s[:min(len(s), most)], "") }

// accepts tells whether a client takes what is spoken here: any part of its Accept
// does, and none means all.
func accepts(lines []string) bool {
	if len(lines) == 0 {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		kind, params, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(part, " ", "")), ";")
		if refused(params) {
			continue
		}
		switch kind {
		case "*/*", "application/*":
			return true
		case "application/taxii+json":
			version, named := "", false
			for p := range strings.SplitSeq(params, ";") {
				if v, ok := strings.CutPrefix(p, "version="); ok {
					version, named = strings.Trim(v, `"`), true
				}
			}
			if !named || version == "2.1" {
				return true
			}
		}
	}
	return false
}

// refused tells whether a type is one that the client does not take: its weight is 0.
func refused(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(p, "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			return err == nil && q == 0
		}
	}
	return false
}

var nothing = fault.New(fault.NotFound, "there is nothing at this address").WithHint("discovery is at %s", Prefix)

// answer finds what is asked for.
func (s *server) answer(r *http.Request) (answer, error) {
	path := strings.TrimSuffix(r.URL.Path, "/") + "/"
	if path == Prefix {
		return answer{body: discovery{
			Title: s.SharedBy(), Description: "Sightings of indicators by this site, to read alone.", Default: root, Roots: []string{root},
		}}, nil
	}
	rest, ok := strings.CutPrefix(path, root)
	part := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	switch {
	case !ok:
		return answer{}, nothing
	case rest == "":
		return answer{body: rootAbout{s.SharedBy(), []string{MediaType}, 1 << 20}}, nil
	case part[0] == "status":
		return answer{}, fault.New(fault.NotFound, "there is no such status").WithHint("collections can be read alone, so nothing is under way")
	case part[0] != "collections" || len(part) > 5:
		return answer{}, nothing
	}
	if len(part) == 1 {
		list, err := s.Collections(r.Context())
		if err != nil {
			return answer{}, err
		}
		out := collections{Collections: []collection{}}
		for _, c := range list {
			out.Collections = append(out.Collections, s.about(c))
		}
		return answer{body: out}, nil
	}
	c, err := s.named(r.Context(), part[1])
	if err != nil {
		return answer{}, err
	}
	return s.within(r, c, part[2:])
}

func (s *server) about(c share.Collection) collection {
	return collection{
		ID: s.SharedID(c.Name), Alias: c.Name, Title: c.Title, CanRead: true, MediaTypes: []string{stixType},
		Description: "At most TLP:" + strings.ToUpper(c.TLP.String()) + ".",
	}
}

// within answers what is asked of one collection.
func (s *server) within(r *http.Request, c share.Collection, part []string) (answer, error) {
	if len(part) == 0 {
		return answer{body: s.about(c)}, nil
	}
	q, err := ask(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	all, err := s.Shared(r.Context(), c.Name)
	if err != nil {
		return answer{}, err
	}
	read := "taxii " + part[0] + " " + c.Name
	switch {
	case len(part) == 1 && part[0] == "objects":
		return objects(q.page(all)).as(read), nil
	case len(part) == 1 && part[0] == "manifest":
		return manifest(q.page(all)).as(read), nil
	case part[0] != "objects" || len(part) == 3 && part[2] != "versions":
		return answer{}, nothing
	}
	var one []share.Object
	for i := range all {
		if all[i].ID == part[1] {
			one = all[i : i+1]
		}
	}
	if len(one) == 0 {
		return answer{}, fault.New(fault.NotFound, "there is no object %.80q in this collection", part[1])
	}
	read += " " + part[1]
	if len(part) == 3 {
		return versions(q.page(one)).as(read), nil
	}
	return objects(q.page(one)).as(read), nil
}
