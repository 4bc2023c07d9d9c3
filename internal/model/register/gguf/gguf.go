// Package gguf reads the header of a GGUF file: what the model is, how long its
// context is, which tokens steer it, which chat template it carries, how it is
// quantised and where its tensors lie. Versions 2 and 3 are read; version 3 also
// in big-endian order.
//
// A GGUF file is not inert: servers have been overrun by headers that lie. So
// everything in it is held against named limits and against the size of the
// file, and a header that breaks one is refused, never repaired. Texts of the
// header are whatever the maker of the file wrote: untrusted, and never
// executed. The package must not read tensor data.
package gguf

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"vedette/internal/fault"
)

// The limits of a header.
const (
	MaxKeys    = 4096     // pairs of key and value
	MaxTensors = 65_536   // tensors
	MaxString  = 1 << 20  // bytes of a string
	MaxArray   = 1 << 20  // elements of an array
	MaxHeader  = 64 << 20 // bytes up to the data
	MaxDims    = 4        // dimensions of a tensor
	MaxControl = 65_536   // control tokens that are kept; what is more is counted
	maxAlign   = 1 << 20  // bytes
)

// Magic begins every GGUF file.
const Magic = "GGUF"

// Header is what the header tells.
type Header struct {
	Version      int
	BigEndian    bool
	Architecture string
	Name         string
	License      string
	FileType     string // what the header says of its quantisation; empty: it does not
	Quantisation string // what most of the weights have, by their tensors
	Tokenizer    string
	Context      int64 // tokens; 0: not told
	Parameters   int64 // elements of all tensors
	Tensors      int
	Keys         int

	Control     []string // strings of the tokens of types CONTROL and USER_DEFINED, in the order of their ids
	ControlLeft int      // such tokens beyond MaxControl
	Templates   []Template

	Data     int64 // where the tensor data begins
	Unsized  int   // tensors of a type unknown here: only their begin was checked
	Trailing int64 // bytes after the last tensor and its padding
}

// Template is a chat template. It is a program in the language Jinja that the
// model's server runs.
type Template struct {
	Name   string // empty: the default one
	Text   string
	Digest string // SHA-256 of the text, hex
}

// Template returns the default chat template, or false.
func (h Header) Template() (Template, bool) {
	for _, t := range h.Templates {
		if t.Name == "" {
			return t, true
		}
	}
	return Template{}, false
}

// Read reads the header of a file of size bytes.
func Read(r io.ReaderAt, size int64) (Header, error) {
	d := &decoder{size: size, in: bufio.NewReaderSize(io.NewSectionReader(r, 0, min(size, MaxHeader)), 1<<16), order: binary.LittleEndian}
	h, err := d.header()
	if err != nil {
		return Header{}, err
	}
	return h, nil
}

func (d *decoder) header() (Header, error) {
	var h Header
	tensors, keys := d.start(&h)
	pairs := d.pairs(keys)
	infos := d.tensors(tensors)
	if d.err != nil {
		return h, d.err
	}
	h.Keys = len(pairs)
	pairs.facts(&h)
	if err := pairs.tokens(&h); err != nil {
		return h, err
	}
	if err := pairs.templates(&h); err != nil {
		return h, err
	}
	align, err := pairs.alignment()
	if err != nil {
		return h, err
	}
	if h.Data = roundUp(d.at, align); h.Data > d.size {
		if len(infos) > 0 {
			return h, refuse("the data would begin at byte %d of %d", h.Data, d.size)
		}
		h.Data = d.size // nothing follows the header, not even padding
	}
	return h, layout(&h, infos, align, d.size)
}

// start reads magic, version and counts, and finds the order of bytes: a
// version is small, so one whose low half is empty was written the other way.
func (d *decoder) start(h *Header) (tensors, keys uint64) {
	if magic := d.bytes(4); d.err == nil && string(magic) != Magic {
		d.refuse("it does not begin with %q", Magic)
	}
	version := d.u32()
	if version != 0 && version&0xffff == 0 {
		h.BigEndian, d.order = true, binary.BigEndian
		version = uint32FromBE(version)
	}
	h.Version = int(version)
	switch {
	case d.err != nil:
		return 0, 0
	case version != 2 && version != 3:
		d.refuse("version %d is not read; 2 and 3 are", version)
	case version == 2 && h.BigEndian:
		d.refuse("version 2 has no big-endian form")
	}
	tensors, keys = d.u64(), d.u64()
	if tensors > MaxTensors {
		d.refuse("it says it has %d tensors, the limit is %d", tensors, MaxTensors)
	}
	if keys > MaxKeys {
		d.refuse("it says it has %d keys, the limit is %d", keys, MaxKeys)
	}
	return tensors, keys
}

func uint32FromBE(v uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	return binary.BigEndian.Uint32(b[:])
}

func (p pairs) facts(h *Header) {
	h.Architecture = p.text("general.architecture")
	h.Name = p.text("general.name")
	h.License = p.text("general.license")
	h.Tokenizer = p.text("tokenizer.ggml.model")
	if n, ok := p.number(h.Architecture + ".context_length"); ok && n < 1<<40 {
		h.Context = int64(n)
	}
	if n, ok := p.number("general.file_type"); ok {
		h.FileType = fileType(n)
	}
}

// The kinds of tokens that steer a model.
const (
	tokenControl     = 3
	tokenUserDefined = 4
)

// tokens collects the strings of tokens that a text must not contain.
func (p pairs) tokens(h *Header) error {
	texts, kinds := p["tokenizer.ggml.tokens"].texts, p["tokenizer.ggml.token_type"].numbers
	if kinds != nil && len(kinds) != len(texts) {
		return refuse("it has %d tokens and %d types of tokens", len(texts), len(kinds))
	}
	for i, kind := range kinds {
		if kind != tokenControl && kind != tokenUserDefined || texts[i] == "" {
			continue
		}
		if len(h.Control) == MaxControl {
			h.ControlLeft++
			continue
		}
		h.Control = append(h.Control, texts[i])
	}
	return nil
}

const templateKey = "tokenizer.chat_template"

// templates collects the chat templates, the default one first.
func (p pairs) templates(h *Header) error {
	if v, ok := p[templateKey]; ok && v.kind != kindString {
		return refuse("its chat template is not a text")
	}
	for key, v := range p {
		name, ok := templateName(key)
		if !ok || v.kind != kindString {
			continue
		}
		sum := sha256.Sum256([]byte(v.text))
		h.Templates = append(h.Templates, Template{Name: name, Text: v.text, Digest: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(h.Templates, func(a, b Template) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func templateName(key string) (string, bool) {
	if key == templateKey {
		return "", true
	}
	rest, ok := strings.CutPrefix(key, templateKey+".")
	return rest, ok && rest != ""
}

func (p pairs) alignment() (int64, error) {
	v, ok := p["general.alignment"]
	if !ok {
		return 32, nil
	}
	if v.kind != kindU32 || v.number == 0 || v.number > maxAlign || v.number&(v.number-1) != 0 {
		return 0, refuse("its alignment is not a power of two up to %d", maxAlign)
	}
	return int64(v.number), nil
}

func refuse(format string, args ...any) error {
	return fault.New(fault.Invalid, "reading a GGUF header: "+format, args...)
}
