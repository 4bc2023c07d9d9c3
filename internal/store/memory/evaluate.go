package memory

import (
	"cmp"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"vedette/internal/event"
	"vedette/internal/query"
)

// value reads a field of a record; nil if it is missing.
func (r *run) value(rec record, ref *query.Ref) any {
	switch ref.Place {
	case query.AtDevice:
		if r.plan.Devices {
			return deviceValue(rec.device, ref.Key)
		}
		d, ok := r.devices[rec.event.Str(ref.Link)]
		if !ok {
			return nil
		}
		return deviceValue(d, ref.Key)
	case query.AtExtra:
		if v := rec.event.Extra(ref.Name); v != "" {
			return v
		}
		return nil
	case query.AtFirst:
		for _, slot := range ref.Of {
			if v := rec.event.Any(slot); v != nil {
				return v
			}
		}
		return nil
	case query.AtColumn, query.AtDocument:
	}
	return rec.event.Any(ref.Slot)
}

// keeps reports whether a record is inside of classes, time range and Where.
func (r *run) keeps(rec record) bool {
	p := r.plan
	if len(p.Classes) > 0 && (!rec.event.Has(event.SlotClassUID) || !slices.Contains(p.Classes, event.Class(rec.event.ClassUID()))) {
		return false
	}
	if p.Bounded {
		var begin, end time.Time
		if p.Devices {
			begin, end = rec.device.FirstSeen, rec.device.LastSeen
		} else {
			if rec.event.MetadataClockSuspect() {
				return false
			}
			begin, end = rec.event.TimeField(), rec.event.TimeField()
		}
		if !p.From.IsZero() && (end.IsZero() || end.Before(p.From)) || !p.To.IsZero() && (begin.IsZero() || !begin.Before(p.To)) {
			return false
		}
	}
	return p.Where == nil || r.holds(rec, p.Where)
}

// holds evaluates a condition: a comparison with a missing value is false.
func (r *run) holds(rec record, c *query.Cond) bool {
	switch {
	case c.Not != nil:
		return !r.holds(rec, c.Not)
	case c.All != nil:
		for i := range c.All {
			if !r.holds(rec, &c.All[i]) {
				return false
			}
		}
		return true
	case c.Any != nil:
		for i := range c.Any {
			if r.holds(rec, &c.Any[i]) {
				return true
			}
		}
		return false
	}
	v := r.value(rec, c.Ref)
	if v == nil {
		return false
	}
	return compare(c.Ref, c.Op, v, c.Value)
}

func compare(ref *query.Ref, op query.Op, v, want any) bool {
	if list, ok := v.([]string); ok {
		return compareList(op, list, want)
	}
	switch op {
	case query.Exists:
		return true
	case query.Contains, query.StartsWith, query.EndsWith:
		return comparePart(op, v.(string), want.(string))
	case query.CIDR:
		addr, err := netip.ParseAddr(v.(string))
		return err == nil && want.(netip.Prefix).Contains(addr)
	case query.In:
		return slices.ContainsFunc(want.([]any), func(w any) bool { return compare(ref, query.Eq, v, w) })
	default:
	}
	if addr, ok := want.(netip.Addr); ok {
		have, err := netip.ParseAddr(v.(string))
		return err == nil && holdsOrder(op, compareAddresses(have, addr))
	}
	if f, ok := want.(float64); ok {
		n, ok := number(v)
		return ok && holdsOrder(op, cmp.Compare(n, f))
	}
	return holdsOrder(op, compareValues(v, want))
}

func compareList(op query.Op, list []string, want any) bool {
	switch op {
	case query.Exists:
		return true
	case query.Ne:
		return !slices.Contains(list, want.(string))
	case query.In:
		return slices.ContainsFunc(want.([]any), func(w any) bool { return slices.Contains(list, w.(string)) })
	case query.Contains, query.StartsWith, query.EndsWith:
		return slices.ContainsFunc(list, func(m string) bool { return comparePart(op, m, want.(string)) })
	default:
		return slices.Contains(list, want.(string))
	}
}

func comparePart(op query.Op, v, part string) bool {
	v, part = strings.Map(unicode.ToLower, v), strings.Map(unicode.ToLower, part)
	switch op {
	case query.StartsWith:
		return strings.HasPrefix(v, part)
	case query.EndsWith:
		return strings.HasSuffix(v, part)
	default:
		return strings.Contains(v, part)
	}
}

