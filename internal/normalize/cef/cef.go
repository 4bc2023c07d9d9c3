// Package cef reads the Common Event Format of ArcSight (CEF, versions 0 and 1)
// and the Log Event Extended Format of QRadar (LEEF 1.0 and 2.0), bare or as
// the message of another record.
//
// It must not know any product that writes them: a key means what the formats
// say it means.
package cef

import (
	"bytes"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/moment"
	"vedette/internal/normalize/record"
)

// CEF is bare CEF, one record a line.
func CEF() record.Dialect { return dialect("cef", "CEF:") }

// LEEF is bare LEEF, one record a line.
func LEEF() record.Dialect { return dialect("leef", "LEEF:") }

func dialect(name, mark string) record.Dialect {
	return record.Dialect{
		Name: name,
		Detect: func(head []byte, _ string) int {
			for _, line := range bytes.SplitN(head, []byte("\n"), 20) {
				line = bytes.TrimSpace(line)
				if len(line) == 0 || line[0] == '#' {
					continue
				}
				if bytes.HasPrefix(line, []byte(mark)) && bytes.Count(line, []byte("|")) >= 5 {
					return 100
				}
				return 0
			}
			return 0
		},
		New: func(src record.Source) record.Parser { return &parser{src: src, frame: src.Frame()} },
	}
}

type parser struct {
	src   record.Source
	frame moment.Frame
	e     event.Event
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	p.e.Reset()
	raw := record.Text(p.src.Keep(rec.Raw))
	when, ok := Read(&p.e, strings.TrimPrefix(raw, "\xef\xbb\xbf"), p.frame)
	if !ok {
		return fault.New(fault.Invalid, "neither CEF nor LEEF")
	}
	record.Finish(&p.e, &p.src, rec, raw, 0, when)
	emit(&p.e)
	return nil
}

// Is tells whether a text begins like a record of one of the formats.
func Is(s string) bool {
	return strings.HasPrefix(s, "CEF:") || strings.HasPrefix(s, "LEEF:")
}

// Read reads a record into e, everything but what [record.Finish] sets. when is
// zero if the record names no time. A text that is no such record leaves e as
// it was.
func Read(e *event.Event, s string, frame moment.Frame) (when time.Time, ok bool) {
	s = strings.TrimSpace(s)
	if rest, is := strings.CutPrefix(s, "CEF:"); is {
		return readCEF(e, rest, frame)
	}
	if rest, is := strings.CutPrefix(s, "LEEF:"); is {
		return readLEEF(e, rest, frame)
	}
	return time.Time{}, false
}

// maxPairs is how many pairs are taken from one record.
const maxPairs = 500

func readCEF(e *event.Event, s string, frame moment.Frame) (time.Time, bool) {
	var head [7]string // version, vendor, product, version of it, signature, name, severity
	for i := range head {
		var ok bool
		if head[i], s, ok = cutField(s); !ok && i < len(head)-1 {
			return time.Time{}, false
		}
	}
	header(e, "cef/", head[1], head[2], head[3], head[4])
	r := reading{e: e, frame: frame, fields: cefFields, name: head[5]}
	record.Keep(e, "cef.version", head[0])
	e.SetActivityName(head[5])
	severity(e, head[6])
	n := 0
	eachCEF(s, func(key, v string) {
		if n++; n <= maxPairs {
			r.put(key, v)
		}
	})
	return r.done(), true
}

// header sets what both formats begin with.
func header(e *event.Event, family, vendor, product, version, code string) {
	e.SetMetadataProduct(product)
	if product == "" {
		e.SetMetadataProduct(strings.ToUpper(strings.TrimSuffix(family, "/")))
	}
	e.SetMetadataLogName(family + record.LogWord(product))
	e.SetMetadataEventCode(code)
	record.Keep(e, "deviceVendor", vendor)
	record.Keep(e, "deviceVersion", version)
}

// cutField cuts a field of a header off and undoes \| and \\ in it.
func cutField(s string) (field, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			return unescape(s[:i]), s[i+1:], true
		}
	}
	return unescape(s), "", false
}

// unescape undoes \| \= \\ \n and \r.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '|', '=', '\\':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// eachCEF calls put for each pair of an extension. Values may hold spaces: one
// ends where the next key begins, which is a word before "=". An equals sign
// that no such word is before belongs to the value, escaped or not.
func eachCEF(s string, put func(key, v string)) {
	key, from, at := "", 0, 0 // at is where the word begins that is being passed
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			continue
		case ' ':
			at = i + 1
			continue
		case '=':
		default:
			continue
		}
		if at == i || at == from && key != "" || !isKey(s[at:i]) {
			continue
		}
		if key != "" {
			put(key, unescape(strings.TrimSpace(s[from:at])))
		} else if lead := strings.TrimSpace(s[:at]); lead != "" {
			put("extension", unescape(lead)) // words before the first pair
		}
		key, from = s[at:i], i+1
		at = from
	}
	if key == "" {
		key = "extension"
	}
	put(key, unescape(strings.TrimSpace(s[from:])))
}

const maxKey = 128

func isKey(s string) bool {
	if s == "" || len(s) > maxKey {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("_.-[]", c) < 0 {
			return false
		}
	}
	return true
}
