package telemetry

import (
	"math"
	"strconv"
	"time"

	"vedette/internal/normalize/moment"
)

// parseNumber reads a decimal number; words such as "NaN" and hexadecimal
// digits are none.
func parseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && finite(v)
}

// The least numbers that are milliseconds, microseconds and nanoseconds since
// 1970: each is a moment in the seventies, where the next coarser unit would be
// the far future.
const (
	leastMillis = 1e11
	leastMicros = 1e14
	leastNanos  = 1e17
)

// stamp reads a time as devices write them: seconds to nanoseconds since 1970,
// told apart by their size, or any spelling that logs use.
func stamp(s string, frame moment.Frame) time.Time {
	v, ok := parseNumber(s)
	if !ok {
		return frame.Any(s)
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return wholeStamp(n)
	}
	switch {
	case v >= leastNanos, v <= 0:
		return time.Time{}
	case v >= leastMicros:
		v /= 1e6
	case v >= leastMillis:
		v /= 1e3
	}
	sec, part := math.Modf(v)
	return time.Unix(int64(sec), int64(math.Round(part*1e6))*1000).UTC()
}

func wholeStamp(n int64) time.Time {
	switch {
	case n <= 0:
		return time.Time{}
	case n >= leastNanos:
		return time.Unix(0, n).UTC()
	case n >= leastMicros:
		return time.UnixMicro(n).UTC()
	case n >= leastMillis:
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}
