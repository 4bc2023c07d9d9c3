package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// breaking is a format of lines that begin with "b" and whose parts panic on the
// word "boom" with their name.
func breaking(binary bool) Format {
	fail := func(data []byte, part string) {
		if bytes.Contains(data, []byte("boom "+part)) {
			var none []byte
			_ = none[len(data)] // as a real fault would
		}
	}
	f := Format{
		Name: "breaking",
		Detect: func(head []byte, _ string) int {
			fail(head, "detect")
			if bytes.HasPrefix(head, []byte("b")) {
				return 50
			}
			return 0
		},
	}
	if binary {
		f.Cut = func(in *bufio.Reader) func() ([]byte, int64, error) {
			return func() ([]byte, int64, error) {
				line, err := in.ReadBytes('\n')
				fail(line, "cut")
				if len(line) > 0 {
					err = nil
				}
				return line, 7, err
			}
		}
	}
	f.Open = func(o Origin) Reading {
		fail([]byte(o.Name), "open")
		var e event.Event
		give := func(raw []byte, what string, emit func(*event.Event)) {
			e.Reset()
			e.SetMessage(what + string(bytes.TrimSpace(raw)))
			emit(&e)
		}
		resets := 0
		return Reading{
			Record: func(raw []byte, _ int64, emit func(*event.Event)) error {
				if bytes.Contains(raw, []byte("late")) {
					give(raw, "first ", emit)
				}
				fail(raw, "record")
				give(raw, "", emit)
				return nil
			},
			End: func(func(*event.Event)) { fail([]byte(o.Name), "end") },
			Salvage: func(raw []byte, _ int64, emit func(*event.Event)) {
				give(raw, fmt.Sprintf("unread(%d) ", resets), emit)
			},
			Reset: func() { resets++ },
		}
	}
	return f
}

type brokenList []Breakage

func (l *brokenList) Broke(b Breakage) { *l = append(*l, b) }

func (l *brokenList) Put(context.Context, Payload) error { return nil }

func TestAFormatThatPanics(t *testing.T) {
	for _, c := range []struct {
		name, data string
		binary     bool
		want       string // messages
		rejected   int
		parts      int
		offset     int64
	}{
		{"a record", "b one\nb boom record\nb two\n", false, "b one|unread(1) b boom record|b two", 1, 1, 6},
		{"after an event", "b late boom record\nb two\n", false, "first b late boom record|unread(1) b late boom record|b two", 1, 1, 0},
		{"the format is looked for", "b boom detect\n", false, "", 1, 2, 0},
		{"the end of boom end", "b one\n", false, "b one", 0, 1, 0},
		{"boom open", "b one\n", false, "", 1, 1, 0},
		{"the cutter", "b one\nb boom cut\nb two\n", true, "b one", 1, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader([]Format{breaking(c.binary)}, func() time.Time { return time.Unix(9, 0) })
			var told brokenList
			r.OnBreak(told.Broke)
			var got []string
			rep, err := r.Stream(t.Context(), strings.NewReader(c.data), c.name, "", time.Time{}, func(e *event.Event) error {
				got = append(got, e.Message())
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if m := strings.Join(got, "|"); m != c.want || rep.Rejected != c.rejected {
				t.Errorf("messages %q, report %+v", m, rep)
			}
			if len(told) < 1 || len(told) > c.parts {
				t.Fatalf("%d were told", len(told))
			}
			if b := told[0]; b.Part != "parser breaking" || b.Offset != c.offset || !strings.Contains(b.Stack, "guarded_test.go") || !strings.Contains(b.What, "out of range") || !b.Time.Equal(time.Unix(9, 0)) {
				t.Errorf("%+v", b)
			}
		})
	}
}

// TestASinkThatPanics is not the parser's fault: who runs the batch must know.
func TestASinkThatPanics(t *testing.T) {
	r := NewReader([]Format{breaking(false)}, time.Now)
	r.OnBreak(func(b Breakage) { t.Errorf("blamed: %+v", b) })
	mine := errors.New("the store")
	defer func() {
		if got := recover(); got != mine { //nolint:errorlint // the very value
			t.Errorf("recovered %v", got)
		}
	}()
	_, _ = r.Stream(t.Context(), strings.NewReader("b one\n"), "x", "", time.Time{}, func(*event.Event) error { panic(mine) })
	t.Error("it went on")
}

func TestBear(t *testing.T) {
	var told brokenList
	long := bytes.Repeat([]byte{1}, 2*maxBreakage)
	err := Bear(&told, "source x", "s", "192.0.2.1", long, func() { panic("boom") })
	if fault.KindOf(err) != fault.Internal || len(told) != 1 || len(told[0].Data) != maxBreakage || told[0].Size != len(long) || told[0].Peer != "192.0.2.1" || told[0].What != "boom" {
		t.Errorf("%v %d", err, len(told))
	}
	if err := Bear(&told, "source x", "s", "", nil, func() {}); err != nil || len(told) != 1 {
		t.Error(err)
	}
}

// FuzzGuarded holds that with any format that panics anywhere, each line gives an
// event, is rejected, or the whole source is: none ends the reading without a word.
func FuzzGuarded(f *testing.F) {
	f.Add([]byte("b one\nb boom record\nb two\n"), false)
	f.Add([]byte("b one\nb boom cut\nb two\n"), true)
	f.Add([]byte("b late boom record\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		r := NewReader([]Format{breaking(binary)}, time.Now)
		events := 0
		rep, err := r.Stream(t.Context(), bytes.NewReader(data), "x", "", time.Time{}, func(*event.Event) error { events++; return nil })
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if rep.Events != events || len(bytes.Trim(data, " \t\r\n\v\f\x00\xc2\x85\xa0")) > 0 && rep.Read+rep.Rejected == 0 && !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
			t.Fatalf("%q: %d events, report %+v", data, events, rep)
		}
	})
}
