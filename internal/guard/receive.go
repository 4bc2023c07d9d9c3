package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vedette/internal/guard/strict"
	"vedette/internal/model"
	"vedette/internal/trace"
)

// errIdle and errTotal are why the door itself ended a call.
var (
	errIdle  = errors.New("nothing came for too long")
	errTotal = errors.New("the whole answer took too long")
)

// receive sends the parcel and takes the answer within the endpoint's bounds. A
// provider bounds itself too; the door does not rely on that.
func (a *attempt) receive(ctx context.Context, out parcel) (got received, failed *Failure) {
	ctx, span := trace.StartCall(ctx, trace.Chat(out.req.Model), trace.Word(trace.GenOperation, trace.OpChat), trace.Word(trace.GenModel, out.req.Model), trace.Word(trace.Endpoint, a.to.Name))
	defer func() { a.end(span, got, failed) }()
	return a.answer(ctx, out)
}

// end tells how a call went, never what was said.
func (a *attempt) end(span trace.Span, got received, failed *Failure) {
	span.Set(trace.Count(trace.GenInput, got.usage.In), trace.Count(trace.GenOutput, got.usage.Out))
	if failed == nil {
		span.End(nil)
		return
	}
	span.End(failed)
}

func (a *attempt) answer(ctx context.Context, out parcel) (received, *Failure) {
	limits := a.to.Limits.WithDefaults()
	sending, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	total := time.AfterFunc(limits.Total, func() { stop(errTotal) })
	defer total.Stop()
	idle := time.AfterFunc(limits.First, func() { stop(errIdle) })
	defer idle.Stop()

	var got received
	var text strings.Builder
	var parts strict.Elements
	fail := func(kind model.Kind, cause error) (received, *Failure) {
		got.text = text.String()
		return got, &Failure{Reason: ByModel, Endpoint: a.to.Name, Cause: &model.Error{Kind: kind, Endpoint: a.to.Name, Cause: cause}}
	}
	for piece, err := range a.d.providers[a.to.Name].Generate(sending, out.req) {
		if piece.Text != "" {
			idle.Reset(limits.Idle)
		}
		if err != nil {
			got.text = text.String()
			return got, a.broken(ctx, sending, err)
		}
		if int64(text.Len()+len(piece.Text)) > limits.Answer {
			return fail(model.TooMuch, nil)
		}
		text.WriteString(piece.Text)
		if a.call.Each != nil {
			a.tell(parts.Take(text.String()))
		}
		if piece.Finish != "" {
			got.finish, got.usage, got.served = piece.Finish, sane(piece.Usage), piece.Model
		}
		if sending.Err() != nil {
			got.text = text.String()
			return got, a.broken(ctx, sending, sending.Err())
		}
	}
	got.text = text.String()
	if got.finish == "" {
		if sending.Err() != nil {
			return got, a.broken(ctx, sending, sending.Err())
		}
		return fail(model.Malformed, errors.New("the answer has no end"))
	}
	return a.read(got)
}

// tell passes on what is complete of an answer that is still coming. What is not
// in order is left to the end, which refuses it.
func (a *attempt) tell(parts []string) {
	for _, part := range parts {
		v, err := strict.Decode([]byte(part), strict.Default())
		if err != nil {
			return
		}
		if a.vault != nil {
			v = strict.Map(v, a.vault.Restore)
		}
		a.call.Each(strict.Encode(v))
	}
}

// broken tells who ended a call: the caller, a bound of ours or the endpoint.
func (a *attempt) broken(ctx, sending context.Context, err error) *Failure {
	f := &Failure{Reason: ByModel, Endpoint: a.to.Name, Cause: err}
	cause := context.Cause(sending)
	switch {
	case ctx.Err() != nil:
		f.Reason, f.Cause = ByCaller, &model.Error{Kind: model.Canceled, Endpoint: a.to.Name, Cause: ctx.Err()}
	case errors.Is(cause, errIdle) || errors.Is(cause, errTotal):
		f.Cause = &model.Error{Kind: model.Slow, Endpoint: a.to.Name, Cause: cause}
	}
	return f
}

// read holds what came against the form that was asked for, and puts the names
// back into its texts, not into its keys.
func (a *attempt) read(got received) (received, *Failure) {
	form := func(err error) (received, *Failure) {
		return got, &Failure{Reason: ByForm, Endpoint: a.to.Name, Cause: err}
	}
	if got.finish != model.Stop {
		return form(fmt.Errorf("the answer ended by %s, not of itself", got.finish))
	}
	limits := strict.Default()
	limits.Bytes = min(limits.Bytes, int(a.to.Limits.WithDefaults().Answer))
	v, err := strict.Decode([]byte(got.text), limits)
	if err != nil {
		return form(err)
	}
	if err := a.schema.Check(v); err != nil {
		return form(err)
	}
	if a.vault != nil {
		v = strict.Map(v, a.vault.Restore)
	}
	got.json = strict.Encode(v)
	return got, nil
}

// sane keeps a count that an endpoint tells within reason.
func sane(u model.Usage) model.Usage {
	const most = 100_000_000
	return model.Usage{In: min(max(u.In, 0), most), Out: min(max(u.Out, 0), most)}
}
