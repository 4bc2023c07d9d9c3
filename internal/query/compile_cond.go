package query

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Cond is a resolved condition: exactly one of All, Any and Not, or a
// comparison of Ref. Value is a string, int64, float64, bool, time.Time,
// netip.Addr (order of addresses), netip.Prefix (cidr), []any of the same type
// (in), or nil (exists). A number compared with an extra is a float64 and
// means the number that the text reads as.
type Cond struct {
	All, Any []Cond
	Not      *Cond

	Ref   *Ref
	Op    Op
	Value any
}

func (r *resolver) cond(e *Expr, depth int) (*Cond, error) {
	if e == nil {
		return nil, nil
	}
	if r.nodes++; depth > planDepth || r.nodes > planNodes {
		return nil, fault.New(fault.Limited, "the condition is too deep or too long").WithHint("use in instead of many alternatives, or ask several questions")
	}
	forms := 0
	for _, is := range []bool{e.And != nil, e.Or != nil, e.Not != nil, e.Field != ""} {
		if is {
			forms++
		}
	}
	if forms != 1 {
		return nil, fault.New(fault.Invalid, "a condition is one of and, or, not, or a comparison of a field")
	}
	if e.Field != "" {
		return r.comparison(e)
	}
	if e.Not != nil {
		inner, err := r.cond(e.Not, depth+1)
		return &Cond{Not: inner}, err
	}
	list := make([]Cond, 0, len(e.And)+len(e.Or))
	for _, sub := range slices.Concat(e.And, e.Or) {
		c, err := r.cond(&sub, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Invalid, "an empty list of conditions")
	}
	if e.And != nil {
		return &Cond{All: list}, nil
	}
	return &Cond{Any: list}, nil
}

func (r *resolver) comparison(e *Expr) (*Cond, error) {
	ref, err := r.ref(e.Field)
	if err != nil {
		return nil, err
	}
	c := &Cond{Ref: ref, Op: e.Op}
	switch e.Op {
	case Exists:
		if v, isBool := e.Value.(bool); e.Value != nil && (!isBool || !v) {
			return nil, fault.New(fault.Invalid, "exists takes no value").WithHint("use not() for fields that are missing")
		}
		return c, nil
	case In:
		return inCond(c, e.Value)
	case Contains, StartsWith, EndsWith:
		if ref.Kind != event.String && ref.Kind != event.IP && ref.Kind != event.List {
			return nil, noSuchComparison(ref, e.Op)
		}
		c.Value, err = typed(event.String, e.Value)
	case CIDR:
		c.Value, err = cidrValue(ref, e.Value)
	case Eq, Ne:
		c.Value, err = equalValue(ref, e.Value)
	case Lt, Le, Gt, Ge:
		c.Value, err = orderValue(ref, e.Op, e.Value)
	default:
		return nil, fault.New(fault.Invalid, "there is no comparison %q", e.Op)
	}
	if err != nil {
		text, hint := fault.Public(err)
		f := fault.New(fault.KindOf(err), "comparing %s: %s", ref.Name, text)
		f.Hint = hint
		return nil, f
	}
	return c, nil
}

func noSuchComparison(ref *Ref, op Op) error {
	return fault.New(fault.Invalid, "%s cannot be compared with %s: it is a %s", ref.Name, op, ref.Kind)
}

// inCond makes a list of values of one type. Texts and numbers mixed, which
// only extras allow, become alternatives.
func inCond(c *Cond, v any) (*Cond, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, fault.New(fault.Invalid, "in needs a list of values for %s", c.Ref.Name)
	}
	if len(list) > planInList {
		return nil, fault.New(fault.Limited, "a list of %d values for %s", len(list), c.Ref.Name).WithHint("use at most %d", planInList)
	}
	groups := map[string][]any{}
	for _, item := range list {
		value, err := equalValue(c.Ref, item)
		if err != nil {
			return nil, err
		}
		switch value.(type) {
		case float64:
			groups["float"] = append(groups["float"], value)
		default:
			groups["other"] = append(groups["other"], value)
		}
	}
	var kinds []Cond
	for _, name := range []string{"other", "float"} {
		if len(groups[name]) > 0 {
			kinds = append(kinds, Cond{Ref: c.Ref, Op: In, Value: groups[name]})
		}
	}
	if len(kinds) == 1 {
		return &kinds[0], nil
	}
	return &Cond{Any: kinds}, nil
}

