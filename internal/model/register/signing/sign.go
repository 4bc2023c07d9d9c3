package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/model/register/tree"
)

// Sign signs a model and returns the bundle. shard is the size of the parts
// that files are hashed in, 0 for whole files; except is where the signature
// will lie within the model, if it will.
func Sign(ctx context.Context, t *tree.Tree, key *ecdsa.PrivateKey, shard int64, except string) ([]byte, error) {
	payload, err := statement(ctx, t, shard, except)
	if err != nil {
		return nil, err
	}
	return bundleOf(key, payload)
}

// bundleOf signs a payload and wraps it.
func bundleOf(key *ecdsa.PrivateKey, payload []byte) ([]byte, error) {
	public, err := newKey("to sign with", &key.PublicKey)
	if err != nil {
		return nil, err
	}
	h := public.hash.New()
	h.Write(pae(payload))
	sig, err := ecdsa.SignASN1(rand.Reader, key, h.Sum(nil))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "signing a model")
	}
	empty := ""
	var out bundleJSON
	out.MediaType = mediaType
	out.VerificationMaterial.PublicKey = &struct {
		Hint     string `json:"hint,omitempty"`
		RawBytes []byte `json:"rawBytes,omitempty"`
	}{Hint: public.Fingerprint}
	out.VerificationMaterial.TlogEntries = json.RawMessage("[]")
	out.Envelope.PayloadType = payloadType
	out.Envelope.Payload = base64.StdEncoding.EncodeToString(payload)
	out.Envelope.Signatures = []signatureJSON{{base64.StdEncoding.EncodeToString(sig), &empty}}
	return json.Marshal(out)
}

// statement lists the model as the form demands.
func statement(ctx context.Context, t *tree.Tree, shard int64, except string) ([]byte, error) {
	st := Statement{ShardSize: shard, Ignore: alwaysLeft()}
	if except != "" {
		st.Ignore = append(st.Ignore, except)
	}
	var resources []Resource
	for _, f := range t.Files {
		if st.leftOut(f, except) {
			continue
		}
		for _, r := range cut(f, shard) {
			var err error
			if r.Digest, err = t.Digest(ctx, f, r.Begin, r.End); err != nil {
				return nil, err
			}
			resources = append(resources, r)
		}
	}
	if len(resources) == 0 {
		return nil, fault.New(fault.Invalid, "signing the model %s: it has no file to sign", t.Path)
	}
	slices.SortFunc(resources, byName)
	root := sha256.New()
	out := statementJSON{Type: statementType, PredicateType: predicateType, Predicate: &predicateJSON{}}
	out.Predicate.Serialization = serializationJSON{Method: "files", HashType: "sha256", Ignore: st.Ignore}
	if shard > 0 {
		out.Predicate.Serialization.Method, out.Predicate.Serialization.ShardSize = "shards", json.Number(strconv.FormatInt(shard, 10))
	}
	for _, r := range resources {
		root.Write(r.Digest[:])
		out.Predicate.Resources = append(out.Predicate.Resources, resourceJSON{r.listed(), "sha256", hex.EncodeToString(r.Digest[:])})
	}
	name := path.Base(strings.TrimSuffix(filepath.ToSlash(t.Path), "/"))
	out.Subject = []subjectJSON{{name, map[string]string{"sha256": hex.EncodeToString(root.Sum(nil))}}}
	return json.Marshal(out)
}

// cut makes the parts of a file.
func cut(f tree.File, shard int64) []Resource {
	if shard <= 0 {
		return []Resource{{Name: f.Name, End: -1}}
	}
	var out []Resource
	for at := int64(0); at < f.Print.Size; at += shard {
		out = append(out, Resource{Name: f.Name, Begin: at, End: min(at+shard, f.Print.Size)})
	}
	return out
}

// ParsePrivateKey reads a private key in PEM form, PKCS #8 or SEC 1, without a
// password.
func ParsePrivateKey(raw []byte) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "reading a private key")
			}
			return key, nil
		case "PRIVATE KEY":
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "reading a private key")
			}
			if key, ok := parsed.(*ecdsa.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fault.New(fault.Invalid, "reading a private key: there is no elliptic-curve key in PEM form in it").
		WithHint("make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")
}
