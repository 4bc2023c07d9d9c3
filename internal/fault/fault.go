// Package fault says what kind of failure an error is and what a person may be
// told about it. It owns the kinds and the split between public text and
// wrapped cause; it must not know HTTP, exit codes or any other package of
// ours: the doors map a [Kind] to their own codes.
package fault

import (
	"errors"
	"fmt"
)

// Kind is a class of failure that callers can act on.
type Kind uint8

// The kinds of failure.
const (
	Internal    Kind = iota // a defect or an unforeseen condition; the zero Kind
	Invalid                 // the request is wrong; repeating it will not help
	NotFound                // the thing named does not exist
	Conflict                // the thing is in a state that forbids it, such as locked by another process
	Denied                  // the caller may not do it
	Limited                 // a limit of rate, size or cost was reached
	Unavailable             // something needed is not there now; trying later may help
)

func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not found"
	case Conflict:
		return "conflict"
	case Denied:
		return "denied"
	case Limited:
		return "limited"
	case Unavailable:
		return "unavailable"
	case Internal:
	}
	return "internal"
}

// Error is a failure with a public text and, behind it, the cause. The text is
// lower case without a full stop and names what was being done to which thing;
// Hint, if any, says what to do.
type Error struct {
	Kind  Kind
	Text  string
	Hint  string
	Cause error
}

// New makes an error whose text is formatted like fmt.Sprintf.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// Wrap makes an error with a cause. The cause is for logs and errors.Is; only
// the text is for people outside.
func Wrap(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Cause: cause}
}

// WithHint adds what to do about it and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error returns the text and the cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Text
	}
	return e.Text + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the first fault in err's chain, or Internal.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// Public returns what a person outside may be told about err: the text and the
// hint of the first fault in its chain, or a plain word if there is none.
func Public(err error) (text, hint string) {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Text, f.Hint
	}
	return "internal error", ""
}
