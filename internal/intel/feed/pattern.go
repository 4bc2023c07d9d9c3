package feed

import (
	"strings"

	"vedette/internal/intel"
)

// observed is one value that a pattern names.
type observed struct {
	kind  intel.Type
	value string
}

// The observable subset of STIX patterning: comparisons by = or IN (ISSUBSET
// for addresses) that are joined by OR; joined by AND only where each alone
// identifies a file, or where an address and its port belong together. The rest
// of the language says more than a look-up can hold: such a pattern is opaque.

const (
	whyBroken   = "that cannot be read"
	whyOperator = "with a comparison other than =, IN and ISSUBSET"
	whyAnd      = "whose parts mean something only together"
	whyTime     = "over several observations in time"
	whyObject   = "over what is not an address, a name, a URL, a hash or a mailbox"
	whyLong     = "longer than 64 KiB"
)

const maxPattern = 64 << 10

// parsePattern returns the values of a pattern, or why it is opaque.
func parsePattern(text string) ([]observed, string) {
	if len(text) > maxPattern {
		return nil, whyLong
	}
	p := &patternParser{tokens: tokens(text)}
	var out []observed
	for {
		got, why := p.observation()
		if why != "" {
			return nil, why
		}
		out = append(out, got...)
		switch word := p.next(); strings.ToUpper(word.text) {
		case "":
			if len(out) == 0 {
				return nil, whyObject
			}
			return out, ""
		case "OR":
		case "AND", "FOLLOWEDBY", "WITHIN", "REPEATS", "START":
			return nil, whyTime
		default:
			return nil, whyBroken
		}
	}
}

type token struct {
	text   string
	quoted bool
}

// tokens cuts a pattern into words, signs and strings.
func tokens(text string) []token {
	var out []token
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'':
			value, n := quoted(text[i:])
			out = append(out, token{value, true})
			i += n
		case strings.IndexByte("[](),", c) >= 0:
			out = append(out, token{text: string(c)})
			i++
		case strings.IndexByte("=!<>", c) >= 0:
			j := i + 1
			for j < len(text) && strings.IndexByte("=<>", text[j]) >= 0 {
				j++
			}
			out = append(out, token{text: text[i:j]})
			i = j
		default:
			j := wordEnd(text, i)
			out = append(out, token{text: text[i:j]})
			i = j
		}
	}
	return out
}

// wordEnd finds the end of a path or word; a path may quote a part of itself.
func wordEnd(text string, i int) int {
	j := i
	for j < len(text) && strings.IndexByte(" \t\r\n=!<>(),[]", text[j]) < 0 {
		if text[j] == '\'' {
			_, n := quoted(text[j:])
			j += n
			continue
		}
		j++
	}
	return max(j, i+1)
}

// quoted reads a string with its escapes and tells how long it was.
func quoted(text string) (string, int) {
	var b strings.Builder
	i := 1
	for ; i < len(text) && text[i] != '\''; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String(), min(i+1, len(text))
}

type patternParser struct {
	tokens []token
	at     int
}

func (p *patternParser) next() token {
	if p.at >= len(p.tokens) {
		return token{}
	}
	p.at++
	return p.tokens[p.at-1]
}

func (p *patternParser) peek() token {
	if p.at >= len(p.tokens) {
		return token{}
	}
	return p.tokens[p.at]
}

// comparison is one part of an observation.
type comparison struct {
	path   string
	values []string
}

// observation reads [ ... ], which may stand in brackets.
func (p *patternParser) observation() ([]observed, string) {
	for p.peek().text == "(" && !p.peek().quoted {
		return nil, whyTime // groups of observations
	}
	if p.next().text != "[" {
		return nil, whyBroken
	}
	var parts []comparison
	and, or := false, false
	for {
		c, why := p.comparison()
		if why != "" {
			return nil, why
		}
		parts = append(parts, c)
		switch strings.ToUpper(p.next().text) {
		case "OR":
			or = true
		case "AND":
			and = true
		case "]":
			if and {
				return together(parts, or)
			}
			return each(parts)
		default:
			return nil, whyBroken
		}
	}
}

