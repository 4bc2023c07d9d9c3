package query

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// checkOp tells whether a comparison makes sense for a field.
func checkOp(f event.Field, op Op) error {
	switch op {
	case Eq, Ne, In, Exists:
		return nil
	case Lt, Le, Gt, Ge:
		if f.Kind == event.Int || f.Kind == event.Float || f.Kind == event.Time {
			return nil
		}
	case Contains, StartsWith, EndsWith:
		if f.Kind == event.String || f.Kind == event.List || f.Kind == event.IP {
			return nil
		}
	case CIDR:
		if f.Kind == event.IP && f.Store == event.InColumn {
			return nil
		}
	default:
		return fault.New(fault.Invalid, "there is no comparison %q", op).WithHint("the comparisons are = != < <= > >= in contains startswith endswith cidr exists")
	}
	return fault.New(fault.Invalid, "%s is a %s and cannot be compared with %s", f.Name, f.Kind, op)
}

// convert turns a literal into the kind of the field.
func convert(kind event.Kind, name string, v any) (any, error) {
	bad := func(what string) error {
		return fault.New(fault.Invalid, "%s needs %s, not %q", name, what, fmt.Sprint(v))
	}
	switch kind {
	case event.Int:
		return toInt(v, bad)
	case event.Float:
		return toFloat(v, bad)
	case event.Bool:
		switch x := v.(type) {
		case bool:
			return x, nil
		case string:
			if b, err := strconv.ParseBool(x); err == nil {
				return b, nil
			}
		}
		return nil, bad("true or false")
	case event.Time:
		return toTime(v, bad)
	case event.IP:
		addr, err := netip.ParseAddr(fmt.Sprint(v))
		if err != nil {
			return nil, bad("an address such as 10.0.0.5")
		}
		return addr.Unmap().WithZone("").String(), nil
	case event.String, event.List:
	}
	switch x := v.(type) {
	case string:
		return x, nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case bool, int, int64:
		return fmt.Sprint(x), nil
	}
	return nil, bad("a text")
}

func toInt(v any, bad func(string) error) (any, error) {
	switch x := v.(type) {
	case int:
		return int64(x), nil
	case int64:
		return x, nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x), nil
		}
	case string:
		if n, err := strconv.ParseInt(x, 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, bad("a whole number")
}

func toTime(v any, bad func(string) error) (any, error) {
	switch x := v.(type) {
	case time.Time:
		return x.UTC(), nil
	case string:
		if t, err := parseTime(x); err == nil {
			return t, nil
		}
	}
	return nil, bad("a time such as 2025-12-10T06:55:46Z")
}

func toFloat(v any, bad func(string) error) (any, error) {
	switch x := v.(type) {
	case int:
		return float64(x), nil
	case int64:
		return float64(x), nil
	case float64:
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x, nil
		}
	case string:
		if n, err := strconv.ParseFloat(x, 64); err == nil && isPlainNumber(x) {
			return n, nil
		}
	}
	return nil, bad("a number")
}

func prefix(v any) (any, error) {
	s := fmt.Sprint(v)
	p, err := netip.ParsePrefix(s)
	if err != nil {
		addr, aerr := netip.ParseAddr(s)
		if aerr != nil {
			return nil, fault.New(fault.Invalid, "%q is no subnet", s).WithHint("write it like 10.0.0.0/8")
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	return p.Masked().String(), nil
}

// known refuses a value that a text field never has, if the stored values are
// known completely, and names the nearest ones.
func (v *validation) known(f event.Field, val any) error {
	s, ok := val.(string)
	if !ok || v.c.Live == nil || f.Kind != event.String || !enumerable(f.Name) {
		return nil
	}
	values, complete, err := v.c.Live.Values(v.ctx, v.from, f.Name)
	if err != nil || !complete || len(values) == 0 {
		return err
	}
	names := make([]string, len(values))
	for i, x := range values {
		if x.Value == s {
			return nil
		}
		names[i] = x.Value
	}
	near := Nearest(s, names, 3)
	for i, n := range near {
		at := slices.Index(names, n)
		near[i] = fmt.Sprintf("%s (%d events)", strconv.Quote(n), values[at].Count)
	}
	return fault.New(fault.Invalid, "no %s = %q is stored", f.Name, s).WithHint("nearest: %s", strings.Join(near, ", "))
}

// enumerable leaves out the text fields whose values are ids or free text,
// which nobody can be expected to know.
func enumerable(field string) bool {
	switch field {
	case "metadata.uid", "raw", "message", "connection_info.uid", "uid", "file.md5", "file.sha1", "file.sha256":
		return false
	}
	return true
}

// NumberText writes a number without exponent or needless digits: 22, 0.5.
func NumberText(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
