// Package watch raises a finding when a value that a device or a stranger wrote
// gives orders to a language model in disguise: with characters that are not
// seen, letters of other alphabets, in another language, or encoded. Orders in
// plain words are found by the rules of content/rules/ai; the two do not find
// the same text twice.
//
// It uses the rules of the signal that are sure by themselves and not its
// model, whose false alarms would be too many for every line of a log. It must
// not change or withhold an event: the text is data, here and everywhere.
package watch

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/guard/signal"
)

// Rule is the id of the findings.
const Rule = "vedette-ai-orders-in-disguise"

// The bounds: how sure a rule must be, how long a value is read, and how many
// values are read in a stretch of events, so that a flood of them costs
// little. What is not read is counted.
const (
	sureEnough = 0.8
	maxValue   = 2048
	stretch    = 4096
	maxReads   = 1024
)

// names are the fields that others write.
const names = `device.hostname src_endpoint.hostname dst_endpoint.hostname identity.name identity.banner identity.vendor identity.model identity.firmware identity.location identity.type identity.serial
	mqtt.topic mqtt.client_id http_request.url.path http_request.url.hostname http_request.user_agent http_request.referrer query.hostname tls.sni tls.certificate.subject tls.certificate.issuer
	ssh.client ssh.server user.name actor.user.name file.name email.subject process.cmd_line message status_detail ics.object ics.value product.name`

var slots = sync.OnceValue(func() []event.Slot {
	var out []event.Slot
	for _, f := range event.Fields() {
		for name := range strings.FieldsSeq(names) {
			if f.Name == name && f.Kind == event.String {
				out = append(out, f.Slot)
			}
		}
	}
	return out
})

// Detector implements [detect.Detector]. It keeps nothing of an event.
type Detector struct {
	events, reads int
	unread        atomic.Int64
}

var (
	_ detect.Detector    = (*Detector)(nil)
	_ detect.Conditioner = (*Detector)(nil)
)

// New returns a detector.
func New() *Detector { return &Detector{} }

// Name implements [detect.Detector].
func (d *Detector) Name() string { return "orders to an AI" }

// Inspect implements [detect.Detector].
func (d *Detector) Inspect(e *event.Event, raise detect.Raise) {
	if d.events++; d.events%stretch == 0 {
		d.reads = 0
	}
	for _, s := range slots() {
		if !e.Has(s) {
			continue
		}
		v := e.Str(s)
		if len(v) > maxValue {
			v = v[:maxValue]
		}
		if !disguised(v) {
			continue
		}
		if d.reads++; d.reads > maxReads {
			d.unread.Add(1)
			return
		}
		if res := signal.ByRules(v, sureEnough); res.Score >= sureEnough {
			raise(found(e, event.FieldOf(s).Name, v, res))
			return
		}
	}
}

// disguised reports whether a value is more than plain words: has characters
// outside ASCII, controls, or a long run as encodings have. It is cheap: it
// sees every value of every event.
func disguised(v string) bool {
	if len(v) < 8 {
		return false
	}
	run, lowers, uppers := 0, 0, 0
	long := false
	for i := range len(v) {
		c := v[i]
		switch {
		case c >= 0x80, c < 0x20 && c != '\n' && c != '\t' && c != '\r':
			return true
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '+', c == '/':
			if c >= 'a' {
				lowers++
			} else if c >= 'A' {
				uppers++
			}
			if run++; run >= 24 && lowers > 4 && uppers > 4 {
				long = true
			}
		default:
			run, lowers, uppers = 0, 0, 0
		}
	}
	return long && signal.Encoded(v)
}

func found(e *event.Event, field, value string, res signal.Result) event.Finding {
	f := event.NewFinding(Rule, e)
	f.Title = "Text in disguise gives orders to an AI"
	f.Family, f.Severity, f.Confidence = event.FamilySigma, event.High, min(res.Score, 1)
	f.Techniques = []string{"AML.T0051.001", "T1036"}
	shown := strconv.QuoteToASCII(value) // what is not seen is seen here
	if len(shown) > 200 {
		shown = shown[:200] + "…"
	}
	for i, reason := range res.Reasons {
		r := event.Reason{Feature: reason}
		if i == 0 {
			r.Observed = field + " = " + shown
		}
		f.Reasons = append(f.Reasons, r)
	}
	return f
}

// Conditions implements [detect.Conditioner].
func (d *Detector) Conditions() []detect.Condition {
	n := d.unread.Load()
	if n == 0 {
		return nil
	}
	return []detect.Condition{{Detector: d.Name(), Code: "values-unread", Text: "values were not read for orders to an AI because too many came at once", Count: n}}
}
