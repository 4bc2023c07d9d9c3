package rule

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// value is one value of a detection item while the modifiers work on it.
type value struct {
	text   Text
	raw    string // as written, for regular expressions and numbers
	null   bool
	truth  bool // a YAML true or false
	number bool
}

// item is a field with its modifiers and values.
type item struct {
	field  string
	values [][]value // for each value as written what may stand for it

	all, neq, cased, exists, regex, cidr, ref bool
	start, end, inside                        bool
	flags, part                               string
	relation                                  Relation
}

// modifier changes an item; the error says why it cannot.
type modifier func(it *item) error

// parts are the modifiers that take a number out of a time.
var timeParts = []string{"minute", "hour", "day", "week", "month", "year"}

var relations = map[string]Relation{"lt": Less, "lte": LessEqual, "gt": Greater, "gte": GreaterEqual}

func modifierOf(name string) modifier {
	if rel, ok := relations[name]; ok {
		return func(it *item) error { it.relation = rel; return nil }
	}
	if slices.Contains(timeParts, name) {
		return func(it *item) error { it.part = name; return nil }
	}
	switch name {
	case "all":
		return func(it *item) error { it.all = true; return nil }
	case "neq":
		return func(it *item) error { it.neq = true; return nil }
	case "cased":
		return func(it *item) error { it.cased = true; return nil }
	case "exists":
		return func(it *item) error { it.exists = true; return nil }
	case "startswith":
		return func(it *item) error { it.start = true; return it.wildcards(false, true) }
	case "endswith":
		return func(it *item) error { it.end = true; return it.wildcards(true, false) }
	case "contains":
		return func(it *item) error { it.inside = true; return it.wildcards(true, true) }
	case "re":
		return func(it *item) error { it.regex = true; return nil }
	case "i", "m", "s", "ignorecase", "multiline", "dotall":
		return func(it *item) error { return it.flag(name) }
	case "cidr":
		return func(it *item) error { it.cidr = true; return nil }
	case "fieldref":
		return func(it *item) error { it.ref = true; return nil }
	}
	return encodingOf(name)
}

func encodingOf(name string) modifier {
	switch name {
	case "windash":
		return func(it *item) error { return it.each(dashed) }
	case "expand":
		return func(it *item) error {
			return it.each(func(t Text) ([]Text, error) { return []Text{t.placeholders()}, nil })
		}
	case "base64":
		return func(it *item) error {
			return it.bytes(func(b string) []string { return []string{base64.StdEncoding.EncodeToString([]byte(b))} })
		}
	case "base64offset":
		return func(it *item) error { return it.bytes(base64Offsets) }
	case "wide", "utf16le":
		return func(it *item) error {
			return it.bytes(func(s string) []string { return []string{utf16Text(s, binary.LittleEndian)} })
		}
	case "utf16be":
		return func(it *item) error {
			return it.bytes(func(s string) []string { return []string{utf16Text(s, binary.BigEndian)} })
		}
	case "utf16":
		return func(it *item) error {
			return it.bytes(func(s string) []string { return []string{"\xff\xfe" + utf16Text(s, binary.LittleEndian)} })
		}
	}
	return nil
}

func (it *item) flag(name string) error {
	if !it.regex {
		return fmt.Errorf("modifier %s stands without re before it", name)
	}
	if f := name[:1]; f == "d" {
		it.flags += "s"
	} else {
		it.flags += f
	}
	return nil
}

// each replaces every text by those that f gives.
func (it *item) each(f func(Text) ([]Text, error)) error {
	for i, group := range it.values {
		var out []value
		for _, v := range group {
			if v.null {
				out = append(out, v)
				continue
			}
			texts, err := f(v.text)
			if err != nil {
				return err
			}
			for _, t := range texts {
				out = append(out, value{text: t, raw: v.raw, truth: v.truth})
			}
			if len(out) > maxTests {
				return fmt.Errorf("more than %d values", maxTests)
			}
		}
		it.values[i] = out
	}
	return nil
}

// bytes replaces every text by encodings of its bytes.
func (it *item) bytes(f func(string) []string) error {
	return it.each(func(t Text) ([]Text, error) {
		plain, ok := t.Plain()
		if !ok {
			return nil, fmt.Errorf("%q has wildcards and cannot be encoded", clip(t.String()))
		}
		var out []Text
		for _, enc := range f(plain) {
			if enc != "" {
				out = append(out, Text{{Literal, enc}})
			}
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%q is too short to be encoded", clip(plain))
		}
		return out, nil
	})
}

