package query

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"vedette/internal/event"
)

// DocumentKey is the key of an extra in the document: its name, behind
// "unmapped." if the schema uses the name for something else.
func DocumentKey(name string, taken func(string) bool) string {
	if taken(name) {
		return "unmapped." + name
	}
	return name
}

// AddressKeys returns the sort keys of an address.
func AddressKeys(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// value is the typed expression of a field.
func (c *compiler) value(ref *Ref) frag {
	switch ref.Place {
	case AtColumn:
		return lit("e." + ident(ref.Name))
	case AtDevice:
		if c.plan.Devices {
			return lit("e." + ident(ref.Key))
		}
		return lit(c.device(ref.Link) + "." + ident(ref.Key))
	case AtFirst:
		return lit("coalesce(e." + ident(event.FieldOf(ref.Of[0]).Name) + ", e." + ident(event.FieldOf(ref.Of[1]).Name) + ")")
	case AtDocument, AtExtra:
	}
	doc := lit("e." + ident(DocumentColumn))
	if ref.Kind == event.List {
		template, arg := c.d.DocList(ref.Name)
		return frag{fill(template, doc).text, []any{arg}}
	}
	template, arg := c.d.DocText(ref.Name)
	text := frag{fill(template, doc).text, []any{arg}}
	switch ref.Kind {
	case event.Int:
		return fill(c.d.ToInt, text)
	case event.Float:
		return fill(c.d.ToFloat, text)
	case event.Bool:
		return fill("(%s = 'true')", text)
	case event.Time:
		return fill(c.d.FromNanos, fill(c.d.ToInt, text))
	default:
		return text
	}
}

// device is the alias of the device table joined by a field.
func (c *compiler) device(link event.Slot) string {
	if alias, ok := c.joins[link]; ok {
		return alias
	}
	alias := "d" + strconv.Itoa(len(c.order))
	c.joins[link] = alias
	c.order = append(c.order, link)
	return alias
}

// addressKeys are the sort keys of an address field that has them.
func (c *compiler) addressKeys(ref *Ref) (hi, lo frag, ok bool) {
	if ref.Kind != event.IP || ref.Place != AtColumn {
		return frag{}, frag{}, false
	}
	h, l := KeyColumns(ref.Name)
	return lit("e." + ident(h)), lit("e." + ident(l)), true
}

// filter is the condition on rows: classes, time and Where.
func (c *compiler) filter() frag {
	parts := []frag{}
	if len(c.plan.Classes) > 0 {
		var list []frag
		for _, class := range c.plan.Classes {
			list = append(list, param("?", int64(class)))
		}
		parts = append(parts, fill("e."+ident("class_uid")+" IN (%s)", join(list, ", ")))
	}
	parts = append(parts, c.timeRange()...)
	if !c.plan.Since.IsZero() {
		parts = append(parts, fill("e."+ident(event.FieldOf(event.SlotTime).Name)+" >= %s", c.timeArg(c.plan.Since)))
	}
	if c.plan.Where != nil {
		parts = append(parts, c.cond(c.plan.Where))
	}
	if len(parts) == 0 {
		return lit("1 = 1")
	}
	return join(parts, " AND ")
}

// timeRange keeps events inside of it whose clock is not suspect. A device is
// inside if it was seen at some time of the range.
func (c *compiler) timeRange() []frag {
	if !c.plan.Bounded {
		return nil
	}
	begin, end := "time", "time"
	if c.plan.Devices {
		begin, end = "first_seen", "last_seen"
	}
	var parts []frag
	if !c.plan.From.IsZero() {
		parts = append(parts, fill("e."+ident(end)+" >= %s", c.timeArg(c.plan.From)))
	}
	if !c.plan.To.IsZero() {
		parts = append(parts, fill("e."+ident(begin)+" < %s", c.timeArg(c.plan.To)))
	}
	if !c.plan.Devices {
		parts = append(parts, fill(c.d.NotTrue, lit("e."+ident(event.FieldOf(event.SlotMetadataClockSuspect).Name))))
	}
	return parts
}

func (c *compiler) timeArg(t time.Time) frag { return param(c.d.TimeArg, clampTime(t).UnixNano()) }

// cond is a condition that is true, false or missing; missing counts as false
// and is made so where that matters, under not.
func (c *compiler) cond(k *Cond) frag {
	switch {
	case k.Not != nil:
		return fill(c.d.NotTrue, c.cond(k.Not))
	case k.All != nil:
		return c.list(k.All, " AND ")
	case k.Any != nil:
		return c.list(k.Any, " OR ")
	}
	return c.compare(k)
}

func (c *compiler) list(conds []Cond, sep string) frag {
	parts := make([]frag, len(conds))
	for i := range conds {
		parts[i] = c.cond(&conds[i])
	}
	return fill("(%s)", join(parts, sep))
}

func (c *compiler) compare(k *Cond) frag {
	v := c.value(k.Ref)
	switch k.Op {
	case Exists:
		return fill("(%s IS NOT NULL)", v)
	case CIDR:
		prefix, _ := k.Value.(netip.Prefix)
		return c.cidr(k.Ref, prefix)
	case Contains, StartsWith, EndsWith:
		return c.part(k, v)
	case In:
		values, _ := k.Value.([]any)
		return c.in(k.Ref, v, values)
	case Eq, Ne, Lt, Le, Gt, Ge:
	}
	if addr, ok := k.Value.(netip.Addr); ok {
		return c.addressOrder(k.Ref, k.Op, addr)
	}
	if k.Ref.Kind == event.List {
		has := fill(c.d.ListHas, v, c.arg(k.Value))
		if k.Op == Ne {
			return fill("(NOT %s)", has)
		}
		return has
	}
	return fill("(%s "+operator(k.Op)+" %s)", c.comparable(k.Ref, v, k.Value), c.arg(k.Value))
}

func operator(op Op) string {
	switch op {
	case Eq:
		return "="
	case Lt, Le, Gt, Ge:
		return string(op)
	default:
		return "<>"
	}
}

// comparable makes v comparable with a number that is not of its own kind.
func (c *compiler) comparable(ref *Ref, v frag, value any) frag {
	if _, ok := value.(float64); !ok || ref.Kind == event.Float {
		return v
	}
	if ref.Place == AtExtra {
		return fill(c.d.ToFloat, v)
	}
	return fill(c.d.Double, v)
}

func (c *compiler) arg(value any) frag {
	switch value := value.(type) {
	case time.Time:
		return c.timeArg(value)
	case string:
		return param("CAST(? AS VARCHAR)", value)
	case float64:
		return fill(c.d.Double, param("?", value))
	case int64:
		return param("CAST(? AS BIGINT)", value)
	}
	return param("?", value)
}

// part compiles contains, startswith and endswith, which ignore case.
func (c *compiler) part(k *Cond, v frag) frag {
	template := c.d.Contains
	switch k.Op {
	case StartsWith:
		template = c.d.Prefix
	case EndsWith:
		template = c.d.Suffix
	default:
	}
	want := fill(c.d.Lower, c.arg(k.Value))
	if k.Ref.Kind == event.List {
		return fill(c.d.ListAny, v, fill(template, fill(c.d.Lower, lit("m")), want))
	}
	return fill(template, fill(c.d.Lower, v), want)
}

func (c *compiler) in(ref *Ref, v frag, values []any) frag {
	parts := make([]frag, len(values))
	for i, value := range values {
		parts[i] = c.arg(value)
		if ref.Kind == event.List {
			parts[i] = fill(c.d.ListHas, v, parts[i])
		}
	}
	if ref.Kind == event.List {
		return fill("(%s)", join(parts, " OR "))
	}
	for _, value := range values {
		if _, ok := value.(float64); ok {
			v = c.comparable(ref, v, value)
			break
		}
	}
	return fill("(%s IN (%s))", v, join(parts, ", "))
}

func (c *compiler) key(n uint64) frag { return param(c.d.KeyArg, strconv.FormatUint(n, 10)) }

// addressOrder compares addresses as 16-byte numbers, high half first.
func (c *compiler) addressOrder(ref *Ref, op Op, addr netip.Addr) frag {
	hi, lo, _ := c.addressKeys(ref)
	h, l := AddressKeys(addr)
	strict := "<"
	if op == Gt || op == Ge {
		strict = ">"
	}
	return fill("(%s "+strict+" %s OR (%s = %s AND %s "+operator(op)+" %s))", hi, c.key(h), hi, c.key(h), lo, c.key(l))
}

// cidr keeps the addresses of a subnet. IPv4 addresses are inside of IPv4
// subnets only, though their keys are mapped into IPv6.
func (c *compiler) cidr(ref *Ref, prefix netip.Prefix) frag {
	hi, lo, _ := c.addressKeys(ref)
	first := prefix.Addr()
	last := lastAddress(prefix)
	h1, l1 := AddressKeys(first)
	h2, l2 := AddressKeys(last)
	if h1 == h2 {
		in := fill("(%s = %s AND %s >= %s AND %s <= %s)", hi, c.key(h1), lo, c.key(l1), lo, c.key(l2))
		if first.Is4() || h1 != 0 {
			return in
		}
		return fill("(%s AND %s)", in, c.notIPv4(hi, lo))
	}
	in := fill("(%s >= %s AND %s <= %s)", hi, c.key(h1), hi, c.key(h2))
	return fill("(%s AND %s)", in, c.notIPv4(hi, lo))
}

func (c *compiler) notIPv4(hi, lo frag) frag {
	const first, last = 0xffff00000000, 0xffffffffffff
	return fill("NOT (%s = %s AND %s >= %s AND %s <= %s)", hi, c.key(0), lo, c.key(first), lo, c.key(last))
}

func lastAddress(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last := netip.AddrFrom16(b)
	if p.Addr().Is4() {
		return last.Unmap()
	}
	return last
}

// kept is the condition on groups.
func (c *compiler) kept() frag {
	parts := []frag{}
	for _, h := range c.plan.Having {
		col := lit(column(h.Column))
		if _, ok := h.Value.(float64); ok {
			col = fill(c.d.Double, col)
		}
		parts = append(parts, fill("(%s "+operator(h.Op)+" %s)", col, c.arg(h.Value)))
	}
	if len(parts) == 0 {
		return lit("1 = 1")
	}
	return join(parts, " AND ")
}
