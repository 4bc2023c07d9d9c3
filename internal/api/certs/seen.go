package certs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"vedette/internal/fault"
)

// maxAnswer bounds what an authority may answer.
const maxAnswer = 1 << 20

// seen remembers why the authority last took a proof for failed: the library
// only says that no way was left.
type seen struct {
	next http.RoundTripper

	mu  sync.Mutex
	why string
}

// RoundTrip implements [http.RoundTripper].
func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fault.New(fault.Limited, "the certificate authority answers with more than %d bytes", maxAnswer)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if why := refusalIn(body); why != "" {
		s.mu.Lock()
		s.why = why
		s.mu.Unlock()
	}
	return res, nil
}

// take is the last reason, once.
func (s *seen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	why := s.why
	s.why = ""
	return why
}

// refusalIn finds in an authorization why its proof failed, as text for a log.
func refusalIn(body []byte) string {
	var authz struct {
		Challenges []struct {
			Error struct {
				Detail string `json:"detail"`
			} `json:"error"`
		} `json:"challenges"`
	}
	if json.Unmarshal(body, &authz) != nil {
		return ""
	}
	for _, c := range authz.Challenges {
		if text := c.Error.Detail; text != "" {
			return strings.Map(func(r rune) rune {
				if !unicode.IsPrint(r) {
					return '?'
				}
				return r
			}, text[:min(len(text), 300)])
		}
	}
	return ""
}