func holdsOrder(op query.Op, c int) bool {
	switch op {
	case query.Eq:
		return c == 0
	case query.Ne:
		return c != 0
	case query.Lt:
		return c < 0
	case query.Le:
		return c <= 0
	case query.Gt:
		return c > 0
	case query.Ge:
		return c >= 0
	default:
		return false
	}
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$`)

// number is the number that a value is or, if it is text, reads as.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		if plainNumber.MatchString(v) {
			f, err := strconv.ParseFloat(v, 64)
			return f, err == nil && !math.IsInf(f, 0)
		}
	}
	return 0, false
}

func compareAddresses(a, b netip.Addr) int {
	ah, al := query.AddressKeys(a)
	bh, bl := query.AddressKeys(b)
	return cmp.Or(cmp.Compare(ah, bh), cmp.Compare(al, bl))
}

// compareValues orders two values of one kind.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case time.Time:
		return a.Compare(b.(time.Time))
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	case []string:
		return slices.Compare(a, b.([]string))
	}
	return 0
}

// measure computes a measure over the records of a group.
func (r *run) measure(m *query.PlanMeasure, recs []record) any {
	var values []any
	happenings := new(big.Int)
	for _, rec := range recs {
		if m.Where != nil && !r.holds(rec, m.Where) {
			continue
		}
		var v any
		switch {
		case m.Fn == query.Days:
			if t, ok := rec.event.Any(event.SlotTime).(time.Time); ok {
				v = t.UTC().Format(time.DateOnly)
			}
		case m.Fn == query.First || m.Fn == query.Last:
			v = rec.event.Any(event.SlotTime)
		case m.Ref != nil:
			v = r.value(rec, m.Ref)
		default:
			v = true
		}
		if v == nil {
			continue
		}
		if m.Fn == query.Count {
			happenings.Add(happenings, big.NewInt(repeats(rec)))
			continue
		}
		if m.Fn != query.Distinct && m.Ref != nil && m.Ref.Place == query.AtExtra {
			n, ok := number(v)
			if !ok {
				continue
			}
			v = n
		}
		values = append(values, v)
	}
	if m.Fn == query.Count {
		return saturate(happenings)
	}
	return aggregate(m.Fn, values)
}

// repeats is how many happenings a record stands for.
func repeats(rec record) int64 {
	if rec.event != nil && rec.event.CountField() > 0 {
		return rec.event.CountField()
	}
	return 1
}

func saturate(n *big.Int) int64 {
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func aggregate(fn query.Fn, values []any) any {
	if fn == query.Distinct || fn == query.Days {
		return distinct(values)
	}
	if len(values) == 0 {
		return nil
	}
	switch fn {
	case query.Min, query.First:
		return slices.MinFunc(values, compareValues)
	case query.Max, query.Last:
		return slices.MaxFunc(values, compareValues)
	case query.Sum:
		return sum(values)
	case query.Avg:
		return average(values)
	default:
		part, _ := fn.Percentile()
		return quantile(values, part)
	}
}

func distinct(values []any) int64 {
	seen := map[any]bool{}
	for _, v := range values {
		if list, ok := v.([]string); ok {
			for _, member := range list {
				seen[member] = true
			}
			continue
		}
		if t, ok := v.(time.Time); ok {
			v = t.UnixNano()
		}
		seen[v] = true
	}
	return int64(len(seen))
}

func sum(values []any) any {
	if _, ok := values[0].(int64); !ok {
		total := 0.0
		for _, v := range values {
			total += v.(float64)
		}
		return total
	}
	total := new(big.Int)
	for _, v := range values {
		total.Add(total, big.NewInt(v.(int64)))
	}
	return saturate(total)
}

func average(values []any) any {
	total := 0.0
	for _, v := range values {
		n, _ := number(v)
		total += n
	}
	return total / float64(len(values))
}

// quantile interpolates linearly between the two nearest values.
func quantile(values []any, q float64) any {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i], _ = number(v)
	}
	slices.Sort(list)
	at := q * float64(len(list)-1)
	lo, hi := int(math.Floor(at)), int(math.Ceil(at))
	rest := at - float64(lo)
	return list[lo]*(1-rest) + list[hi]*rest
}

// bucketStart is the start of the bucket of time that t lies in.
func bucketStart(t time.Time, width time.Duration) time.Time {
	n, w, earliest := t.UnixNano(), int64(width), query.EarliestTime().UnixNano()
	if n < earliest+w {
		return query.EarliestTime()
	}
	return time.Unix(0, n-((n%w)+w)%w).UTC()
}