func equalValue(ref *Ref, v any) (any, error) {
	switch {
	case ref.Place == AtExtra:
		return extraValue(v)
	case ref.Kind == event.List:
		return typed(event.String, v)
	case ref.Kind == event.IP:
		addr, err := address(v)
		return addr.String(), err
	}
	return typed(ref.Kind, v)
}

func orderValue(ref *Ref, op Op, v any) (any, error) {
	switch {
	case ref.Kind == event.List || ref.Kind == event.Bool:
		return nil, noSuchComparison(ref, op)
	case ref.Kind == event.IP && ref.Place != AtColumn:
		return nil, fault.New(fault.Invalid, "addresses of this field have no order").WithHint("use = or in")
	case ref.Kind == event.IP:
		return address(v)
	}
	return equalValue(ref, v)
}

func cidrValue(ref *Ref, v any) (any, error) {
	if ref.Kind != event.IP || ref.Place != AtColumn {
		return nil, noSuchComparison(ref, CIDR)
	}
	text, ok := v.(string)
	if !ok {
		return nil, fault.New(fault.Invalid, "a subnet is text").WithHint("write it like 10.0.0.0/8")
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is no subnet", text).WithHint("write it like 10.0.0.0/8")
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

func address(v any) (netip.Addr, error) {
	text, _ := v.(string)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return addr, fault.New(fault.Invalid, "%v is no address", v)
	}
	return addr.Unmap().WithZone(""), nil
}

// extraValue types a value that is compared with an extra: text, or a number
// that the text is read as.
func extraValue(v any) (any, error) {
	switch v := v.(type) {
	case int64, float64:
		return typed(event.Float, v)
	case bool:
		return strconv.FormatBool(v), nil
	}
	return typed(event.String, v)
}

// typed checks that v is a value of the kind. Whole numbers and numbers are
// made alike where nothing is lost; times are clamped to what events can hold.
func typed(kind event.Kind, v any) (any, error) {
	switch v := v.(type) {
	case string:
		if kind == event.String || kind == event.IP {
			return Clean(v), nil
		}
	case bool:
		if kind == event.Bool {
			return v, nil
		}
	case int64:
		switch kind {
		case event.Int:
			return v, nil
		case event.Float:
			return float64(v), nil
		default:
		}
	case float64:
		return typedFloat(kind, v)
	case time.Time:
		if kind == event.Time {
			return clampTime(v), nil
		}
	}
	return nil, fault.New(fault.Invalid, "%v is no %s", v, kind)
}

func typedFloat(kind event.Kind, v float64) (any, error) {
	const exact = 1 << 53
	if math.IsNaN(v) || math.IsInf(v, 0) || (kind != event.Int && kind != event.Float) {
		return nil, fault.New(fault.Invalid, "%v is no %s", v, kind)
	}
	if kind == event.Int && v == math.Trunc(v) && math.Abs(v) <= exact {
		return int64(v), nil
	}
	return v, nil
}

// The times before and after all that an event can hold (see
// [event.Event.SetTime]), within what every engine can hold.
const (
	minYear = 1678
	maxYear = 2261
)

func clampTime(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < minYear {
		return EarliestTime()
	}
	if t.Year() > maxYear {
		return time.Date(maxYear+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// EarliestTime lies before all times that an event can hold. A bucket that
// would begin earlier begins here.
func EarliestTime() time.Time { return time.Date(minYear-1, 12, 31, 0, 0, 0, 0, time.UTC) }

// Clean returns s as engines keep it: each byte that is not UTF-8 becomes
// U+FFFD.
func Clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
