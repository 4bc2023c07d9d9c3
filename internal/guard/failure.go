package guard

import (
	"errors"
	"fmt"

	"vedette/internal/fault"
	"vedette/internal/model"
)

// Reason says why a call has no reply.
type Reason string

// The reasons.
const (
	ByPolicy   Reason = "policy"     // no endpoint may be asked
	ByRegister Reason = "register"   // the model is not approved here
	ByBudget   Reason = "budget"     // a budget is used up
	ByScan     Reason = "scan"       // the last scan found an original in what was to leave
	ByLedger   Reason = "ledger"     // the call cannot be recorded, so it is not made
	ByCall     Reason = "call"       // the call itself is wrong, a defect of ours
	ByModel    Reason = "model"      // the endpoint failed
	ByForm     Reason = "form"       // its answer is not what was asked for
	ByCaller   Reason = "given up"   // the caller gave up
	ByPlace    Reason = "pseudonyms" // pseudonyms cannot be made
)

// Failure is why a call has no reply. Whoever asked goes on with its own answer.
type Failure struct {
	Reason   Reason
	Endpoint string // the last that was tried, if any
	Sent     bool   // something left before it failed
	Entry    int64  // of the audit journal that tells of it
	Cause    error
}

// Error tells it in our words.
func (f *Failure) Error() string {
	text := "asking a model: " + f.Public()
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Public is what a person may be told.
func (f *Failure) Public() string {
	at := ""
	if f.Endpoint != "" {
		at = " " + f.Endpoint
	}
	switch f.Reason {
	case ByPolicy:
		return "policy lets this go to no model"
	case ByRegister:
		return fmt.Sprintf("the model at endpoint%s is not approved", at)
	case ByBudget:
		return "the budget for models is used up"
	case ByScan:
		return "a name or value of the site was found in what was to leave, so nothing was sent"
	case ByLedger:
		return "the call could not be recorded, so it counts for nothing"
	case ByForm:
		return fmt.Sprintf("the model at endpoint%s gave an answer that is not in the form that was asked for", at)
	case ByModel:
		if e, ok := errors.AsType[*model.Error](f.Cause); ok {
			return fmt.Sprintf("the model at endpoint%s is %s", at, e.Kind)
		}
		return fmt.Sprintf("the model at endpoint%s failed", at)
	case ByCaller:
		return "the caller gave up"
	case ByPlace:
		return "no pseudonyms can be made, so nothing was sent"
	case ByCall:
	}
	return "the call is wrong"
}

// Unwrap shows the fault that doors map to their codes, and the cause.
func (f *Failure) Unwrap() []error {
	kind := fault.Unavailable
	switch f.Reason {
	case ByPolicy, ByRegister, ByScan:
		kind = fault.Denied
	case ByBudget:
		kind = fault.Limited
	case ByCall:
		kind = fault.Internal
	case ByLedger, ByModel, ByForm, ByCaller, ByPlace:
	}
	out := []error{fault.New(kind, "asking a model: %s", f.Public())}
	if f.Cause != nil {
		out = append(out, f.Cause)
	}
	return out
}
