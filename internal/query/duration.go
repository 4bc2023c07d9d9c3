package query

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/fault"
)

// ParseDuration reads a positive Go duration such as "90m" or "1h30m", or a
// number followed by d (24 hours) or w (7 days). At most 100 years.
func ParseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	bad := fault.New(fault.Invalid, "%q is no span of time", s).WithHint("write it like 30m, 24h, 7d or 2w")
	unit := time.Duration(0)
	switch {
	case strings.HasSuffix(s, "d"):
		unit = day
	case strings.HasSuffix(s, "w"):
		unit = 7 * day
	}
	if unit == 0 {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 || d > 100*365*day {
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseFloat(s[:len(s)-1], 64)
	if err != nil || !(n > 0) || n > 100*365 {
		return 0, bad
	}
	return time.Duration(n * float64(unit)), nil
}

// FormatDuration writes d the way [ParseDuration] reads it, in the largest
// unit that leaves no rest.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%(7*day) == 0:
		return strconv.FormatInt(int64(d/(7*day)), 10) + "w"
	case d%day == 0 && d > day:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return d.String()
}
