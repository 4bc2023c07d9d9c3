// Package signing verifies and makes detached signatures of models in the form
// of OpenSSF Model Signing 1.0: a Sigstore bundle around a DSSE envelope around
// an in-toto statement that lists every file of the model with its digest. Keys
// are ECDSA on P-256, P-384 or P-521; certificates and keyless signing, which
// need services or their roots, are not verified here and are said so.
//
// A model passes only if the signature is by a key of the caller's list, every
// listed file is there unchanged, and every file that is there is listed or was
// left out by the signer. It proves who signed which bytes, not that a model is
// any good. The package must not fetch keys or trust one that a bundle brings.
package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	_ "crypto/sha512" // for keys on P-384 and P-521
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// The words of the form.
const (
	mediaType     = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
)

// The limits of a bundle.
const (
	MaxBundle    = 32 << 20
	MaxResources = 100_000
	maxIgnore    = 1000
	maxName      = 4096
	maxKeyFile   = 64 << 10
)

// Key is a public key that the site trusts.
type Key struct {
	Name        string // of ours, such as the file it came from
	Fingerprint string // SHA-256 of its PEM form, hex: the hint of a bundle
	public      *ecdsa.PublicKey
	hash        crypto.Hash
}

// ParseKey reads a public key in PEM form.
func ParseKey(name string, raw []byte) (*Key, error) {
	if len(raw) > maxKeyFile {
		return nil, fault.New(fault.Limited, "reading the key %s: it has %d bytes, the limit is %d", name, len(raw), maxKeyFile)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fault.New(fault.Invalid, "reading the key %s: it is no public key in PEM form", name).WithHint("make one with: openssl ec -in key.pem -pubout")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the key %s", name)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "reading the key %s: it is no elliptic-curve key", name).WithHint("the form takes ECDSA on P-256, P-384 and P-521")
	}
	return newKey(name, public)
}

func newKey(name string, public *ecdsa.PublicKey) (*Key, error) {
	k := &Key{Name: name, public: public}
	switch public.Curve {
	case elliptic.P256():
		k.hash = crypto.SHA256
	case elliptic.P384():
		k.hash = crypto.SHA384
	case elliptic.P521():
		k.hash = crypto.SHA512
	default:
		return nil, fault.New(fault.Invalid, "reading the key %s: its curve is not one of P-256, P-384 and P-521", name)
	}
	text, err := PublicPEM(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	k.Fingerprint = hex.EncodeToString(sum[:])
	return k, nil
}

// PublicPEM writes a public key in PEM form.
func PublicPEM(public *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "writing a public key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Bundle is a detached signature that was read but not yet verified.
type Bundle struct {
	payload   []byte
	signature []byte
	hint      string // fingerprint of the key, if the bundle tells; untrusted
}

type bundleJSON struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey *struct {
			Hint     string `json:"hint,omitempty"`
			RawBytes []byte `json:"rawBytes,omitempty"` // before 1.1
		} `json:"publicKey,omitempty"`
		Certificate *json.RawMessage `json:"certificate,omitempty"`
		Chain       *json.RawMessage `json:"x509CertificateChain,omitempty"`
		TlogEntries json.RawMessage  `json:"tlogEntries,omitempty"`
	} `json:"verificationMaterial"`
	Envelope struct {
		Payload     string          `json:"payload"`
		PayloadType string          `json:"payloadType"`
		Signatures  []signatureJSON `json:"signatures"`
	} `json:"dsseEnvelope"`
}

type signatureJSON struct {
	Sig   string  `json:"sig"`
	KeyID *string `json:"keyid"`
}

// ParseBundle reads a bundle. Nothing in it is to be believed yet.
func ParseBundle(raw []byte) (*Bundle, error) {
	if len(raw) > MaxBundle {
		return nil, fault.New(fault.Limited, "reading a signature: it has %d bytes, the limit is %d", len(raw), MaxBundle)
	}
	var in bundleJSON
	dec := json.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&in); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading a signature: it is no Sigstore bundle")
	}
	if dec.More() {
		return nil, refuse("something follows the bundle")
	}
	switch m := in.VerificationMaterial; {
	case in.MediaType != mediaType:
		return nil, refuse("its media type is %.80q, not %q", in.MediaType, mediaType)
	case m.Certificate != nil || m.Chain != nil:
		return nil, fault.New(fault.Invalid, "reading a signature: it is by a certificate, which is not verified here").WithHint("sign with a key, or verify it with the reference tool and propose the model unsigned")
	case m.PublicKey == nil:
		return nil, refuse("it does not say that it is by a key")
	case in.Envelope.PayloadType != payloadType:
		return nil, refuse("its payload is %.80q, not %q", in.Envelope.PayloadType, payloadType)
	case len(in.Envelope.Signatures) != 1:
		return nil, refuse("it has %d signatures, not one", len(in.Envelope.Signatures))
	}
	b := &Bundle{hint: strings.ToLower(in.VerificationMaterial.PublicKey.Hint)}
	if old := in.VerificationMaterial.PublicKey.RawBytes; b.hint == "" && len(old) > 0 {
		sum := sha256.Sum256(old)
		b.hint = hex.EncodeToString(sum[:])
	}
	var err error
	if b.payload, err = base64.StdEncoding.DecodeString(in.Envelope.Payload); err != nil {
		return nil, refuse("its payload is not base64")
	}
	if b.signature, err = base64.StdEncoding.DecodeString(in.Envelope.Signatures[0].Sig); err != nil {
		return nil, refuse("its signature is not base64")
	}
	return b, nil
}

// Verify checks the signature against the keys and returns what was signed and
// by which key. A key that the bundle itself brings is never used.
func (b *Bundle) Verify(keys []*Key) (*Statement, *Key, error) {
	if len(keys) == 0 {
		return nil, nil, fault.New(fault.Denied, "verifying a signature: no key is trusted here").WithHint("name the public keys of those who sign models")
	}
	message := pae(b.payload)
	for _, k := range keys {
		h := k.hash.New()
		h.Write(message)
		if !ecdsa.VerifyASN1(k.public, h.Sum(nil), b.signature) {
			continue
		}
		st, err := parseStatement(b.payload)
		return st, k, err
	}
	who := "it names no key"
	if b.hint != "" {
		who = fmt.Sprintf("it says it is by the key %.64q", b.hint)
	}
	return nil, nil, fault.New(fault.Denied, "verifying a signature: it is by none of the %d trusted keys; %s", len(keys), who)
}

// pae is what DSSE signs: type and payload with their lengths, so that neither
// can be taken for the other.
func pae(payload []byte) []byte {
	out := []byte("DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " ")
	return append(out, payload...)
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Invalid, "reading a signature: "+format, args...)
}