func (p *patternParser) comparison() (comparison, string) {
	path := p.next()
	if path.text == "(" {
		return comparison{}, whyAnd
	}
	if strings.EqualFold(path.text, "NOT") || path.quoted || path.text == "" {
		return comparison{}, whyOperator
	}
	c := comparison{path: path.text}
	switch strings.ToUpper(p.next().text) {
	case "=", "==", "ISSUBSET":
		v := p.next()
		if v.text == "" || !v.quoted && v.text == "]" {
			return c, whyBroken
		}
		c.values = []string{v.text}
	case "IN":
		return p.list(c)
	case "":
		return c, whyBroken
	default:
		return c, whyOperator
	}
	return c, ""
}

func (p *patternParser) list(c comparison) (comparison, string) {
	if p.next().text != "(" {
		return c, whyBroken
	}
	for {
		v := p.next()
		if v.text == "" {
			return c, whyBroken
		}
		if v.quoted {
			c.values = append(c.values, v.text)
			continue
		}
		switch v.text {
		case ")":
			return c, ""
		case ",":
		default:
			c.values = append(c.values, v.text)
		}
	}
}

// each takes the values of parts that are joined by OR. A part that cannot be
// looked up is left out when another can: each alone says enough.
func each(parts []comparison) ([]observed, string) {
	var out []observed
	for _, c := range parts {
		kind, ok := pathType(c.path)
		if !ok {
			continue
		}
		for _, v := range c.values {
			out = append(out, observed{kind, v})
		}
	}
	if len(out) == 0 {
		return nil, whyObject
	}
	return out, ""
}

// together takes parts that are joined by AND.
func together(parts []comparison, or bool) ([]observed, string) {
	if or {
		return nil, whyAnd
	}
	var files []observed
	var addr, port string
	for _, c := range parts {
		kind, ok := pathType(c.path)
		switch {
		case len(c.values) != 1:
			return nil, whyAnd
		case strings.HasPrefix(c.path, "file:"):
			if ok {
				files = append(files, observed{kind, c.values[0]})
			}
		case c.path == "network-traffic:dst_ref.value":
			addr = c.values[0]
		case c.path == "network-traffic:dst_port":
			port = c.values[0]
		case c.path == "network-traffic:dst_ref.type":
		default:
			return nil, whyAnd
		}
	}
	switch {
	case len(files) > 0 && addr == "" && port == "":
		return files, ""
	case len(files) > 0 || addr == "":
		return nil, whyAnd
	case port == "":
		return []observed{{intel.None, addr}}, ""
	}
	if strings.Contains(addr, ":") {
		addr = "[" + addr + "]"
	}
	return []observed{{intel.None, addr + ":" + port}}, ""
}

// pathType tells which object paths can be looked up.
func pathType(path string) (intel.Type, bool) {
	switch strings.ToLower(path) {
	case "ipv4-addr:value", "ipv6-addr:value", "network-traffic:dst_ref.value", "network-traffic:src_ref.value":
		return intel.None, true
	case "domain-name:value":
		return intel.Domain, true
	case "url:value":
		return intel.URL, true
	case "email-addr:value", "email-message:from_ref.value", "email-message:sender_ref.value":
		return intel.Email, true
	}
	object, hash, ok := strings.Cut(strings.ToLower(path), ":hashes.")
	if !ok || object != "file" && object != "artifact" {
		return intel.None, false
	}
	switch strings.Trim(hash, `'"`) {
	case "md5":
		return intel.MD5, true
	case "sha-1", "sha1":
		return intel.SHA1, true
	case "sha-256", "sha256":
		return intel.SHA256, true
	}
	return intel.None, false
}
