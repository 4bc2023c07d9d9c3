package config

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as Go does ("90m", "1h30m") or in days
// ("90d").
type Duration time.Duration

const (
	second = Duration(time.Second)
	day    = Duration(24 * time.Hour)
)

// Std returns it as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns whole days as such.
func (d Duration) String() string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := time.Duration(d).String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

// MarshalText writes the text form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form.
func (d *Duration) UnmarshalText(b []byte) error {
	s := string(b)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if days, err := strconv.ParseFloat(n, 64); err == nil && days >= 0 && days <= 100_000 {
			*d = Duration(days * float64(day))
			return nil
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no length of time (such as 30s, 12h or 90d)", s)
	}
	*d = Duration(v)
	return nil
}

// Bytes is a size, written with a unit of 1024: "512MB", "1.5GB".
type Bytes int64

var byteUnits = []struct {
	name string
	size int64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}}

// String returns the largest unit that divides it.
func (n Bytes) String() string {
	for _, u := range byteUnits {
		if n != 0 && int64(n)%u.size == 0 {
			return strconv.FormatInt(int64(n)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(n), 10)
}

// MarshalText writes the text form.
func (n Bytes) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the text form.
func (n *Bytes) UnmarshalText(b []byte) error {
	s := strings.ToUpper(strings.ReplaceAll(string(b), " ", ""))
	s = strings.Replace(s, "IB", "B", 1)
	unit := int64(1)
	for _, u := range byteUnits {
		if t, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = t, u.size
			break
		}
		if t, ok := strings.CutSuffix(s, u.name[:1]); ok {
			s, unit = t, u.size
			break
		}
	}
	s = strings.TrimSuffix(s, "B")
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || math.IsNaN(v) || v*float64(unit) > 1<<60 {
		return fmt.Errorf("%q is no size (such as 512MB or 2GB)", string(b))
	}
	*n = Bytes(v * float64(unit))
	return nil
}

// Prefix is a subnet in CIDR form; a bare address means that address alone.
type Prefix struct{ netip.Prefix }

// UnmarshalText reads the text form. Bits behind the mask are refused: they
// are usually a slip.
func (p *Prefix) UnmarshalText(b []byte) error {
	s := strings.TrimSpace(string(b))
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		p.Prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		return nil
	}
	v, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is no subnet (such as 10.1.0.0/16)", s)
	}
	if v != v.Masked() {
		return fmt.Errorf("%q has bits behind its mask, the subnet is %s", s, v.Masked())
	}
	p.Prefix = v
	return nil
}
