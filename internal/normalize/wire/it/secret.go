package it

import (
	"bytes"
	"slices"
	"strings"
)

// secretKeys are parts of the names of parameters that hold a secret.
var secretKeys = []string{"pass", "pwd", "secret", "token", "apikey", "api_key", "access_key", "auth", "session", "sid", "psk", "credential", "signature"}

// secretHeaders are headers whose values are secrets.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "authentication-info"}

// redactURL takes the secrets out of the query of a URL, and the password out
// of its authority.
func redactURL(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		authority, _, _ := strings.Cut(u[i+3:], "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			name, _, _ := strings.Cut(authority[:at], ":")
			u = u[:i+3] + name + ":***" + u[i+3+at:]
		}
	}
	path, query, ok := strings.Cut(u, "?")
	if !ok {
		return u
	}
	parts := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	changed := false
	for i, part := range parts {
		key, value, ok := strings.Cut(part, "=")
		if ok && value != "" && secretKey(key) {
			parts[i], changed = key+"=***", true
		}
	}
	if !changed {
		return u
	}
	return path + "?" + strings.Join(parts, "&")
}

func secretKey(key string) bool {
	key = strings.ToLower(key)
	for _, s := range secretKeys {
		if strings.Contains(key, s) {
			return true
		}
	}
	return false
}

// redactHead is a head of HTTP or its like without secrets, to be kept as the
// raw bytes of an event.
func redactHead(head []byte) []byte {
	var out bytes.Buffer
	for first := true; len(head) > 0; first = false {
		line, n := cutLine(head)
		if n == 0 {
			line, n = head, len(head)
		}
		head = head[n:]
		name, _, ok := bytes.Cut(line, []byte(":"))
		low := strings.ToLower(string(bytes.TrimSpace(name)))
		switch {
		case first && bytes.IndexByte(line, '?') >= 0 || low == "referer" || low == "location":
			words := strings.Split(string(line), " ")
			for i := range words {
				words[i] = redactURL(words[i])
			}
			out.WriteString(strings.Join(words, " "))
		case ok && !first && secretHeader(low):
			out.Write(name)
			out.WriteString(": ***")
		default:
			out.Write(line)
		}
		out.WriteString("\r\n")
	}
	return out.Bytes()
}

func secretHeader(name string) bool {
	return slices.Contains(secretHeaders, name) || secretKey(name)
}
