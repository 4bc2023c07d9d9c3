package wire

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"vedette/internal/model"
)

// How often and how long a request is repeated before an answer begins.
const (
	tries     = 3
	firstWait = 200 * time.Millisecond
	maxWait   = 10 * time.Second // a longer Retry-After is told to the caller instead
	maxDetail = 500
)

var (
	errNoSuchName  = errors.New("its name is not known")
	errRefused     = errors.New("nothing listens there")
	errReset       = errors.New("the connection ended in the middle")
	errCertificate = errors.New("its certificate is not trusted")
	errKey         = errors.New("its TLS key is not the one that was approved")
	errTLS         = errors.New("it does not speak TLS")
	errNoHTTP      = errors.New("it does not speak HTTP")
	errRedirect    = errors.New("it redirects")
	errIdle        = errors.New("it was silent for too long")
	errTotal       = errors.New("the answer took too long")
)

// fail makes an error of this endpoint.
func (c *Client) fail(kind model.Kind, status int, cause error) *model.Error {
	return &model.Error{Kind: kind, Endpoint: c.endpoint, Status: status, Cause: cause}
}

// broken says what an error of the connection means. The texts of net/http
// quote what the other side wrote, so only Detail has them.
func (c *Client) broken(w *watch, err error) *model.Error {
	if uerr, ok := errors.AsType[*url.Error](err); ok {
		err = uerr.Err
	}
	switch cause := context.Cause(w.ctx); {
	case errors.Is(cause, errIdle), errors.Is(cause, errTotal):
		return c.fail(model.Slow, 0, cause)
	case errors.Is(cause, context.DeadlineExceeded):
		return c.fail(model.Slow, 0, context.DeadlineExceeded)
	case cause != nil:
		return c.fail(model.Canceled, 0, context.Canceled)
	}
	kind, cause := causeOf(err)
	e := c.fail(kind, 0, cause)
	if !errors.Is(cause, err) {
		e.Detail = c.clean(err.Error())
	}
	return e
}

// causeOf puts an error of the connection into our words.
func causeOf(err error) (model.Kind, error) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return model.Down, errNoSuchName
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return model.Moved, errCertificate
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return model.Malformed, errTLS
	}
	var timeout net.Error
	switch {
	case errors.Is(err, errKey):
		return model.Moved, errKey
	case errors.Is(err, errElsewhere):
		return model.Moved, errElsewhere
	case errors.Is(err, errTooLong):
		return model.TooMuch, errTooLong
	case errors.Is(err, syscall.ECONNREFUSED):
		return model.Down, errRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return model.Slow, errTotal
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return model.Down, errReset
	}
	if strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "invalid byte in chunk") {
		return model.Malformed, errNoHTTP
	}
	return model.Down, errReset
}

// status says what an answer means that is not 200.
func (c *Client) status(w *watch, resp *http.Response) *model.Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // what came of it is enough
	if w.ctx.Err() != nil {
		return c.broken(w, w.ctx.Err())
	}
	kind, cause := kindOf(resp.StatusCode), error(nil)
	if kind == model.Moved {
		cause = errRedirect
	}
	words := readProblem(body)
	if better := words.kind(); better != 0 && kind != model.Moved {
		kind = better
	}
	e := c.fail(kind, resp.StatusCode, cause)
	e.Detail = c.detail(body)
	if kind == model.Busy || kind == model.Loading {
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	}
	return e
}

func kindOf(status int) model.Kind {
	switch {
	case status == http.StatusTooManyRequests || status == 529: // 529: Anthropic is overloaded
		return model.Busy
	case status == http.StatusUnauthorized || status == http.StatusPaymentRequired || status == http.StatusForbidden:
		return model.Refused
	case status == http.StatusRequestEntityTooLarge:
		return model.TooLong
	case status >= 500:
		return model.Down
	case status >= 400:
		return model.BadRequest
	case status >= 300 && status != http.StatusNotModified:
		return model.Moved
	}
	return model.Malformed
}

// retryAfter reads the header: seconds or a time.
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 && n < 1e6 {
		return time.Duration(n * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, time.Until(at)), 24*time.Hour)
	}
	return 0
}

// backoff says whether and when a request is repeated. It is asked only before
// an answer began.
func backoff(e *model.Error, try int) (time.Duration, bool) {
	again := e.Kind == model.Busy || e.Kind == model.Loading ||
		e.Kind == model.Down && (e.Status == 0 || e.Status == http.StatusBadGateway || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout)
	if !again || try+1 >= tries || errors.Is(e.Cause, errNoSuchName) || e.RetryAfter > maxWait {
		return 0, false
	}
	wait := firstWait << try
	wait += time.Duration(rand.Int64N(int64(wait) / 2)) //nolint:gosec // G404: it only spreads requests
	return max(wait, e.RetryAfter), true
}

// problem is how endpoints say what is wrong: {"error":{"message","type",
// "code","status"}}, {"error":"…"}, or a list of one of these.
type problem struct{ message, words string }

// readProblem finds the message and the words of a problem.
func readProblem(body []byte) problem {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		body = list[0]
	}
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return problem{}
	}
	var inner struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Status  string `json:"status"`
		Code    any    `json:"code"`
	}
	var text string
	if json.Unmarshal(outer.Error, &text) == nil {
		return problem{message: text}
	}
	if json.Unmarshal(outer.Error, &inner) != nil {
		return problem{message: outer.Message}
	}
	code, _ := inner.Code.(string)
	return problem{inner.Message, strings.Join([]string{inner.Type, inner.Status, code}, " ")}
}

// kind says what the words of a problem mean, 0 if nothing beyond the status.
func (p problem) kind() model.Kind {
	words, message := strings.ToLower(p.words), strings.ToLower(p.message)
	has := func(text string, any ...string) bool {
		for _, a := range any {
			if strings.Contains(text, a) {
				return true
			}
		}
		return false
	}
	switch {
	case has(words, "context_length_exceeded", "exceed_context_size", "request_too_large", "string_above_max_length"),
		has(message, "maximum context length", "prompt is too long", "exceeds the maximum number of tokens", "exceeds the available context", "context window"):
		return model.TooLong
	case has(message, "loading model", "model is loading", "is currently loading"):
		return model.Loading
	case has(words, "overloaded", "rate_limit", "resource_exhausted", "insufficient_quota"):
		return model.Busy
	case has(words, "authentication_error", "permission_error", "permission_denied", "unauthenticated", "invalid_api_key"),
		has(message, "api key not valid"):
		return model.Refused
	}
	return 0
}

// Problem is the error of an endpoint that says in the middle of a stream what
// is wrong; nil if body says nothing of the kind.
func Problem(body []byte) *model.Error {
	p := readProblem(body)
	if p == (problem{}) {
		return nil
	}
	kind := p.kind()
	if kind == 0 {
		kind = model.Down
	}
	return &model.Error{Kind: kind, Detail: p.message}
}

// detail is what an endpoint wrote, bounded and without the key.
func (c *Client) detail(body []byte) string {
	if p := readProblem(body); p.message != "" {
		return c.clean(p.message)
	}
	return c.clean(string(body))
}

// clean makes a text of an endpoint one line of at most maxDetail bytes.
func (c *Client) clean(text string) string {
	text = c.key.hide(strings.ToValidUTF8(text, "?"))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxDetail {
		text = text[:maxDetail]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return strings.TrimSpace(text)
}
