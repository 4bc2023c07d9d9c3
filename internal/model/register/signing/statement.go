package signing

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Statement is what a signer signed: the files of a model, each with its digest,
// or parts of files.
type Statement struct {
	Name      string // what the signer calls the model; says nothing
	Root      string // SHA-256 over the digests in their order, hex
	Resources []Resource
	ShardSize int64 // 0: whole files
	Symlinks  bool  // links were taken as the files they lead to
	Ignore    []string
}

// Resource is a file, or the part of it from Begin to End.
type Resource struct {
	Name       string
	Begin, End int64 // End -1: the whole file
	Digest     [sha256.Size]byte
}

type statementJSON struct {
	Type          string         `json:"_type"`
	Subject       []subjectJSON  `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     *predicateJSON `json:"predicate"`
}

type subjectJSON struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicateJSON struct {
	Serialization serializationJSON `json:"serialization"`
	Resources     []resourceJSON    `json:"resources"`
}

type serializationJSON struct {
	Method    string      `json:"method"`
	HashType  string      `json:"hash_type"`
	ShardSize json.Number `json:"shard_size,omitempty"`
	Symlinks  bool        `json:"allow_symlinks"`
	Ignore    []string    `json:"ignore_paths,omitempty"`
}

type resourceJSON struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

// parseStatement reads the payload of an envelope whose signature is good.
// What the signer wrote wrongly is still refused: the rules of the form are
// what keeps two readers from seeing two models.
func parseStatement(payload []byte) (*Statement, error) {
	var in statementJSON
	dec := json.NewDecoder(bytes.NewReader(payload))
	if err := dec.Decode(&in); err != nil || dec.More() {
		return nil, refuse("what was signed is no statement")
	}
	switch {
	case in.Type != statementType:
		return nil, refuse("what was signed is %.80q, not %q", in.Type, statementType)
	case in.PredicateType != predicateType:
		return nil, refuse("what was signed says %.80q, not %q", in.PredicateType, predicateType)
	case in.Predicate == nil || len(in.Predicate.Resources) == 0:
		return nil, refuse("it lists no files")
	case len(in.Predicate.Resources) > MaxResources:
		return nil, refuse("it lists %d files, the limit is %d", len(in.Predicate.Resources), MaxResources)
	case len(in.Predicate.Serialization.Ignore) > maxIgnore:
		return nil, refuse("it leaves out %d paths, the limit is %d", len(in.Predicate.Serialization.Ignore), maxIgnore)
	case len(in.Subject) != 1:
		return nil, refuse("it has %d subjects, not one", len(in.Subject))
	}
	st := &Statement{Name: in.Subject[0].Name, Root: in.Subject[0].Digest["sha256"], Symlinks: in.Predicate.Serialization.Symlinks}
	if err := st.method(in.Predicate.Serialization); err != nil {
		return nil, err
	}
	if err := st.resources(in.Predicate.Resources); err != nil {
		return nil, err
	}
	return st, nil
}

// method reads how files were hashed. Whole files are "files"; parts are
// "shards" with a size, in an older draft "file-shard-N".
func (st *Statement) method(in serializationJSON) error {
	if in.HashType != "sha256" {
		return refuse("its files are hashed by %.20q, which is not read here; sha256 is", in.HashType)
	}
	size := string(in.ShardSize)
	switch draft, ok := strings.CutPrefix(in.Method, "file-shard-"); {
	case in.Method == "files":
	case ok:
		size = draft
		fallthrough
	case in.Method == "shards":
		n, err := strconv.ParseFloat(size, 64) // protobuf writes whole numbers with a fraction
		if err != nil || n < 1 || n > 1<<50 || n != float64(int64(n)) {
			return refuse("its size of shards %.20q is no whole number of bytes", size)
		}
		st.ShardSize = int64(n)
	default:
		return refuse("its method %.40q is not known here", in.Method)
	}
	for _, p := range in.Ignore {
		p = strings.TrimSuffix(p, "/")
		if !local(p) {
			return refuse("it leaves out the path %.80q, which is not within a model", p)
		}
		st.Ignore = append(st.Ignore, p)
	}
	return nil
}

// local tells whether a name is a clean relative path with slashes.
func local(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && filepath.IsLocal(name) && path.Clean(name) == name && !strings.ContainsAny(name, "\\\x00")
}

func (st *Statement) resources(in []resourceJSON) error {
	root := sha256.New()
	for _, r := range in {
		out, err := st.resource(r)
		if err != nil {
			return err
		}
		root.Write(out.Digest[:])
		st.Resources = append(st.Resources, out)
	}
	if got := hex.EncodeToString(root.Sum(nil)); !strings.EqualFold(got, st.Root) {
		return refuse("its root digest is %.64q, its files make %s", st.Root, got)
	}
	if !slices.IsSortedFunc(st.Resources, byName) && !slices.IsSortedFunc(st.Resources, byParts) {
		return refuse("its files are not sorted by name")
	}
	seen := make(map[Resource]bool, len(st.Resources))
	for _, r := range st.Resources {
		r.Digest = [sha256.Size]byte{}
		if seen[r] {
			return refuse("it lists %.80q twice", r.Name)
		}
		seen[r] = true
	}
	return nil
}

func (st *Statement) resource(r resourceJSON) (Resource, error) {
	out := Resource{Name: r.Name, End: -1}
	if r.Algorithm != "sha256" && (st.ShardSize == 0 || r.Algorithm != "sha256-sharded-"+strconv.FormatInt(st.ShardSize, 10)) {
		return out, refuse("a file is hashed by %.40q, which is not read here; sha256 is", r.Algorithm)
	}
	sum, err := hex.DecodeString(r.Digest)
	if err != nil || len(sum) != sha256.Size {
		return out, refuse("the digest of %.80q is no SHA-256", r.Name)
	}
	copy(out.Digest[:], sum)
	if st.ShardSize > 0 {
		if out.Name, out.Begin, out.End, err = cutShard(r.Name, st.ShardSize); err != nil {
			return out, err
		}
	}
	// A model of one file was once called by the path to itself.
	if out.Name != "." && !local(out.Name) {
		return out, refuse("it lists the path %.80q, which is not within a model", r.Name)
	}
	return out, nil
}

// cutShard reads NAME:BEGIN:END; a name may hold colons.
func cutShard(text string, size int64) (name string, begin, end int64, err error) {
	rest, last, ok1 := cutLast(text)
	name, first, ok2 := cutLast(rest)
	begin, err1 := strconv.ParseInt(first, 10, 64)
	end, err2 := strconv.ParseInt(last, 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || begin < 0 || begin%size != 0 || end <= begin || end-begin > size {
		return "", 0, 0, refuse("it lists %.80q, which is no part of a file in steps of %d bytes", text, size)
	}
	return name, begin, end, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// byName is the order that the form demands.
func byName(a, b Resource) int { return cmp.Compare(a.listed(), b.listed()) }

func (r Resource) listed() string {
	if r.End < 0 {
		return r.Name
	}
	return r.Name + ":" + strconv.FormatInt(r.Begin, 10) + ":" + strconv.FormatInt(r.End, 10)
}

// byParts is the order in which the reference tool writes: directory by
// directory, and parts by number.
func byParts(a, b Resource) int {
	return cmp.Or(slices.Compare(strings.Split(a.Name, "/"), strings.Split(b.Name, "/")), cmp.Compare(a.Begin, b.Begin))
}
