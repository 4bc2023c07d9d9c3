package signing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/model/register/signing"
	"vedette/internal/model/register/tree"
)

func open(t testing.TB, path string) *tree.Tree {
	t.Helper()
	m, err := tree.Open(path, tree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func model(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newKey(t testing.TB, curve elliptic.Curve) (*ecdsa.PrivateKey, *signing.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := signing.PublicPEM(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signing.ParseKey("test", pem)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// The reference tool's own signatures pass, and fail once a byte of the model
// is another one.
func TestReferenceTool(t *testing.T) {
	pem, err := os.ReadFile("testdata/reference/key.pub")
	if err != nil {
		t.Fatal(err)
	}
	key, err := signing.ParseKey("reference", pem)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1.0.1", "v1.1.0"} {
		raw, err := os.ReadFile("testdata/reference/" + version + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		got, err := signing.Verify(t.Context(), open(t, "testdata/reference/model"), raw, "", []*signing.Key{key})
		if err != nil || got.Signed != 2 || got.Key != key || len(got.Left) != 0 {
			t.Errorf("%s: %+v, %v", version, got, err)
		}
		for name, change := range map[string]map[string]string{
			`"signme-2" is not as it was signed`: {"signme-1": "signme-1\n", "signme-2": "signme-3"},
			`"signme-2" is missing`:              {"signme-1": "signme-1\n"},
			`"x/extra" is not signed`:            {"signme-1": "signme-1\n", "signme-2": "signme-2", "x/extra": "e"},
		} {
			_, err := signing.Verify(t.Context(), open(t, model(t, change)), raw, "", []*signing.Key{key})
			if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v, want %s", version, err, name)
			}
		}
		_, other := newKey(t, elliptic.P384())
		if _, err := signing.Verify(t.Context(), open(t, "testdata/reference/model"), raw, "", []*signing.Key{other}); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s by another key: %v", version, err)
		}
	}
	// What a signer left out may be there.
	raw, err := os.ReadFile("testdata/reference/v1.1.0.sig")
	if err != nil {
		t.Fatal(err)
	}
	dir := model(t, map[string]string{"signme-1": "signme-1\n", "signme-2": "signme-2", "ignore-me": "any", ".git/config": "any", "model.sig": "any"})
	got, err := signing.Verify(t.Context(), open(t, dir), raw, "", []*signing.Key{key})
	if err != nil || strings.Join(got.Left, " ") != ".git/config ignore-me model.sig" {
		t.Errorf("left out: %+v, %v", got, err)
	}
}

func TestSignAndVerify(t *testing.T) {
	dir := model(t, map[string]string{"a/b": "one", "a.txt": "two", "big": strings.Repeat("x", 25), "empty": "", "na:me": "colon"})
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		private, public := newKey(t, curve)
		for _, shard := range []int64{0, 8, 25, 1000} {
			raw, err := signing.Sign(t.Context(), open(t, dir), private, shard, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := signing.Verify(t.Context(), open(t, dir), raw, "", []*signing.Key{public})
			if err != nil || got.Key.Fingerprint != public.Fingerprint {
				t.Errorf("%s, shards of %d: %+v, %v", name, shard, got, err)
			}
		}
	}
	private, public := newKey(t, elliptic.P256())
	file := filepath.Join(dir, "big")
	raw, err := signing.Sign(t.Context(), open(t, file), private, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signing.Verify(t.Context(), open(t, file), raw, "", []*signing.Key{public}); err != nil {
		t.Errorf("a model of one file: %v", err)
	}
	// A signature that lies in the model does not sign itself.
	if raw, err = signing.Sign(t.Context(), open(t, dir), private, 0, "model.sig"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.sig"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.Verify(t.Context(), open(t, dir), raw, "model.sig", []*signing.Key{public}); err != nil {
		t.Errorf("with the signature inside: %v", err)
	}
}

// Parts of files must be all of each file.
func TestShards(t *testing.T) {
	dir := model(t, map[string]string{"big": strings.Repeat("x", 25)})
	private, public := newKey(t, elliptic.P256())
	raw, err := signing.Sign(t.Context(), open(t, dir), private, 8, "")
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"longer": strings.Repeat("x", 33), "shorter": strings.Repeat("x", 24), "changed": strings.Repeat("x", 24) + "y"} {
		_, err := signing.Verify(t.Context(), open(t, model(t, map[string]string{"big": text})), raw, "", []*signing.Key{public})
		if fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// resign wraps a statement into a bundle with a good signature, so that what is
// wrong in the statement is all that is wrong.
func resign(t *testing.T, key *ecdsa.PrivateKey, statement string) []byte {
	t.Helper()
	raw, err := signing.SignPayload(key, []byte(statement))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRefusesStatements(t *testing.T) {
	private, public := newKey(t, elliptic.P256())
	dir := model(t, map[string]string{"a": "one", "b": "two"})
	good, err := signing.Sign(t.Context(), open(t, dir), private, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	text := payload(t, good)
	one := `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
	tests := []struct{ name, from, to, want string }{
		{"root", `"sha256":"`, `"sha256":"00`, "its root digest"},
		{"type", "in-toto.io/Statement/v1", "in-toto.io/Statement/v2", "what was signed is"},
		{"predicate", "signature/v1.0", "signature/v2.0", "what was signed says"},
		{"hash", `"hash_type":"sha256"`, `"hash_type":"blake3"`, "which is not read here"},
		{"method", `"method":"files"`, `"method":"tensors"`, "is not known here"},
		{"shard", `"method":"files"`, `"method":"shards"`, "no whole number of bytes"},
		{"shard half", `"method":"files"`, `"method":"shards","shard_size":8.5`, "no whole number of bytes"},
		{"shard names", `"method":"files"`, `"method":"file-shard-8"`, "which is no part of a file"},
		{"upwards", `"name":"a"`, `"name":"../a"`, "not within a model"},
		{"absolute", `"name":"a"`, `"name":"/a"`, "not within a model"},
		{"not clean", `"name":"a"`, `"name":"./a"`, "not within a model"},
		{"backslash", `"name":"a"`, `"name":"..\\a"`, "not within a model"},
		{"twice", `"name":"b"`, `"name":"a"`, `lists "a" twice`},
		{"order", `"name":"a"`, `"name":"c"`, "not sorted"},
		{"digest", `"algorithm":"sha256","digest":"`, `"algorithm":"sha256","digest":"00`, "no SHA-256"},
		{"algorithm", `"algorithm":"sha256"`, `"algorithm":"md5"`, "which is not read here"},
		{"ignore upwards", `".git",`, `"../x",`, "not within a model"},
		{"ignore all", `".git",`, `".",`, "is not signed"},
		{"no files", `"resources":[`, `"resources":[],"was":[`, "lists no files"},
		{"no statement", `{"_type"`, `["_type"`, "no statement"},
		{"two subjects", `"subject":[`, `"subject":[{"name":"x","digest":{"sha256":` + one + `}},`, "2 subjects"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			changed := strings.Replace(text, tt.from, tt.to, 1)
			if changed == text {
				t.Fatalf("%q is not in %s", tt.from, text)
			}
			extra := dir
			if tt.name == "ignore all" {
				extra = model(t, map[string]string{"a": "one", "b": "two", "c": "three"})
			}
			_, err := signing.Verify(t.Context(), open(t, extra), resign(t, private, changed), "", []*signing.Key{public})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func payload(t *testing.T, bundle []byte) string {
	t.Helper()
	var b struct{ DsseEnvelope struct{ Payload []byte } }
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	return string(b.DsseEnvelope.Payload)
}

func TestRefusesBundles(t *testing.T) {
	private, public := newKey(t, elliptic.P256())
	dir := model(t, map[string]string{"a": "one"})
	good, err := signing.Sign(t.Context(), open(t, dir), private, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	replace := func(from, to string) []byte { return bytes.Replace(good, []byte(from), []byte(to), 1) }
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "no Sigstore bundle"},
		{"cut", good[:len(good)/2], "no Sigstore bundle"},
		{"two", append(bytes.Clone(good), good...), "something follows"},
		{"media type", replace("bundle.v0.3", "bundle.v0.1"), "media type"},
		{"certificate", replace(`"publicKey"`, `"certificate":{},"publicKey"`), "by a certificate"},
		{"no key", replace(`"publicKey"`, `"x"`), "by a key"},
		{"payload type", replace(`"application/vnd.in-toto+json"`, `"text/plain"`), "its payload is"},
		{"no signature", replace(`"signatures":[`, `"signatures":[],"x":[`), "0 signatures"},
		{"payload no base64", replace(`"payload":"`, `"payload":"*`), "not base64"},
		{"signature no base64", replace(`"sig":"`, `"sig":"*`), "not base64"},
		{"another payload", replace(`"payload":"`, `"payload":"`+base64.StdEncoding.EncodeToString([]byte("abc"))), "by none of the 1 trusted keys"},
		{"large", make([]byte, signing.MaxBundle+1), "the limit is"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			_, err := signing.Verify(t.Context(), open(t, dir), tt.raw, "", []*signing.Key{public})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := signing.Verify(t.Context(), open(t, dir), good, "", nil); fault.KindOf(err) != fault.Denied {
		t.Errorf("without keys: %v", err)
	}
}

func TestKeys(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "private": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"ed25519": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
		"long":    strings.Repeat("x", 70_000),
	} {
		if _, err := signing.ParseKey(name, []byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := signing.ParsePrivateKey([]byte("x")); err == nil {
		t.Error("no private key is taken")
	}
}

// FuzzVerify: no bundle panics, and none that differs from the signed one in
// what counts is taken: whatever passes has the signed payload.
func FuzzVerify(f *testing.F) {
	dir := model(f, map[string]string{"a": "one", "b/c": "two"})
	private, public := newKey(f, elliptic.P256())
	good, err := signing.Sign(f.Context(), open(f, dir), private, 0, "")
	if err != nil {
		f.Fatal(err)
	}
	reference, err := os.ReadFile("testdata/reference/v1.1.0.sig")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(reference)
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`))
	var signed struct{ DsseEnvelope struct{ Payload []byte } }
	if err := json.Unmarshal(good, &signed); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := signing.ParseBundle(raw)
		if err != nil {
			return
		}
		st, _, err := b.Verify([]*signing.Key{public})
		if err == nil && (len(st.Resources) != 2 || !bytes.Equal(b.Payload(), signed.DsseEnvelope.Payload)) {
			t.Fatalf("taken: %+v", st)
		}
	})
}

// FuzzStatement: no statement panics; what is taken names only paths within a
// model, each once, and hashes to its root.
func FuzzStatement(f *testing.F) {
	dir := model(f, map[string]string{"a": "one", "b/c": "two"})
	private, _ := newKey(f, elliptic.P256())
	for _, shard := range []int64{0, 2} {
		raw, err := signing.Sign(f.Context(), open(f, dir), private, shard, "")
		if err != nil {
			f.Fatal(err)
		}
		b, err := signing.ParseBundle(raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Payload())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		st, err := signing.ParseStatement(raw)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range st.Resources {
			key := r.Name
			if r.End >= 0 {
				key = string(rune(r.Begin)) + ":" + key + string(rune(r.End))
			}
			if seen[key] || r.Name != "." && !filepath.IsLocal(r.Name) || r.End >= 0 && (r.Begin < 0 || r.End <= r.Begin || r.End-r.Begin > st.ShardSize) {
				t.Fatalf("taken: %+v", r)
			}
			seen[key] = true
		}
	})
}
