package ingest_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// letters is a format of records of one letter, whose filter is the letters to take.
func letters() ingest.Format {
	return ingest.Format{
		Name:   "letters",
		Detect: func(head []byte, _ string) int { return 100 * bytes.Count(head[:1], []byte("!")) },
		Cut: func(in *bufio.Reader) func() ([]byte, int64, error) {
			at := int64(-1)
			return func() ([]byte, int64, error) {
				b, err := in.ReadByte()
				at++
				return []byte{b}, at, err
			}
		},
		Open: func(ingest.Origin) ingest.Reading {
			return ingest.Reading{Record: func(raw []byte, _ int64, emit func(*event.Event)) error {
				var e event.Event
				e.SetStr(event.SlotRaw, string(raw))
				emit(&e)
				return nil
			}}
		},
		Filter: func(text string) (func([]byte) (bool, error), error) {
			if text == "" || strings.ContainsAny(text, "()") {
				return nil, fault.New(fault.Invalid, "no filter: %s", text)
			}
			return func(raw []byte) (bool, error) {
				if raw[0] == '?' {
					return false, errors.New("cannot tell")
				}
				return strings.Contains(text, string(raw)), nil
			}, nil
		},
	}
}

// A filter takes records, passes over others, and rejects those that it cannot tell.
func TestOnly(t *testing.T) {
	r := ingest.NewReader([]ingest.Format{letters()}, clockNow)
	read := func(filter, data string) (got string, rep ingest.Report, err error) {
		rep, err = r.Only(filter).Stream(t.Context(), strings.NewReader(data), "x", "", clock, func(e *event.Event) error {
			got += e.Str(event.SlotRaw)
			return nil
		})
		return got, rep, err
	}
	for _, c := range []struct {
		filter, data, want string
		rejected           int
		kind               fault.Kind
	}{
		{"", "!ab?b", "!ab?b", 0, 0},
		{"b", "!ab?b", "bb", 1, 0},
		{"z", "!ab", "", 0, 0},
		{"(", "!ab", "", 0, fault.Invalid},
		{"b", "", "", 0, 0},
		{"b", "text\n", "", 1, fault.Invalid},
	} {
		got, rep, err := read(c.filter, c.data)
		if got != c.want || rep.Rejected != c.rejected || (err != nil) != (c.kind != 0) || err != nil && fault.KindOf(err) != c.kind {
			t.Errorf("%q of %q: %q, %d rejected, %v", c.filter, c.data, got, rep.Rejected, err)
		}
		if read := rep.Read - rep.Rejected; c.kind == 0 && read != len(got) {
			t.Errorf("%q of %q: %d read of %q", c.filter, c.data, read, got)
		}
	}
	if _, _, err := read("b", "!"); err != nil {
		t.Error(err)
	}
	all := ingest.NewReader(slices.Concat([]ingest.Format{letters()}, realFormats()), clockNow)
	_, err := all.Only("b").Stream(t.Context(), io.LimitReader(strings.NewReader(lines(3)), 1<<20), "a.log", "", clock, func(*event.Event) error { return nil })
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "a.log is syslog") {
		t.Errorf("%v", err)
	}
}
