package feed

import (
	"bufio"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strings"

	"vedette/internal/intel"
)

// list reads one indicator a line. Comments begin with # ; or //. Lines of
// hosts files (0.0.0.0 name) and of ad blockers (||name^) mean their name, a
// range of addresses the subnets it is made of.
func (r *reader) list(in *bufio.Reader) error {
	return r.eachLine(in, func(line string) error {
		text := uncomment(line)
		if text == "" {
			return nil
		}
		if first, last, ok := addressRange(text); ok {
			return r.takeRange(first, last, text)
		}
		if name, ok := hostsLine(text); ok {
			return r.take(intel.Domain, name, intel.Indicator{})
		}
		if name, ok := strings.CutPrefix(text, "||"); ok {
			if end := strings.IndexByte(name, '^'); end > 0 {
				name = name[:end]
			}
			return r.take(intel.None, name, intel.Indicator{})
		}
		if cut := strings.IndexAny(text, " \t,;"); cut > 0 && !strings.Contains(text, "://") {
			text = text[:cut]
		}
		return r.take(intel.None, strings.Trim(text, `"'`), intel.Indicator{})
	})
}

func uncomment(line string) string {
	text := strings.TrimSpace(line)
	for _, start := range []string{"#", ";", "//", "!"} {
		if strings.HasPrefix(text, start) {
			return ""
		}
	}
	for _, start := range []string{" #", "\t#", " ;", "\t;", " //"} {
		if cut := strings.Index(text, start); cut >= 0 {
			text = text[:cut]
		}
	}
	return strings.TrimSpace(text)
}

// hostsLine reads "0.0.0.0 name".
func hostsLine(text string) (string, bool) {
	fields := strings.Fields(text)
	if len(fields) < 2 || fields[0] != "0.0.0.0" && fields[0] != "127.0.0.1" && fields[0] != "::" && fields[0] != "::1" {
		return "", false
	}
	return fields[1], true
}

func addressRange(text string) (first, last netip.Addr, ok bool) {
	a, b, ok := strings.Cut(text, "-")
	if !ok {
		return first, last, false
	}
	first, err := netip.ParseAddr(strings.TrimSpace(a))
	if err != nil || !first.Is4() {
		return first, last, false
	}
	last, err = netip.ParseAddr(strings.TrimSpace(b))
	return first, last, err == nil && last.Is4() && !last.Less(first)
}

// takeRange splits a range into at most 62 subnets.
func (r *reader) takeRange(first, last netip.Addr, text string) error {
	r.report.Read++
	lo, hi := uint64(number(first)), uint64(number(last))
	for lo <= hi {
		size := 32
		if lo != 0 {
			size = bits.TrailingZeros32(uint32(lo)) //nolint:gosec // G115: below 2^32
		}
		for size > 0 && lo+1<<size-1 > hi {
			size--
		}
		in := intel.Indicator{Type: intel.Subnet, Value: netip.PrefixFrom(address(uint32(lo)), 32-size).String()} //nolint:gosec // G115: below 2^32
		if size == 0 {
			in.Type, in.Value = intel.IP, address(uint32(lo)).String() //nolint:gosec // G115: below 2^32
		}
		if err := r.give(in, text); err != nil {
			return err
		}
		lo += 1 << size
	}
	return nil
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func address(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}