func (it *item) wildcards(start, end bool) error {
	return it.each(func(t Text) ([]Text, error) { return []Text{t.starred(start, end)}, nil })
}

func dashed(t Text) ([]Text, error) {
	out, ok := t.windash()
	if !ok {
		return nil, fmt.Errorf("%q has more than %d option marks for windash", clip(t.String()), maxDashes)
	}
	return out, nil
}

func utf16Text(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// base64Offsets are the parts of the encoding of s that do not depend on what
// stands around it, for the three places it can have in a group of three bytes.
func base64Offsets(s string) []string {
	var out []string
	for shift := range 3 {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift, shift+len(s)), s...))
		from := []int{0, 2, 3}[shift]
		to := len(enc) - []int{0, 3, 2}[(len(s)+shift)%3]
		if from < to {
			out = append(out, enc[from:to])
		}
	}
	return out
}

// tests makes the tests of the values, not yet combined.
func (it *item) tests() ([]*Expr, error) {
	var out []*Expr
	for _, group := range it.values {
		var any []*Expr
		for _, v := range group {
			e, err := it.test(v)
			if err != nil {
				return nil, err
			}
			any = append(any, e)
		}
		out = append(out, join(Or, any))
	}
	return out, nil
}

func (it *item) test(v value) (*Expr, error) {
	t := &Test{Field: it.field, Cased: it.cased}
	switch {
	case it.exists:
		if !v.truth {
			return nil, fmt.Errorf("exists wants true or false")
		}
		t.Op, t.Yes = Exists, v.raw == "true"
	case v.null:
		t.Op = Null
	case it.ref:
		name, ok := ParseText(v.raw).Plain()
		if !ok || name == "" {
			return nil, fmt.Errorf("fieldref wants the name of a field")
		}
		t.Op, t.Ref, t.Start, t.End, t.Inside = SameAs, name, it.start, it.end, it.inside
	case it.regex:
		return it.regexTest(t, v)
	case it.cidr:
		return cidrTest(t, v)
	case it.relation != 0 || it.part != "":
		return it.numberTest(t, v)
	default:
		return it.textTest(t, v)
	}
	return &Expr{Op: Leaf, Test: t}, nil
}

func (it *item) regexTest(t *Test, v value) (*Expr, error) {
	if it.start || it.end || it.inside {
		return nil, fmt.Errorf("re does not go with startswith, endswith or contains")
	}
	if len(v.raw) > maxRegex {
		return nil, fmt.Errorf("regular expression of more than %d bytes", maxRegex)
	}
	pattern, err := translate(v.raw, it.flags)
	if err != nil {
		return nil, err
	}
	t.Op, t.Pattern = Regex, pattern
	return &Expr{Op: Leaf, Test: t}, nil
}

func cidrTest(t *Test, v value) (*Expr, error) {
	if p, err := netip.ParsePrefix(v.raw); err == nil {
		t.Op, t.CIDR = InCIDR, p.Masked().String()
		return &Expr{Op: Leaf, Test: t}, nil
	}
	a, err := netip.ParseAddr(v.raw)
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8", clip(v.raw))
	}
	t.Op, t.CIDR = InCIDR, netip.PrefixFrom(a, a.BitLen()).String()
	return &Expr{Op: Leaf, Test: t}, nil
}

func (it *item) numberTest(t *Test, v value) (*Expr, error) {
	n, err := strconv.ParseFloat(v.raw, 64)
	if err != nil || n != n {
		return nil, fmt.Errorf("%q is no number to compare with", clip(v.raw))
	}
	t.Op, t.Number, t.Part, t.Relation = Compare, n, it.part, it.relation
	if t.Relation == 0 {
		t.Relation = Equal
	}
	return &Expr{Op: Leaf, Test: t}, nil
}

func (it *item) textTest(t *Test, v value) (*Expr, error) {
	t.Op, t.Text, t.Bool = Matches, v.text, v.truth
	if it.field == "" {
		t.Text = v.text.starred(true, true) // a keyword may stand anywhere
	}
	if len(t.Text) == 0 {
		t = &Test{Field: it.field, Op: Null} // an event does not tell empty from absent
	}
	return &Expr{Op: Leaf, Test: t}, nil
}

func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
