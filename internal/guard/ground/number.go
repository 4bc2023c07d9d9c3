package ground

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are what a number may be followed by, with how many of the base unit
// (bytes, seconds, one) each is.
var units = map[string]float64{
	"b": 1, "byte": 1, "bytes": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	"kilobytes": 1e3, "megabytes": 1e6, "gigabytes": 1e9, "terabytes": 1e12,
	"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
	"s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60,
	"h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400, "w": 604800, "week": 604800, "weeks": 604800,
	"k": 1e3, "thousand": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "dozen": 12,
}

// small are the words of numbers; tens and what multiplies follow in joinNumberWords.
var small = map[string]float64{
	"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
	"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
	"once": 1, "twice": 2, "thrice": 3,
}

// numberFact is a number as code gives it.
func numberFact(v float64, text string) fact {
	return fact{kind: number, key: numberKey(v), text: text, value: v, scale: 1}
}

func numberKey(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// measure recognises a number with what belongs to it: sign, thousands, unit,
// percent, ordinal ending. The unit may be the next word of the text.
func measure(f *fact, negative bool, text string) bool {
	s := strings.ToLower(f.text)
	if s == "" || !digit(s[0]) {
		return false
	}
	digits, rest := splitNumber(s)
	n, ok := plainNumber(digits)
	if !ok {
		return false
	}
	from, end, shown := f.from, f.end, f.text
	*f = n
	f.from, f.end, f.text = from, end, shown
	if negative {
		f.value, f.key = -f.value, numberKey(-f.value)
	}
	switch rest {
	case "th", "st", "nd", "rd":
		return true
	case "":
		if text != "" {
			f.follow(text)
		}
		return true
	}
	if scale, ok := units[rest]; ok {
		f.inUnits(scale)
		return true
	}
	if d, err := time.ParseDuration(s); err == nil {
		f.value, f.key, f.decimals, f.scale = d.Seconds(), numberKey(d.Seconds()), 0, 1
		return true
	}
	return false
}

// splitNumber cuts a token after its digits.
func splitNumber(s string) (digits, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r != '.' && r != ',' && r != '\u00a0' && r != '\u202f' && r != '\u2009' && (r < '0' || r > '9')
	})
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// plainNumber reads digits with separators of thousands and a decimal point.
func plainNumber(s string) (fact, bool) {
	clean := strings.NewReplacer(",", "", "\u00a0", "", "\u202f", "", "\u2009", "").Replace(s)
	if clean == "" || !digit(clean[0]) || strings.Count(clean, ".") > 1 || len(clean) > 40 {
		return fact{}, false
	}
	v, err := strconv.ParseFloat(clean, 64)
	if err != nil || math.IsInf(v, 0) {
		return fact{}, false
	}
	f := numberFact(v, s)
	if _, after, ok := strings.Cut(clean, "."); ok {
		f.decimals = len(after)
	}
	if parts := strings.Split(s, ","); len(parts) > 1 {
		for _, p := range parts {
			if q, ok := plainNumber(p); ok {
				f.parts = append(f.parts, q)
			}
		}
	}
	return f, true
}

func (f *fact) inUnits(scale float64) {
	f.value *= scale
	f.key, f.scale = numberKey(f.value), scale
}

// follow looks at what comes after a number: a percent sign or a unit.
func (f *fact) follow(text string) {
	rest := text[f.end:]
	gap := len(rest) - len(strings.TrimLeft(rest, " \u00a0\u202f"))
	rest = rest[gap:]
	if strings.HasPrefix(rest, "%") {
		f.kind, f.end = percent, f.end+gap+1
		return
	}
	_, end := nextToken(rest, 0)
	w := strings.ToLower(strings.TrimRight(rest[:end], ".:-'’"))
	if gap == 0 || len(rest) > 0 && !joins([]rune(rest[:1])[0]) {
		return
	}
	if w == "percent" || w == "per" && strings.HasPrefix(strings.ToLower(rest), "per cent") {
		f.kind = percent
		f.end += gap + len(w)
		return
	}
	if scale, ok := units[w]; ok && scale != 1 && len(w) > 1 {
		f.inUnits(scale)
		f.end += gap + len(w)
	}
}

// joinNumberWords makes numbers of words: "twenty-one", "two hundred".
func joinNumberWords(in []fact, text string) []fact {
	out := in[:0]
	for i := 0; i < len(in); i++ {
		f := in[i]
		v, ok := spelt(f)
		if !ok || f.key == "one" && i+1 < len(in) && in[i+1].key == "of" {
			out = append(out, f)
			continue
		}
		for i+1 < len(in) && strings.TrimSpace(text[in[i].end:in[i+1].from]) == "" {
			grown, ok := grow(v, in[i+1])
			if !ok {
				break
			}
			v = grown
			i++
		}
		n := numberFact(v, text[f.from:in[i].end])
		n.from, n.end = f.from, in[i].end
		out = append(out, n)
	}
	return out
}

// grow takes the next word into a number: "hundred", or "one" after "twenty".
func grow(v float64, next fact) (float64, bool) {
	if scale := multiplier(next.key); scale > 0 {
		return v * scale, true
	}
	if ones, ok := spelt(next); ok && ones > 0 && ones < 10 && v >= 20 && math.Mod(v, 10) == 0 {
		return v + ones, true
	}
	return v, false
}

func multiplier(key string) float64 {
	if key == "hundred" {
		return 100
	}
	if scale := units[key]; len(key) > 4 && (key == "thousand" || key == "million" || key == "billion" || key == "dozen") {
		return scale
	}
	return 0
}

// spelt is the number of a word such as "seven" or "twenty-one".
func spelt(f fact) (float64, bool) {
	if f.kind != word {
		return 0, false
	}
	if v, ok := small[f.key]; ok {
		return v, true
	}
	tens, ones, ok := strings.Cut(f.key, "-")
	if !ok {
		return 0, false
	}
	t, okT := small[tens]
	o, okO := small[ones]
	return t + o, okT && okO && t >= 20 && o < 10 && o > 0
}
