package model

import (
	"fmt"
	"time"

	"vedette/internal/fault"
)

// Kind is a kind of failure of an endpoint that callers act on.
type Kind uint8

// The kinds of failure.
const (
	Down          Kind = iota + 1 // no connection, reset, 5xx
	Loading                       // it says that it is not ready yet
	Busy                          // 429; RetryAfter, if it said so
	Refused                       // 401, 403: the key or the account
	BadRequest                    // 400 that is none of the others
	TooLong                       // the request does not fit the model's context
	Slow                          // a timeout, idle or total
	TooMuch                       // the answer passed its bound of bytes
	Malformed                     // what came is not the wire's language
	Moved                         // it redirected, or its address is not the pinned one
	Spent                         // a budget of ours is used up
	NotRegistered                 // the model is not approved here, or is not the one that was
	Canceled                      // the caller gave up
)

func (k Kind) String() string {
	names := [...]string{"", "down", "loading", "busy", "refused", "bad request", "too long", "slow", "too much", "malformed", "moved", "spent", "not registered", "canceled"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Error is a failure of an endpoint. Its text is ours; what the endpoint wrote
// is only in Detail, which is untrusted, bounded and never shown as our words.
type Error struct {
	Kind       Kind
	Endpoint   string
	Status     int           // HTTP status, 0 if there was none
	RetryAfter time.Duration // of Busy and Loading
	Detail     string        // what the endpoint wrote, at most 500 bytes
	Cause      error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("model endpoint %s is %s", e.Endpoint, e.Kind)
	if e.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Cause }

// Fault is the failure as the doors tell it.
func (e *Error) Fault() *fault.Error {
	kind := fault.Unavailable
	switch e.Kind {
	case Refused, NotRegistered:
		kind = fault.Denied
	case BadRequest, TooLong:
		kind = fault.Invalid
	case Busy, TooMuch, Spent:
		kind = fault.Limited
	default:
	}
	return fault.Wrap(kind, e, "asking the model at endpoint %s: %s", e.Endpoint, e.Kind)
}
