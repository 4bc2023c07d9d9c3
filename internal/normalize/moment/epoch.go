package moment

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Numbers from here on are milliseconds since 1970, which Zeek writes under
// JSON::TS_MILLIS: a moment in 2001, where seconds would be the year 33658.
const fromMillis = 1_000_000_000_000

// Epoch reads seconds since 1970 with up to nine decimals, exactly,
// milliseconds since 1970, or an RFC 3339 time. It returns the zero time for
// anything else.
func Epoch(v string) time.Time {
	if t, ok := plainEpoch(v); ok {
		return t
	}
	return anyEpoch(v)
}

// anyEpoch is Epoch without haste.
func anyEpoch(v string) time.Time {
	if strings.ContainsAny(v, "eE") { // 1.7e9, as some JSON writers have it
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.Abs(f) >= fromMillis {
			return time.Time{}
		}
		s, part := math.Modf(f)
		return time.Unix(int64(s), int64(part*1e9)).UTC()
	}
	whole, frac, _ := strings.Cut(v, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		t, terr := time.Parse(time.RFC3339Nano, v)
		if terr != nil {
			return time.Time{}
		}
		return t.UTC()
	}
	if len(frac) > 9 {
		frac = frac[:9]
	}
	nano := int64(0)
	if frac != "" {
		n, err := strconv.ParseUint(frac, 10, 32)
		if err != nil {
			return time.Time{}
		}
		nano = int64(n)
		for range 9 - len(frac) {
			nano *= 10
		}
	}
	if sec >= fromMillis && sec < 1000*fromMillis {
		return time.UnixMilli(sec).UTC().Add(time.Duration(nano / 1000))
	}
	if sec < -1<<33 || sec > 1<<38 {
		return time.Time{}
	}
	if strings.HasPrefix(v, "-") {
		nano = -nano
	}
	return time.Unix(sec, nano).UTC()
}

// plainEpoch reads the usual form: seconds of at most eleven digits, with up to
// nine decimals.
func plainEpoch(v string) (t time.Time, ok bool) {
	sec, i := int64(0), 0
	for ; i < len(v) && v[i] >= '0' && v[i] <= '9'; i++ {
		if i >= 11 {
			return time.Time{}, false
		}
		sec = sec*10 + int64(v[i]-'0')
	}
	nano, rest, ok := fraction(v[i:])
	if i == 0 || !ok || rest != "" {
		return time.Time{}, false
	}
	return time.Unix(sec, int64(nano)).UTC(), true
}
