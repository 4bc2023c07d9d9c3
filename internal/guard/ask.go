package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"vedette/internal/guard/egress"
	"vedette/internal/guard/strict"
	"vedette/internal/model"
)

// Ask puts a call to the first endpoint that policy allows, and goes on to the
// next one, never further out, when that fails. The error is always a [*Failure]:
// whoever asked has an answer of its own, and goes on with that.
func (d *Door) Ask(ctx context.Context, c Call) (Reply, error) {
	if err := checkCall(c); err != nil {
		return Reply{}, &Failure{Reason: ByCall, Cause: err}
	}
	schema, err := d.schemaOf(c.Schema.JSON)
	if err != nil {
		return Reply{}, &Failure{Reason: ByCall, Cause: err}
	}
	decision, err := d.decide(ctx, c)
	s := subjectOf(c, decision)
	if err != nil || len(decision.Order) == 0 {
		return Reply{}, d.refuse(s, &Failure{Reason: ByPolicy, Cause: err}, "", string(decision.Highest), reasonsOf(decision)...)
	}
	var last *Failure
	for n, e := range decision.Order {
		one := attempt{d: d, call: c, to: e, schema: schema, subject: s, number: n + 1, before: last}
		reply, failure := one.run(ctx)
		if failure == nil {
			return reply, nil
		}
		d.cfg.Log.Info("a model gave no answer", "component", "guard", "endpoint", e.Name, "reason", string(failure.Reason), "err", failure.Public())
		last = failure
		switch failure.Reason {
		case ByScan, ByLedger, ByCaller, ByCall, ByPlace:
			return Reply{}, failure
		case ByPolicy, ByRegister, ByBudget, ByModel, ByForm:
		}
	}
	return Reply{}, last
}

func subjectOf(c Call, decision Decision) egress.Subject {
	return egress.Subject{
		Person: c.Person, Task: string(c.Task), Conversation: c.Conversation, Label: decision.Label, Items: len(c.Evidence), LeftOut: c.LeftOut, Rule: decision.Rule,
	}
}

func reasonsOf(decision Decision) []string {
	out := make([]string, len(decision.Refused))
	for i, r := range decision.Refused {
		out[i] = r.Endpoint + ": " + r.Reason
	}
	if len(out) == 0 {
		out = []string{"there is no such endpoint"}
	}
	return out
}

// refuse records that nothing left, and returns the failure.
func (d *Door) refuse(s egress.Subject, f *Failure, endpoint, location string, reasons ...string) *Failure {
	f.Endpoint = endpoint
	entry, err := d.ledger.Refused(s, endpoint, location, reasons...)
	if err != nil {
		return &Failure{Reason: ByLedger, Endpoint: endpoint, Cause: err}
	}
	f.Entry = entry
	return f
}

// attempt is a call put to one endpoint.
type attempt struct {
	d       *Door
	call    Call
	to      model.Endpoint
	schema  *strict.Schema
	subject egress.Subject
	number  int
	before  *Failure // what the endpoint before it failed at

	vault    Vault
	approval string
}

// run does one attempt, in the order that its safety rests on: approved, paid
// for, packed, scanned, recorded, and only then sent.
func (a *attempt) run(ctx context.Context) (Reply, *Failure) {
	var err error
	if a.approval, err = a.d.cfg.Register.Admit(ctx, a.to); err != nil {
		return Reply{}, a.refuse(ByRegister, err)
	}
	out, failure := a.parcel()
	if failure != nil {
		return Reply{}, failure
	}
	most := Spend{
		Person: a.call.Person, Endpoint: a.to.Name, Task: a.call.Task, TokensIn: out.tokens, TokensOut: out.req.MaxTokens,
		Time: a.to.Limits.WithDefaults().Total, Currency: a.to.Price.Currency,
	}
	most.Money = costOf(a.to, most.TokensIn, most.TokensOut)
	settle := func(Spend) {}
	if a.d.cfg.Budget != nil {
		if settle, err = a.d.cfg.Budget.Reserve(ctx, most); err != nil {
			return Reply{}, a.refuse(ByBudget, err)
		}
	}
	spent := Spend{Person: most.Person, Endpoint: most.Endpoint, Task: most.Task, Currency: most.Currency}
	defer func() { settle(spent) }()
	seq, err := a.d.ledger.Call(a.subject, a.place(), egress.Sent{Bytes: len(out.wire), SHA256: out.digest, Redacted: out.redacted, Attempt: a.number, Why: a.why()})
	if err != nil {
		return Reply{}, &Failure{Reason: ByLedger, Endpoint: a.to.Name, Cause: err}
	}
	started := a.d.cfg.Now()
	got, failure := a.receive(ctx, out)
	spent.Time = a.d.cfg.Now().Sub(started)
	spent.TokensIn, spent.TokensOut, spent.OutBytes = got.usage.In, got.usage.Out, len(got.text)
	if spent.TokensIn+spent.TokensOut == 0 { // it did not say: what it can have been
		spent.TokensIn, spent.TokensOut = out.tokens, tokensOf(len(got.text))
	}
	spent.Money = costOf(a.to, spent.TokensIn, spent.TokensOut)
	outcome := got.outcome(seq, failure)
	outcome.TokensIn, outcome.TokensOut, outcome.Cost, outcome.Currency = spent.TokensIn, spent.TokensOut, spent.Money, spent.Currency
	if err := a.d.ledger.Answer(a.subject, a.to.Name, outcome); err != nil {
		return Reply{}, &Failure{Reason: ByLedger, Endpoint: a.to.Name, Sent: true, Entry: seq, Cause: err}
	}
	if failure != nil {
		failure.Sent, failure.Entry = true, seq
		return Reply{}, failure
	}
	return Reply{
		JSON: got.json, Spoke: Spoke{Name: a.to.Name + " (" + a.to.Model + ")", Location: string(a.to.Location)}, Sent: len(out.wire), Digest: out.digest,
		Entry: seq, TokensIn: spent.TokensIn, TokensOut: spent.TokensOut, LeftOut: out.leftOut, Cost: spent.Money, Currency: spent.Currency,
	}, nil
}

