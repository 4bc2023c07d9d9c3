package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"vedette/internal/fault"
)

// Report is what Verify found.
type Report struct {
	OK      bool
	Entries int64  // whole and linked, up to the first problem
	Head    string // hash of the last of them
	Line    int    // of the first problem, from 1
	Problem string
	Torn    int // bytes of an unfinished last line: a crash, not a forgery
	whole   int64
}

// Verify reads a journal and checks each link. It stops at the first broken
// one. An unfinished last line is reported as Torn and breaks nothing: its
// entry was never acknowledged. head, if not empty, is a hash noted earlier by
// [Journal.Head]; the journal must contain it. The error is for a journal that
// cannot be read, not for one that is wrong.
func Verify(r io.Reader, head string) (Report, error) { return Walk(r, head, func(Entry) {}) }

// Walk is [Verify] that hands each entry to f once its own link is checked. What
// f was given is worth as much as the report says afterwards.
func Walk(r io.Reader, head string, f func(Entry)) (Report, error) {
	report := Report{Head: genesis}
	met := head == "" || head == genesis
	fail := func(line int, text string) bool {
		report.Line, report.Problem = line, text
		return false
	}
	err := readEntries(bufio.NewReaderSize(r, 1<<16), func(at int, line []byte) bool {
		rest, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole {
			report.Torn = len(line)
			return true
		}
		e, problem := checkLine(rest, report.Entries+1, report.Head)
		if problem != "" {
			return fail(at, problem)
		}
		report.Entries++
		report.Head = e.Hash
		report.whole += int64(len(line))
		met = met || e.Hash == head
		f(e)
		return true
	})
	if long, ok := errors.AsType[*longLineError](err); ok {
		fail(long.line, "the line is longer than any entry")
		err = nil
	}
	if err == nil && report.Problem == "" && !met {
		fail(int(report.Entries)+1, "the journal does not contain the noted head: it was rewritten or cut short")
	}
	report.OK = err == nil && report.Problem == ""
	return report, err
}

// checkLine reads and checks one entry, or says what is wrong.
func checkLine(line []byte, seq int64, prev string) (e Entry, problem string) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, "not an entry: " + err.Error()
	}
	// The written bytes are those that encoding the entry gives. Otherwise
	// text could hide in a line without changing its hash.
	if canonical, err := json.Marshal(e); err != nil || !bytes.Equal(canonical, line) {
		return e, "the entry is not written as the journal writes it"
	}
	sum, err := hashOf(e)
	switch {
	case err != nil:
		return e, "the entry cannot be hashed"
	case e.Seq != seq:
		return e, "an entry is missing, repeated or out of order"
	case e.Prev != prev:
		return e, "the entry does not follow the one before it"
	case e.Hash != sum:
		return e, "the entry was changed after it was written"
	}
	return e, ""
}

type longLineError struct{ line int }

func (e *longLineError) Error() string { return "line too long" }

// readEntries calls f with each line, its end included, until f returns false.
func readEntries(r *bufio.Reader, f func(at int, line []byte) bool) error {
	var line []byte
	for at := 1; ; at++ {
		var err error
		line, err = readLine(r, line[:0])
		switch {
		case errors.Is(err, io.EOF):
			if len(line) > 0 {
				f(at, line)
			}
			return nil
		case errors.Is(err, bufio.ErrTooLong):
			return &longLineError{at}
		case err != nil:
			return fault.Wrap(fault.Unavailable, err, "reading the audit journal at line %d", at)
		case !f(at, line):
			return nil
		}
	}
}

// readLine appends the next line, its end included.
func readLine(r *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return line, bufio.ErrTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
