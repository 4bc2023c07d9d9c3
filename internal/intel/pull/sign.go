package pull

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"vedette/internal/fault"
)

// What is asked of the signatures of a provider's documents.
const (
	SignatureRequire = "require" // a document without a good one is refused
	SignatureCheck   = "check"   // one that is there must be good
	SignatureOff     = "off"
)

// Limits of keys.
const (
	maxKeys     = 16
	maxKeyBytes = 256 << 10
)

// signed says how the documents of one pull are checked.
type signed struct {
	mode string
	ring openpgp.EntityList
	now  time.Time
}

// listedKey is a key that a provider names.
type listedKey struct {
	Fingerprint string `json:"fingerprint"`
	URL         string `json:"url"`
}

// plainPrint is a fingerprint in small letters without spaces and colons.
func plainPrint(text string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", ":", "").Replace(strings.TrimPrefix(text, "0x")))
}

// goodPrint tells a fingerprint of a key of version 4 or 6.
func goodPrint(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && (len(text) == 40 || len(text) == 64)
}

// trust finds the keys that documents may be signed with. What the configuration
// names is trusted alone; else what the provider named when it was first asked,
// and no key that it names later.
func (f *fetcher) trust(ctx context.Context, s *state, listed []listedKey, now time.Time) (signed, error) {
	out := signed{mode: f.src.Signature, now: now}
	if out.mode == "" {
		out.mode = SignatureCheck
	}
	s.Keyed = ""
	if out.mode == SignatureOff {
		return out, nil
	}
	wanted := map[string]bool{}
	for _, k := range f.src.Keys {
		wanted[plainPrint(k)] = true
	}
	first := len(wanted) == 0 && s.Keys == nil
	if s.Keys == nil {
		s.Keys = map[string]string{}
	}
	var strange, broken []string
	for _, k := range listed[:min(len(listed), maxKeys)] {
		print := plainPrint(k.Fingerprint)
		switch {
		case !goodPrint(print) || s.Keys[print] != "":
		case !first && !wanted[print]:
			strange = append(strange, print)
		default:
			text, err := f.key1(ctx, resolve(f.src.URL, k.URL), print)
			if err != nil {
				broken = append(broken, print+": "+clip(err.Error()))
				continue
			}
			s.Keys[print] = text
		}
	}
	if first && len(s.Keys) == 0 {
		s.Keys = nil // none could be had: it is still the first time
	}
	for print, text := range s.Keys {
		if len(f.src.Keys) > 0 && !wanted[print] {
			continue
		}
		if ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(text)); err == nil {
			out.ring = append(out.ring, ring...)
		}
	}
	slices.Sort(strange)
	s.Keyed = keyed(strange, broken)
	if out.mode == SignatureRequire && len(out.ring) == 0 {
		return out, fault.New(fault.Unavailable, "signatures of %s are required, and there is no key to hold them against", f.src.Name).
			WithHint("its provider must name one, or the configuration: keys")
	}
	return out, nil
}

func keyed(strange, broken []string) string {
	var parts []string
	if len(strange) > 0 {
		parts = append(parts, fmt.Sprintf("it names the key %s, which is not trusted: compare it with what the provider says elsewhere, and name it under keys", strange[0]))
	}
	if len(broken) > 0 {
		parts = append(parts, "a key cannot be had: "+broken[0])
	}
	return strings.Join(parts, "; ")
}

// key1 gets one key, which must be the one that was named.
func (f *fetcher) key1(ctx context.Context, address, print string) (string, error) {
	data, err := f.small(ctx, address)
	if err != nil {
		return "", err
	}
	if len(data) > maxKeyBytes {
		return "", fault.Wrap(fault.Limited, errLong, "the key at %s", shown(address))
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "reading the key at %s", shown(address))
	}
	if len(ring) != 1 || hex.EncodeToString(ring[0].PrimaryKey.Fingerprint) != print {
		return "", fault.New(fault.Invalid, "the key at %s is not the one with the fingerprint that is named", shown(address))
	}
	return string(data), nil
}

// signature holds a document against its detached signature.
func (f *fetcher) signature(ctx context.Context, it item, path string, by signed) error {
	if by.mode == SignatureOff || by.mode == "" || by.mode == SignatureCheck && (len(by.ring) == 0 || it.sig == "") {
		return nil
	}
	address := it.sig
	if address == "" {
		address = it.url + ".asc"
	}
	sig, err := f.small(ctx, address)
	if err != nil {
		return fault.Wrap(fault.KindOf(err), err, "the signature of %s", shown(it.url))
	}
	if len(sig) > maxKeyBytes {
		return fault.Wrap(fault.Limited, errLong, "the signature of %s", shown(it.url))
	}
	if err := by.check(path, sig); err != nil {
		return fault.Wrap(fault.Invalid, err, "the signature of %s is not good", shown(it.url)).WithHint("it was changed on the way or at its provider, or is signed with a key that is not trusted")
	}
	return nil
}

// check holds a file against a signature. One that was made while its key was
// valid counts, also when the key has ended since: providers keep old documents.
func (by signed) check(path string, sig []byte) error {
	once := func(at time.Time) (*packet.Signature, error) {
		file, err := os.Open(path) //nolint:gosec // G304: it was made here
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // only read
		block, err := armor.Decode(bytes.NewReader(sig))
		if err != nil {
			return nil, err
		}
		if block.Type != openpgp.SignatureType {
			return nil, errors.New("it is no OpenPGP signature")
		}
		made, _, err := openpgp.VerifyDetachedSignature(by.ring, file, block.Body, &packet.Config{Time: func() time.Time { return at }})
		return made, err
	}
	made, err := once(by.now)
	if made != nil && (errors.Is(err, pgperrors.ErrKeyExpired) || errors.Is(err, pgperrors.ErrSignatureExpired)) && made.CreationTime.Before(by.now) {
		_, err = once(made.CreationTime)
	}
	return err
}