// parcel packs and scans.
func (a *attempt) parcel() (parcel, *Failure) {
	p, err := a.d.packer(a.call, a.to)
	if err != nil {
		return parcel{}, a.refuse(ByPlace, err)
	}
	a.vault = p.vault
	out, err := p.pack()
	if err != nil {
		reason := ByCall
		if _, ok := errors.AsType[*model.Error](err); ok {
			reason = ByModel
		}
		return out, a.refuse(reason, err)
	}
	a.subject.Fields, a.subject.Items, a.subject.LeftOut = out.fields, out.items, out.leftOut+a.call.LeftOut
	if kinds := p.leaks(out); len(kinds) > 0 {
		f := &Failure{Reason: ByScan}
		return out, a.d.refuse(a.subject, f, a.to.Name, string(a.to.Location), "the last scan found an original of type "+strings.Join(kinds, ", "))
	}
	return out, nil
}

// packer prepares what puts a call into the form of an endpoint. What goes to a
// cloud always has pseudonyms.
func (d *Door) packer(c Call, to model.Endpoint) (*packer, error) {
	p := &packer{d: d, call: c, to: to, neutral: d.cfg.Neutral(to), cleaned: map[string]string{}}
	if to.Location != model.OnPremises || d.cfg.RedactInside && d.cfg.Vaults != nil {
		v, err := d.cfg.Vaults.Vault(c.Conversation)
		if err != nil {
			return nil, err
		}
		p.vault = v
	}
	var err error
	p.mark, err = newMark(d.cfg.Rand)
	return p, err
}

func (a *attempt) refuse(reason Reason, err error) *Failure {
	return a.d.refuse(a.subject, &Failure{Reason: reason, Cause: err}, a.to.Name, string(a.to.Location), reasonText(err))
}

// reasonText is what the ledger says of an error: a kind, never what an endpoint
// wrote.
func reasonText(err error) string {
	e, ok := errors.AsType[*model.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Kind == model.NotRegistered && e.Cause != nil:
		return e.Kind.String() + ": " + e.Cause.Error() // the register's own words
	}
	return e.Kind.String()
}

func (a *attempt) place() egress.Place {
	return egress.Place{
		Endpoint: a.to.Name, Location: string(a.to.Location), Model: a.to.Model, Operator: a.to.Terms.Operator, Jurisdiction: a.to.Terms.Jurisdiction,
		URL: a.to.URL, Approval: a.approval,
	}
}

func (a *attempt) why() string {
	if a.before == nil {
		return "the first endpoint that policy allows"
	}
	return "endpoint " + a.before.Endpoint + " failed before it (" + string(a.before.Reason) + "), and this one is no further out"
}

// costOf is what tokens cost at an endpoint.
func costOf(e model.Endpoint, in, out int) float64 {
	return (float64(in)*e.Price.In + float64(out)*e.Price.Out) / 1e6
}

// Explanation says of a call what Ask would do with it, without doing it.
type Explanation struct {
	Decision Decision
	Offers   []Offer // one for each endpoint of Decision.Order
}

// Offer is what an endpoint would be sent and cost.
type Offer struct {
	Endpoint  model.Endpoint
	Approval  string // who let it in; empty: it is not approved
	Problem   string // why it would not be asked after all
	Items     int
	LeftOut   int
	Fields    map[string]int
	Bytes     int
	TokensIn  int // about
	TokensOut int // at most
	Redacted  bool
	Cost      float64 // at most, in the currency of its price
}

// Explain says where a call would go and why, what would be sent and what it
// would cost at most. It sends, records and keeps nothing.
func (d *Door) Explain(ctx context.Context, c Call) (Explanation, error) {
	if err := checkCall(c); err != nil {
		return Explanation{}, err
	}
	out := Explanation{Decision: d.Route(ctx, c)}
	once := c
	once.Conversation = "" // pseudonyms of its own
	for _, e := range out.Decision.Order {
		o := Offer{Endpoint: e}
		approval, err := d.cfg.Register.Admit(ctx, e)
		if o.Approval = approval; err != nil {
			o.Problem = reasonText(err)
		}
		p, err := d.packer(once, e)
		if err == nil {
			var sent parcel
			sent, err = p.pack()
			o.Items, o.LeftOut, o.Fields, o.Bytes, o.TokensIn, o.TokensOut, o.Redacted = sent.items, sent.leftOut+c.LeftOut, sent.fields, len(sent.wire), sent.tokens, sent.req.MaxTokens, sent.redacted
			o.Cost = costOf(e, sent.tokens, sent.req.MaxTokens)
			if err == nil && len(p.leaks(sent)) > 0 {
				o.Problem = "the last scan finds " + strings.Join(p.leaks(sent), ", ") + " in it"
			}
		}
		if err != nil && o.Problem == "" {
			o.Problem = reasonText(err)
		}
		out.Offers = append(out.Offers, o)
	}
	return out, nil
}

// received is what came back.
type received struct {
	text   string
	json   []byte
	finish model.Finish
	usage  model.Usage
	served string
}

func (r received) outcome(call int64, f *Failure) egress.Outcome {
	sum := sha256.Sum256([]byte(r.text))
	o := egress.Outcome{Call: call, Result: "answered", Bytes: len(r.text), SHA256: hex.EncodeToString(sum[:]), Model: r.served}
	if f != nil {
		o.Result, o.Reason = string(f.Reason), f.Public()
	}
	return o
}
