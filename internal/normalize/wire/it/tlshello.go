package it

import (
	"crypto/md5" //nolint:gosec // G501: JA3 is defined with MD5; nothing is secured by it
	"crypto/sha256"
	stdtls "crypto/tls"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// clientHello is what a client says that it can (RFC 8446, section 4.1.2).
type clientHello struct {
	version    int // legacy
	ciphers    []int
	extensions []int
	curves     []int
	points     []int
	versions   []int
	signatures []int
	sni        string
	hasSNI     bool
	alpn       []string
	firstALPN  []byte
}

type serverHello struct {
	version    int // chosen
	legacy     int
	cipher     int
	extensions []int
}

// The extensions that are read.
const (
	extSNI        = 0
	extCurves     = 10
	extPoints     = 11
	extSignatures = 13
	extALPN       = 16
	extVersions   = 43
)

func parseClientHello(b []byte) *clientHello {
	h := &clientHello{}
	c := cursor{b: b}
	h.version = c.u16()
	c.take(32)
	c.counted(1) // session
	h.ciphers = pairs(c.counted(2))
	c.counted(1) // compression
	eachExtension(c.counted(2), func(kind int, v []byte) {
		h.extensions = append(h.extensions, kind)
		in := cursor{b: v}
		switch kind {
		case extSNI:
			h.hasSNI = true
			list := cursor{b: in.counted(2)}
			if list.u8() == 0 {
				h.sni = text(list.counted(2))
			}
		case extCurves:
			h.curves = pairs(in.counted(2))
		case extPoints:
			for _, p := range in.counted(1) {
				h.points = append(h.points, int(p))
			}
		case extSignatures:
			h.signatures = pairs(in.counted(2))
		case extVersions:
			h.versions = pairs(in.counted(1))
		case extALPN:
			list := cursor{b: in.counted(2)}
			for len(list.b) > 0 && len(h.alpn) < 16 {
				name := list.counted(1)
				if h.alpn == nil {
					h.firstALPN = slices.Clone(name)
				}
				h.alpn = append(h.alpn, text(name))
			}
		}
	})
	return h
}

func parseServerHello(b []byte) *serverHello {
	h := &serverHello{}
	c := cursor{b: b}
	h.legacy = c.u16()
	h.version = h.legacy
	c.take(32)
	c.counted(1)
	h.cipher = c.u16()
	c.u8()
	eachExtension(c.counted(2), func(kind int, v []byte) {
		h.extensions = append(h.extensions, kind)
		if kind == extVersions && len(v) == 2 {
			h.version = int(v[0])<<8 | int(v[1])
		}
	})
	return h
}

// maxExtensions bounds how many extensions of a hello are read.
const maxExtensions = 256

func eachExtension(b []byte, show func(kind int, v []byte)) {
	c := cursor{b: b}
	for range maxExtensions {
		if len(c.b) < 4 {
			return
		}
		kind := c.u16()
		v := c.counted(2)
		if c.short {
			return
		}
		show(kind, v)
	}
}

func pairs(b []byte) (out []int) {
	for c := (cursor{b: b}); len(c.b) >= 2 && len(out) < 1024; {
		out = append(out, c.u16())
	}
	return out
}

// grease reports whether a number is one of those that mean nothing and only
// keep servers from being strict (RFC 8701).
func grease(n int) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

func noGrease(in []int) []int {
	return slices.DeleteFunc(slices.Clone(in), grease)
}

func dashed(in []int) string {
	parts := make([]string, len(in))
	for i, n := range in {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "-")
}

// ja3 is the MD5 of what the JA3 project defines (github.com/salesforce/ja3).
func (h *clientHello) ja3() string { return md5Hex(h.ja3Text()) }

func (h *clientHello) ja3Text() string {
	return fmt.Sprintf("%d,%s,%s,%s,%s", h.version, dashed(noGrease(h.ciphers)), dashed(noGrease(h.extensions)), dashed(noGrease(h.curves)), dashed(h.points))
}

func (h *serverHello) ja3s() string {
	return md5Hex(fmt.Sprintf("%d,%d,%s", h.legacy, h.cipher, dashed(h.extensions)))
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // G401: as above
	return hex.EncodeToString(sum[:])
}

// ja4 is FoxIO's JA4 of a client (technical_details/JA4.md of
// github.com/FoxIO-LLC/ja4; that part is under the BSD licence). over is 't'
// for TCP and 'q' for QUIC.
func (h *clientHello) ja4(over byte) string {
	version := h.version
	if known := noGrease(h.versions); len(known) > 0 {
		version = slices.Max(known)
	}
	words := map[int]string{0x304: "13", 0x303: "12", 0x302: "11", 0x301: "10", 0x300: "s3", 0x200: "s2", 0x100: "s1", 0xfeff: "d1", 0xfefd: "d2", 0xfefc: "d3"}
	word := words[version]
	if word == "" {
		word = "00"
	}
	to := byte('i')
	if h.hasSNI {
		to = 'd'
	}
	ciphers, extensions := noGrease(h.ciphers), noGrease(h.extensions)
	head := fmt.Sprintf("%c%s%c%02d%02d%s", over, word, to, min(len(ciphers), 99), min(len(extensions), 99), h.alpnEnds())
	slices.Sort(ciphers)
	rest := slices.DeleteFunc(extensions, func(n int) bool { return n == extSNI || n == extALPN })
	slices.Sort(rest)
	c := hexes(rest)
	if signatures := noGrease(h.signatures); len(signatures) > 0 {
		c += "_" + hexes(signatures)
	}
	return head + "_" + sha12(hexes(ciphers)) + "_" + sha12(c)
}

// alpnEnds is the first and last character of the first ALPN name; of its
// hexadecimal form if they are not both letters or digits.
func (h *clientHello) alpnEnds() string {
	if len(h.firstALPN) == 0 {
		return "00"
	}
	first, last := h.firstALPN[0], h.firstALPN[len(h.firstALPN)-1]
	if alphanumeric(first) && alphanumeric(last) {
		return string([]byte{first, last})
	}
	x := hex.EncodeToString(h.firstALPN)
	return string([]byte{x[0], x[len(x)-1]})
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func hexes(in []int) string {
	parts := make([]string, len(in))
	for i, n := range in {
		parts[i] = fmt.Sprintf("%04x", n)
	}
	return strings.Join(parts, ",")
}

func sha12(s string) string {
	if s == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:12]
}

// cipherName is IANA's name of a cipher suite as far as it is known here.
func cipherName(n int) string { return stdtls.CipherSuiteName(uint16(n)) } //nolint:gosec // G115: two bytes by parsing
